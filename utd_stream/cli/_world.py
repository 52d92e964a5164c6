"""An engine over a LiveKit server, both ours, for as long as they are needed."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, closing
from pathlib import Path

import attrs

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.livekit_api import LiveKitSfu
from utd_stream.adapters.livekit_binary import REMEDY, find_server
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.adapters.luck import SystemLuck
from utd_stream.engine import App, Config, Store, running
from utd_stream.engine.listening import base_url
from utd_stream.errors import InvalidArgumentError, UsageError

__all__ = ["Addresses", "livekit_server", "world"]


@attrs.frozen(kw_only=True)
class Addresses:
    """Where a world is, and the app in it.

    Attributes:
        base_url: Of the engine.
        livekit_url: Of the LiveKit server.
        app: The first one.
        livekit: The server, which may end by itself.
    """

    base_url: str
    livekit_url: str
    app: App
    livekit: LiveKitProcess


def livekit_server() -> Path:
    """Return LiveKit's program.

    Raises:
        UsageError: If there is none; it says how to get one.
    """
    if (found := find_server()) is not None:
        return found
    message = f"no LiveKit server was found: {REMEDY}"
    raise UsageError(message)


@asynccontextmanager
async def world(config: Config, server: Path) -> AsyncGenerator[Addresses]:
    """Run an engine, and a LiveKit server that tells it what happens.

    Args:
        config: Of the engine; what it says of LiveKit is not used.
        server: LiveKit's program.

    Raises:
        InvalidArgumentError: If the address is taken, or the database is
            another engine's.
        ConnectError: If LiveKit does not come up.
    """
    # The address first: LiveKit must be told it before the engine, which must
    # be told LiveKit's, is there.
    with _listener(config) as listener, closing(Store(config.database)) as store:
        here = base_url(config.host, listener.getsockname()[1])
        webhook = f"{here}/livekit/webhook"
        async with LiveKitProcess(server, webhooks=[webhook]) as livekit:
            config = attrs.evolve(
                config,
                livekit_url=livekit.url,
                livekit_api_key=livekit.api_key,
                livekit_api_secret=livekit.api_secret,
            )
            async with (
                aclosing(
                    LiveKitSfu(livekit.url, livekit.api_key, livekit.api_secret)
                ) as sfu,
                running(
                    config,
                    sfu=sfu,
                    clock=AsyncioClock(),
                    luck=SystemLuck(),
                    store=store,
                    sockets=[listener],
                ),
            ):
                yield Addresses(
                    base_url=here,
                    livekit_url=livekit.url,
                    app=config.apps[0],
                    livekit=livekit,
                )


def _listener(config: Config) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        return socket.create_server((config.host, config.port), family=family)
    except OSError as error:
        message = (
            f"cannot listen on {config.host}:{config.port}: {error.strerror};"
            " --port 0 takes a free port"
        )
        raise InvalidArgumentError(message) from error
