"""Running an engine until it is cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from utd_stream.engine.config import Config
from utd_stream.engine.running import running
from utd_stream.errors import UTDStreamException
from utd_stream.ports import Clock, Luck, Sfu

__all__ = ["serve", "warn_of_open_apps"]

_LOG = logging.getLogger(__name__)


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
    async with running(config, sfu=sfu, clock=clock, luck=luck) as engine:
        warn_of_open_apps(config)
        on_ready(engine.base_url)
        await _warn_unless_it_answers(sfu)
        await asyncio.Event().wait()


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
