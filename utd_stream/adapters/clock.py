"""The clock of the running loop, and of the wall."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from utd_stream.errors import UsageError

__all__ = ["AsyncioClock", "call_later"]


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

    def call_later(
        self, seconds: float, call: Callable[[], object]
    ) -> Callable[[], None]:
        """Call *call* after *seconds*; return what takes that back.

        Raises:
            UsageError: If no loop runs here.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            message = (
                "a timed operator needs a running loop: use it in a coroutine, or "
                "reach the loop by asyncio.run_coroutine_threadsafe(work(), loop)"
            )
            raise UsageError(message) from None
        return call_later(loop, seconds, call)

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        """Bound the body: after *seconds* it is cancelled and TimeoutError raised."""
        return asyncio.timeout(seconds)


def call_later(
    loop: asyncio.AbstractEventLoop, seconds: float, call: Callable[[], object]
) -> Callable[[], None]:
    """Call *call* on *loop* after *seconds*; return what takes that back.

    What is due at once keeps its order.
    """
    if seconds > 0:
        return loop.call_later(seconds, call).cancel
    return loop.call_soon(call).cancel
