"""Whether the engine can serve: its database, its writer, its LiveKit.

Balancers and orchestrators ask often and without credentials, so all requests
within two seconds share one look, whose time is bounded.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from utd_stream.engine._place import DatabaseGoneError
from utd_stream.engine.writer import Writer
from utd_stream.errors import UnavailableError, UTDStreamException
from utd_stream.ports import Clock, Sfu

__all__ = ["Readiness"]

_LOG = logging.getLogger(__name__)
# How long one look is shared, and how often the database's file is looked at,
# in seconds.
_PERIOD = 2.0
# How long writer and LiveKit may take, in seconds.
_PATIENCE = 2.0
# No room of ours: asking for it costs LiveKit the same however many there are.
_NO_ROOM = "ready"


class Readiness:
    """Looks at the parts without which nothing can be served.

    Args:
        writer: Must serve, and have its database.
        sfu: Must answer.
        clock: Of the engine.
    """

    def __init__(self, writer: Writer, *, sfu: Sfu, clock: Clock) -> None:
        self._writer = writer
        self._sfu = sfu
        self._clock = clock
        self._watching: asyncio.Task[None] | None = None
        self._look: asyncio.Task[dict[str, str]] | None = None
        self._looked_at = 0.0
        self._missing: dict[str, str] = {}

    def start(self) -> None:
        """Begin to watch the database's file; one in memory cannot go."""
        if self._writer.is_on_file:
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def aclose(self) -> None:
        """Stop watching; idempotent."""
        for task in (self._watching, self._look):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])

    async def check(self) -> None:
        """Return if everything is ready.

        Raises:
            UnavailableError: If not; its details name the parts that are not:
                ``database``, ``writer``, ``livekit``.
        """
        now = self._clock.monotonic()
        if self._look is None or (
            self._look.done() and now - self._looked_at >= _PERIOD
        ):
            self._looked_at = now
            self._look = asyncio.get_running_loop().create_task(self._see())
        missing = await asyncio.shield(self._look)
        if missing:
            message = "not ready: " + ", ".join(missing)
            raise UnavailableError(message, details={"not_ready": [*missing]})

    async def _see(self) -> dict[str, str]:
        """Return what is not ready, and why."""
        writing, media = await asyncio.gather(self._writes(), self._answers())
        missing = {**writing, **media}
        # The database's end and return have lines of their own.
        for part in ("writer", "livekit"):
            if part in missing and part not in self._missing:
                _LOG.warning("not ready: %s: %s", part, missing[part])
            elif part in self._missing and part not in missing:
                _LOG.warning("ready again: %s", part)
        self._missing = missing
        return missing

    async def _writes(self) -> dict[str, str]:
        try:
            async with self._clock.timeout(_PATIENCE):
                await self._writer.prove(writes=True)
        except DatabaseGoneError as error:
            return {"database": str(error)}
        except UTDStreamException as error:
            return {"writer": str(error)}
        except TimeoutError:
            return {"writer": f"does not answer within {_PATIENCE:g} s"}
        return {}

    async def _answers(self) -> dict[str, str]:
        try:
            async with self._clock.timeout(_PATIENCE):
                await self._sfu.list_rooms([_NO_ROOM])
        except UTDStreamException as error:
            return {"livekit": str(error)}
        except TimeoutError:
            return {"livekit": f"does not answer within {_PATIENCE:g} s"}
        return {}

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(_PERIOD)
            # The log says so once, and those who write are told.
            with suppress(UTDStreamException):
                await self._writer.prove(writes=False)
