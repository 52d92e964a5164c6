"""What is to happen later, on one clock: however much there is, one task waits."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable
from itertools import count
from typing import Any

from utd_stream.ports import Clock

__all__ = ["Ticks", "Timer", "Timers"]

# Clocks count in floats: what is due within this is due, in seconds.
_CLOSE = 1e-6


class Timer:
    """One thing that is to happen."""

    __slots__ = ("_act", "_arguments", "_number", "due")

    def __init__(
        self,
        due: float,
        number: int,
        act: Callable[..., object],
        arguments: tuple[Any, ...],
    ) -> None:
        self.due: float = due
        self._number = number
        self._act: Callable[..., object] | None = act
        self._arguments = arguments

    def __lt__(self, other: Timer) -> bool:
        return (self.due, self._number) < (other.due, other._number)

    def cancel(self) -> None:
        """Let it not happen; late calls are harmless."""
        self._act, self._arguments = None, ()

    def fire(self) -> None:
        """Let it happen, unless it was canceled."""
        act, arguments = self._act, self._arguments
        self.cancel()
        if act is not None:
            act(*arguments)


class Timers:
    """Everything that waits for time on one plane.

    Those of one instant fire in the order they were set.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[Timer] = []
        self._numbers = count()
        self._task: asyncio.Task[None] | None = None
        self._wakes_at = 0.0
        self._is_firing = False
        self._is_closed = False

    def after(self, seconds: float, act: Callable[..., object], *given: Any) -> Timer:
        """Call *act* in *seconds*, in a turn of its own."""
        timer = Timer(
            self._clock.monotonic() + seconds, next(self._numbers), act, given
        )
        if not self._is_closed:
            heapq.heappush(self._waiting, timer)
            self._look()
        return timer

    async def aclose(self) -> None:
        """Let nothing happen any more."""
        self._is_closed = True
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    def _look(self) -> None:
        """Make sure that the task wakes in time for the next one."""
        is_idle = self._task is None or self._task.done()
        if is_idle or (
            not self._is_firing and self._waiting[0].due < self._wakes_at - _CLOSE
        ):
            if self._task is not None:
                self._task.cancel()
            self._wakes_at = self._waiting[0].due
            self._task = asyncio.create_task(self._run(), name="loopback timers")

    async def _run(self) -> None:
        while self._waiting:
            due = self._waiting[0].due
            left = due - self._clock.monotonic()
            if left > _CLOSE:
                self._wakes_at = due
                await self._clock.sleep(left)
                continue
            self._is_firing = True
            try:
                heapq.heappop(self._waiting).fire()
            finally:
                self._is_firing = False


class Ticks:
    """What is to happen with the next tick of a clock that began at some time."""

    def __init__(self, clock: Clock, timers: Timers, period: float) -> None:
        self._clock = clock
        self._timers = timers
        self._period = period
        self._waiting: dict[str, Timer] = {}

    def set(
        self, key: str, began: float, act: Callable[..., object], *given: Any
    ) -> None:
        """Call *act* with the next tick since *began*, once for each key."""
        if key not in self._waiting:
            passed = math.fmod(self._clock.monotonic() - began, self._period)
            left = self._period - passed
            if left <= _CLOSE:  # this tick is over
                left += self._period
            self._waiting[key] = self._timers.after(left, self._fire, key, act, *given)

    def drop(self, key: str) -> None:
        """Let it not happen; quiet if nothing is to."""
        timer = self._waiting.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _fire(self, key: str, act: Callable[..., object], *given: Any) -> None:
        del self._waiting[key]
        act(*given)
