"""The clock of the running loop, and of the wall."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

__all__ = ["AsyncioClock"]


class AsyncioClock:
    """The `Clock` port on asyncio; without state, so any two are the same."""

    def now(self) -> datetime:
        """Return the date and time, UTC and aware."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary start."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait *seconds*; cancelling ends it at once."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        """Bound the body: after *seconds* it is cancelled and TimeoutError raised."""
        return asyncio.timeout(seconds)
