"""A clock that stands until a test moves it."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["ManualClock"]

_TURNS = 50  # of the loop, enough for whatever a timer sets off


class ManualClock:
    """The `Clock` port in steps."""

    def __init__(self) -> None:
        self._now = datetime(2024, 2, 29, 12, tzinfo=UTC)
        self._timers: list[tuple[datetime, int, Callable[[], object]]] = []
        self._count = 0

    def now(self) -> datetime:
        """Return the date and time, UTC and aware."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return self._now.timestamp()

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has moved on by *seconds*."""
        future = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not future.done():
                future.set_result(None)

        self._at(seconds, wake)
        await future

    def call_later(
        self, seconds: float, call: Callable[[], object]
    ) -> Callable[[], None]:
        """Call *call* when the test has moved on by *seconds*."""
        wanted = [call]
        self._at(seconds, lambda: [each() for each in wanted])
        return wanted.clear

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        """Bound the body by the time of the test."""
        timeout = asyncio.timeout(None)
        loop = asyncio.get_running_loop()

        def expire() -> None:
            if timeout.when() is None and not timeout.expired():
                try:
                    timeout.reschedule(loop.time())
                except RuntimeError:
                    return  # its body has ended

        if seconds is not None:
            self._at(seconds, expire)
        return timeout

    async def advance(self, seconds: float) -> None:
        """Move on, and let everything run that was waiting for it."""
        end = self._now + timedelta(seconds=seconds)
        await self.settle()
        while self._timers and self._timers[0][0] <= end:
            self._now, _, fire = heapq.heappop(self._timers)
            fire()
            await self.settle()
        self._now = end
        await self.settle()

    async def settle(self) -> None:
        """Let everything run that needs no time."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def _at(self, seconds: float, fire: Callable[[], object]) -> None:
        self._count += 1
        due = self._now + timedelta(seconds=max(seconds, 0))
        heapq.heappush(self._timers, (due, self._count, fire))
