"""Running an engine until it is cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from utd_stream.engine.app import make_app
from utd_stream.engine.config import Config
from utd_stream.engine.listening import EngineRunner, open_sockets
from utd_stream.engine.store import Store
from utd_stream.errors import InvalidArgumentError, UTDStreamException
from utd_stream.ports import Clock, Luck, Sfu

__all__ = ["serve", "warn_of_open_apps"]

_LOG = logging.getLogger(__name__)
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
    """Run an engine until it is cancelled, which ends it clean.

    Signals are the program's own: `utd-stream serve` cancels at the first.

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
    store = Store(config.database)
    app = make_app(config, sfu=sfu, clock=clock, luck=luck, store=store)
    runner = EngineRunner(app, shutdown_timeout=_SHUTDOWN_TIMEOUT)
    try:
        await runner.setup()
        try:
            runner.listen(open_sockets(config.host, config.port))
        except OSError as error:
            message = f"cannot listen on {config.host}:{config.port}: {error.strerror}"
            raise InvalidArgumentError(message) from error
        warn_of_open_apps(config)
        on_ready(_base_url(config.host, runner))
        await _warn_unless_it_answers(sfu)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
        store.close()


def warn_of_open_apps(config: Config) -> None:
    """Log each app that whoever reaches the engine can be anybody in.

    For where the engine is listened on; nobody reaches an embedded one.
    """
    for app in config.apps:
        if app.allow_appkey_identity_mint:
            _LOG.warning("app %s: its publishable key may sign anybody in", app.id)


async def _warn_unless_it_answers(sfu: Sfu) -> None:
    # Nobody would hear of a wrong URL or key before the first room.
    try:
        await sfu.list_rooms()
    except UTDStreamException as error:
        _LOG.warning("LiveKit cannot be used, and is tried again: %s", error)


def _base_url(host: str, runner: EngineRunner) -> str:
    port: int = runner.addresses[0][1]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
