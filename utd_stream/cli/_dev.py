"""``utd-stream dev``: engine and LiveKit, for who wants to write a program now."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from utd_stream.adapters.descriptors import raise_descriptor_limit
from utd_stream.cli._kept import KEPT_IN, kept_settings
from utd_stream.cli._ready import print_json, print_ready
from utd_stream.cli._stopping import run
from utd_stream.cli._world import Addresses, livekit_server, world
from utd_stream.engine import Config, read_config
from utd_stream.engine.cors import with_local_pages
from utd_stream.engine.serve import warn_of_open_apps
from utd_stream.errors import InvalidArgumentError

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
            "rate_pair": 0,
        },
    )
    _check_usable(config)
    raise_descriptor_limit()
    config = with_local_pages(config)  # a program of today may be a web page
    return run(_serve(config, server, as_json=as_json))


def _check_usable(config: Config) -> None:
    if not (config.secret and config.apps):
        message = (
            f"{KEPT_IN / 'engine.toml'} has lost its secret or its app; remove it,"
            " and the next start makes a new one"
        )
        raise InvalidArgumentError(message)


async def _serve(config: Config, server: Path, *, as_json: bool) -> int:
    async with world(config, server) as addresses:
        warn_of_open_apps(config)
        _tell(addresses, as_json=as_json)
        await addresses.livekit.outlive()


def _tell(addresses: Addresses, *, as_json: bool) -> None:
    app = addresses.app
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
    _tell_what_to_type(addresses)


def _tell_what_to_type(addresses: Addresses) -> None:
    app, base_url = addresses.app, addresses.base_url
    if app.allow_appkey_identity_mint:
        engine = ("--base-url", base_url, "--app-id", app.id, "--app-key", app.key)
        print_ready(
            "\nin another terminal, the program of the README or the demo",
            ("$", shlex.join(["python", "hello.py", base_url, app.id, app.key])),
            ("$", shlex.join(["utd-stream", "demo", *engine])),
        )
        return
    asked = ["curl", f"{base_url}/api/v1/auth/session"]
    headers = {
        "X-App-Id": app.id,
        "X-App-Secret": app.secret,
        "Content-Type": "application/json",
    }
    for name, value in headers.items():
        asked += ["-H", f"{name}: {value}"]
    print_ready(
        "\nthe app key alone signs nobody in here: a back end asks, with the secret",
        ("$", shlex.join([*asked, "-d", '{"identity": "ana"}'])),
    )
