"""Running an engine until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager

from aiohttp import web

from utd_stream.engine.app import make_app
from utd_stream.engine.config import Config
from utd_stream.engine.store import Store
from utd_stream.errors import InvalidArgumentError
from utd_stream.ports import Clock, Luck, Sfu

__all__ = ["serve"]

# What a request under way may take once a stop was asked for, in seconds.
_SHUTDOWN_TIMEOUT = 5.0


async def serve(
    config: Config,
    *,
    sfu: Sfu,
    clock: Clock,
    luck: Luck,
    on_ready: Callable[[str], None],
) -> None:
    """Run an engine until SIGTERM, Ctrl-C or cancellation; each ends it clean.

    Args:
        config: What it is told; complete.
        sfu: The media plane; closed by whoever made it.
        clock: Of the engine.
        luck: Of the engine.
        on_ready: Told the base URL once requests are served.

    Raises:
        InvalidArgumentError: If a part of *config* is missing, the database
            is another engine's, or the address is taken.
    """
    config.check_complete()
    # To the very end: a second signal must not cut the ending short.
    with _signals() as told:
        store = Store(config.database)
        app = make_app(config, sfu=sfu, clock=clock, luck=luck, store=store)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT)
        try:
            await runner.setup()
            site = web.TCPSite(runner, config.host, config.port)
            try:
                await site.start()
            except OSError as error:
                where = f"{config.host}:{config.port}"
                message = f"cannot listen on {where}: {error.strerror}"
                raise InvalidArgumentError(message) from error
            on_ready(_base_url(config.host, runner))
            await told.wait()
        finally:
            await runner.cleanup()
            store.close()


@contextmanager
def _signals() -> Generator[asyncio.Event]:
    """Set the event at each signal that asks for an end."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, told.set)
    try:
        yield told
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _base_url(host: str, runner: web.AppRunner) -> str:
    port: int = runner.addresses[0][1]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
