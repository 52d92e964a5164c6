"""A loop whose time is virtual: it jumps to the next timer when nothing is ready.

Three things make a run repeatable.  Time is virtual.  Timers of one instant
fire in the order they were set, or in one that the seed chooses.  Tasks and
futures hash by number, since `asyncio.wait` and TaskGroup walk sets of them.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor
from contextvars import Context
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, TypeVar, TypeVarTuple

from utd_stream.adapters.clock import AsyncioClock, call_later
from utd_stream.errors import UsageError

__all__ = [
    "HorizonError",
    "StalledError",
    "VirtualClock",
    "VirtualLoop",
    "check_thread",
    "run",
]

_R = TypeVar("_R")
_Ts = TypeVarTuple("_Ts")

_START = datetime(2026, 1, 1, tzinfo=UTC)
# How many turns may pass without time passing; a busy world needs hundreds.
_MAX_TURNS = 100_000
# Of a time, in seconds; and the shortest pause that moves it, which must be longer
# than what asyncio takes for the same instant.
_DIGITS = 9
_LEAST_PAUSE = 2e-9
# How long to wait for a thread before looking again, in real seconds.
_THREAD_WAIT = 0.05


class StalledError(RuntimeError):
    """Nothing is ready, no timer is set, no thread works: the run cannot go on.

    The message names the tasks that wait, and where.
    """


class HorizonError(RuntimeError):
    """The run went past its horizon, or spun at one instant without end."""


class VirtualClock(AsyncioClock):
    """The `Clock` port on a virtual loop.

    Args:
        loop: Whose time it shows; sleeping and bounding need it to be running.
        skew: How far its date is ahead of the loop's, in seconds.
    """

    def __init__(self, loop: VirtualLoop, skew: float = 0.0) -> None:
        self.loop = loop
        self.skew = skew

    def now(self) -> datetime:
        """Return the date and time, UTC and aware."""
        return _START + timedelta(seconds=self.loop.time() + self.skew)

    def monotonic(self) -> float:
        """Return seconds since the loop was made."""
        return self.loop.time()

    async def sleep(self, seconds: float) -> None:
        """Wait *seconds*; cancelling ends it at once."""
        self._check_loop()
        await super().sleep(seconds)

    def call_later(
        self, seconds: float, call: Callable[[], object]
    ) -> Callable[[], None]:
        """Call *call* after *seconds*; return what takes that back.

        Also between two steps of a `Simulation`, when its loop does not run.

        Raises:
            UsageError: If the loop runs in another thread.
        """
        if self.loop.is_running():
            self._check_loop()
        return call_later(self.loop, seconds, call)

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        """Bound the body: after *seconds* it is cancelled and TimeoutError raised."""
        self._check_loop()
        return super().timeout(seconds)

    def skewed(self, seconds: float) -> VirtualClock:
        """Return a clock whose date is *seconds* ahead of this one's."""
        return VirtualClock(self.loop, self.skew + seconds)

    async def settle(self) -> None:
        """Return when nothing more can happen unless time passes."""
        await self.loop.settle()

    async def advance(self, seconds: float) -> None:
        """Let *seconds* pass, and settle."""
        await self.sleep(seconds)
        await self.loop.settle()

    def _check_loop(self) -> None:
        try:
            is_mine = asyncio.get_running_loop() is self.loop
        except RuntimeError:
            is_mine = False
        if not is_mine:
            message = (
                "virtual time waits on its own loop only, and another one runs here; "
                "await this inside Simulation.run(...) or testing.run(...), from a "
                "plain function such as a `def` test"
            )
            raise UsageError(message)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on virtual time; it serves everything but sockets.

    Args:
        seed: Chooses the order of timers of one instant; without one they
            fire in the order they were set.
        horizon: Latest time it may reach, in seconds.

    Raises:
        StalledError: From whatever runs the loop, when it cannot go on.
        HorizonError: Likewise, past the horizon; or at one instant that
            never ends.
        RuntimeError: Likewise, when a socket is used.
    """

    def __init__(self, seed: int | None = None, *, horizon: float = 1e9) -> None:
        self._now = 0.0
        self._numbers = count()
        self._tie: Callable[[], float] = (
            self._numbers.__next__ if seed is None else Random(seed).random  # noqa: S311 -- an order
        )
        self._horizon = horizon
        self._turns = 0
        self._threads = 0
        self._settling: list[asyncio.Future[None]] = []
        super().__init__(_Selector(self._next))
        self.set_task_factory(self._make_task)
        self.clock: VirtualClock = VirtualClock(self)

    def time(self) -> float:
        """Return seconds since the loop was made."""
        return self._now

    async def settle(self) -> None:
        """Return when nothing more can happen unless time passes."""
        waiter = self.create_future()
        self._settling.append(waiter)
        await waiter

    def call_at(
        self,
        when: float,
        callback: Callable[[*_Ts], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call *callback* at *when*; ties are broken by number or by the seed.

        Time moves in whole nanoseconds.  A timer of the future moves it by two of
        them at least: a pause that did not would never end for a caller who asks
        afterwards how much is left.
        """
        due = _Due(max(when, self._now))
        if when > self._now and round(when, _DIGITS) <= self._now:
            due = _Due(round(self._now + _LEAST_PAUSE, _DIGITS))
        due.tie = (when, self._tie())
        return super().call_at(due, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future that hashes by number."""
        return _Future(next(self._numbers), loop=self)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], _R], *args: *_Ts
    ) -> asyncio.Future[_R]:
        """Run *func* in a thread; time stands while it works."""
        future = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    async def shutdown_default_executor(self, *limit: Any, **limits: Any) -> None:
        """Wait for the threads of the executor."""
        self._threads += 1
        try:
            await super().shutdown_default_executor(*limit, **limits)
        finally:
            self._threads -= 1

    def _thread_ended(self, _: object) -> None:
        self._threads -= 1

    def _make_task(
        self,
        _: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, _R] | Generator[Any, None, _R],
        **options: Any,
    ) -> asyncio.Task[_R]:
        return _Task(next(self._numbers), work, loop=self, **options)

    def _next(self, timeout: float | None, *, has_sockets: bool) -> float:
        """Decide how long to wait for threads, in real seconds, or let time jump."""
        if has_sockets:
            message = "a virtual loop serves no sockets; use embedded()"
            raise RuntimeError(message)
        if timeout == 0:
            self._turns += 1
            if self._turns > _MAX_TURNS:
                self._turns = 0
                message = f"{_MAX_TURNS} turns at {self._now} s; who spins?{_waiting()}"
                raise HorizonError(message)
            return 0
        if self._threads:
            return _THREAD_WAIT if timeout is None else min(timeout, _THREAD_WAIT)
        if self._settling:
            waiter = self._settling.pop(0)
            if not waiter.done():
                waiter.set_result(None)
            return 0
        if timeout is None:
            message = f"nothing can happen any more{_waiting()}"
            raise StalledError(message)
        self._turns = 0
        self._now = round(self._now + timeout, _DIGITS)
        if self._now > self._horizon:
            # Once only: who unwinds may need time too.
            passed, self._horizon = self._horizon, float("inf")
            message = f"past the horizon of {passed:g} s{_waiting()}"
            raise HorizonError(message)
        return 0


def run(
    work: Coroutine[Any, Any, _R], *, seed: int | None = None, horizon: float = 86_400.0
) -> _R:
    """Run *work* on a virtual loop of its own and return its result.

    Where a loop runs already, as in a notebook, give it a thread:
    ``await asyncio.to_thread(run, work())``.

    Args:
        work: The program.
        seed: Chooses the order of timers of one instant.
        horizon: How much time may pass, in seconds.

    Raises:
        StalledError: If it waits for what can never come.
        HorizonError: If it goes past the horizon.
        UsageError: If a loop runs here already.
    """
    try:
        check_thread("run, work()")
    except UsageError:
        work.close()  # nobody will await it
        raise
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(seed, horizon=horizon)) as at:
        return at.run(work)


def check_thread(what: str) -> None:
    """Refuse to run a loop inside another one.

    Args:
        what: What a thread can be given instead.

    Raises:
        UsageError: If a loop runs in this thread.
    """
    __tracebackhide__ = True  # of pytest: the line that is wrong is the caller's
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    message = (
        "virtual time has a loop of its own, and one runs here already: call it "
        "from a plain function, such as a `def` test, or give it a thread: "
        f"await asyncio.to_thread({what})"
    )
    raise UsageError(message)


class _Due(float):
    """An instant whose ties are broken by when it was meant, then by a number."""

    tie: tuple[float, float]

    def __lt__(self, other: float) -> bool:
        if isinstance(other, _Due) and float(self) == float(other):
            return self.tie < other.tie
        return float(self) < float(other)


class _Task(asyncio.Task[_R]):
    def __init__(self, number: int, work: Any, **options: Any) -> None:
        self._number = number  # before a set holds it
        super().__init__(work, **options)

    def __hash__(self) -> int:
        return self._number


class _Future(asyncio.Future[Any]):
    def __init__(self, number: int, *, loop: asyncio.AbstractEventLoop) -> None:
        self._number = number
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._number


class _Selector(selectors.DefaultSelector):
    """Waits for threads only; for the rest, time jumps."""

    def __init__(self, decide: Callable[..., float]) -> None:
        super().__init__()
        self._decide = decide

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        # The loop's own socket, by which threads wake it, is always there.
        wait = self._decide(timeout, has_sockets=len(self.get_map()) > 1)
        return super().select(wait) if wait else []


def _waiting() -> str:
    """Return a line for each task that waits, by name."""
    lines: list[str] = []
    for task in asyncio.all_tasks(asyncio.get_running_loop()):
        stack = task.get_stack(limit=1)
        where = stack[-1].f_code.co_qualname if stack else "nowhere"
        lines.append(f"\n  {task.get_name()} in {where}")
    return "".join(sorted(lines))
