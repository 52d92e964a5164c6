"""``utd-stream dev``: engine and LiveKit, for who wants to write a program now."""

from __future__ import annotations

import os
from pathlib import Path

from utd_stream.adapters.descriptors import raise_descriptor_limit
from utd_stream.cli._kept import KEPT_IN, kept_settings
from utd_stream.cli._ready import print_json, print_ready
from utd_stream.cli._stopping import run
from utd_stream.cli._world import Addresses, livekit_server, world
from utd_stream.engine import Config, read_config
from utd_stream.engine.cors import with_local_pages
from utd_stream.engine.serve import warn_of_open_apps

__all__ = ["main"]


def main(*, port: int | None, as_json: bool) -> int:
    """Serve until told to stop.

    Raises:
        UsageError: If there is no LiveKit server, or a setting is no good.
        ConnectError: If LiveKit does not come up, or has ended.
    """
    server = livekit_server()
    os.umask(0o077)  # the database too is its owner's alone
    config = read_config(
        file=kept_settings(KEPT_IN),
        environ=os.environ,
        flags={"port": port},
        defaults={
            "database": f"sqlite:///{KEPT_IN / 'engine.db'}",
            "rate_app": 0,
            "rate_identity": 0,
        },
    )
    raise_descriptor_limit()
    config = with_local_pages(config)  # a program of today may be a web page
    return run(_serve(config, server, as_json=as_json))


async def _serve(config: Config, server: Path, *, as_json: bool) -> int:
    async with world(config, server) as addresses:
        warn_of_open_apps(config)
        _tell(addresses, as_json=as_json)
        await addresses.livekit.outlive()


def _tell(addresses: Addresses, *, as_json: bool) -> None:
    app = addresses.app
    demo = f"--base-url {addresses.base_url} --app-id {app.id} --app-key {app.key}"
    told = {"base_url": addresses.base_url, "livekit_url": addresses.livekit_url}
    if as_json:
        credentials = {"app_id": app.id, "app_key": app.key, "app_secret": app.secret}
        print_json({**told, **credentials})
        return
    print_ready(
        "utd-stream dev is ready; Ctrl-C ends it",
        ("engine", addresses.base_url),
        ("LiveKit", addresses.livekit_url),
        ("app id", app.id),
        ("app key", app.key),
        ("app secret", f"{app.secret} (for a back end, never in an app)"),
        ("kept in", f"{KEPT_IN}{os.sep}, for you alone"),
    )
    print_ready(
        "\nin another terminal, the program of the README or the demo",
        ("$", f"python hello.py {addresses.base_url} {app.id} {app.key}"),
        ("$", f"utd-stream demo {demo}"),
    )
