"""``utd-stream serve``: the engine, over somebody's LiveKit server."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

from utd_stream._version import version
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.descriptors import raise_descriptor_limit
from utd_stream.adapters.livekit_api import LiveKitSfu
from utd_stream.adapters.luck import SystemLuck
from utd_stream.adapters.pauses import shorten_pauses
from utd_stream.cli._ready import print_json, print_ready
from utd_stream.cli._stopping import run
from utd_stream.engine import Config, describe, read_config, serve
from utd_stream.errors import InvalidArgumentError

__all__ = ["main"]


def main(
    file: Path | None, flags: Mapping[str, Any], *, check: bool, as_json: bool
) -> int:
    """Serve until told to stop, or only say what is in force.

    Raises:
        InvalidArgumentError: If a setting is missing, or no good.
    """
    config = read_config(file=file, environ=os.environ, flags=flags)
    if check:
        sys.stdout.write(f"{describe(config)}\n")
    _check_complete(config)
    if check:
        return 0
    raise_descriptor_limit()
    shorten_pauses()
    return run(_serve(config, as_json=as_json))


def _check_complete(config: Config) -> None:
    try:
        config.check_complete()
    except InvalidArgumentError as error:
        message = (
            f"{error}; set them in the environment or in the file of --config"
            " (`utd-stream dev` needs none of them)"
        )
        raise InvalidArgumentError(message) from error


async def _serve(config: Config, *, as_json: bool) -> int:
    sfu = LiveKitSfu(
        config.livekit_url, config.livekit_api_key, config.livekit_api_secret
    )
    async with aclosing(sfu):
        await serve(
            config,
            sfu=sfu,
            clock=AsyncioClock(),
            luck=SystemLuck(),
            on_ready=lambda base_url: _tell(config, base_url, as_json=as_json),
        )
    return 0


def _tell(config: Config, base_url: str, *, as_json: bool) -> None:
    if as_json:
        told = {"base_url": base_url, "livekit_url": config.livekit_url}
        app = config.apps[0]
        print_json({**told, "app_id": app.id, "app_key": app.key})
        return
    print_ready(
        f"utd-stream {version()} serves; Ctrl-C ends it",
        ("engine", base_url),
        ("LiveKit", config.livekit_url),
        ("webhooks", f"{base_url}/livekit/webhook is where LiveKit tells them"),
        ("apps", ", ".join(app.id for app in config.apps)),
    )
