"""The places of the demo: this process, LiveKit of its own, an engine that runs."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from utd_stream._embedded import EmbeddedWorld, embedded
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.cli._demo_stage import Place
from utd_stream.cli._kept import kept_settings
from utd_stream.compose import UTDStreamClient
from utd_stream.engine import read_config
from utd_stream.errors import UsageError
from utd_stream.media import Silence

__all__ = ["at_home", "at_livekit", "elsewhere", "within"]

# How long a call rings, in seconds: as short as may be, and longer where a busy
# machine has a server to run, too.
_RING = 10.0
_RING_ON_LIVEKIT = 20.0


@asynccontextmanager
async def at_home() -> AsyncGenerator[Place]:
    """Hold a world in this process; nothing is installed, nothing listened on."""
    async with embedded(ring_timeout=_RING) as world:
        yield within(world)


def within(world: EmbeddedWorld) -> Place:
    """Return a room of *world*, which has been started."""
    return Place(
        plane="embedded: engine, SFU and people are in this process",
        engine=world.base_url,
        room_name=_room_name(),
        client=world.client,
        clock=world.clock,
    )


@asynccontextmanager
async def at_livekit() -> AsyncGenerator[Place]:
    """Run an engine and a LiveKit server, for as long as it is played.

    Raises:
        UsageError: If there is no such server, or no temporary folder.
        ConnectError: If it does not come up.
    """
    # It loads what calls LiveKit, and a world in this process does without.
    from utd_stream.cli._world import livekit_server, world  # noqa: PLC0415 -- above

    server = livekit_server()
    with _scratch_folder() as folder:
        config = read_config(
            file=kept_settings(Path(folder)),
            flags={
                "port": 0,
                "database": f"sqlite:///{folder}/engine.db",
                "ring_timeout": _RING_ON_LIVEKIT,
            },
        )
        async with world(config, server) as addresses:
            yield _place(
                "a server of its own",
                addresses.base_url,
                addresses.app.id,
                addresses.app.key,
            )


@asynccontextmanager
async def elsewhere(base_url: str, app_id: str, app_key: str) -> AsyncGenerator[Place]:
    """Take part at an engine that runs.

    Args:
        base_url: Of the engine.
        app_id: Of an app there that lets its key sign anybody in.
        app_key: Its publishable key.

    Raises:
        InvalidArgumentError: If one of them cannot be; before anything is played.
    """
    place = _place("the server of an engine that runs", base_url, app_id, app_key)
    place.client(microphone=Silence())
    yield place


def _scratch_folder() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory()
    except OSError as error:
        message = (
            f"no temporary folder can be made: {error.strerror};"
            " name one that you can write to in TMPDIR"
        )
        raise UsageError(message) from error


def _place(server: str, base_url: str, app_id: str, app_key: str) -> Place:
    return Place(
        plane=f"on LiveKit: {server}",
        engine=base_url,
        room_name=_room_name(),
        client=partial(UTDStreamClient, app_id, app_key, base_url=base_url),
        clock=AsyncioClock(),
    )


def _room_name() -> str:
    return f"demo-{secrets.token_hex(3)}"
