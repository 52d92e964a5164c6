"""An embedded world on virtual time, stepped from a program that is not async."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from utd_stream._border import shortening
from utd_stream._embedded import EmbeddedWorld, embedded
from utd_stream.adapters.fact_log import JsonLines
from utd_stream.errors import ClosedError, UsageError
from utd_stream.ports import FactKind, FactLog
from utd_stream.testing._loop import VirtualClock, VirtualLoop, check_thread
from utd_stream.testing._luck import SeededLuck

__all__ = ["Simulation"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Simulation:
    """A world that moves only when it is told to.

    ::

        with Simulation(seed=7) as sim:
            ana = sim.run(sim.world.client().join_audio_room("ana", "lounge"))
            sim.advance(3_600)

    The same program with the same seed and versions gives the same run, each
    line of the log byte for byte, in any process.  For that it may not look at
    anything else that differs: threads, a real clock, its own chance, the order
    of a set.

    Args:
        seed: Orders what happens at one instant, and draws all chance.
        horizon: How much time may pass at most, in seconds.
        observer: Told what the log is told, as it happens.
        settings: Of the world; see `utd_stream.embedded`.

    Attributes:
        loop: What it runs on.
        engine_clock: The engine's own time; its ``skew``, in seconds, is yours to
            set, and the engine is wrong by as much.
        log: Everything that happened.
        world: Engine, SFU and clients.

    Raises:
        InvalidArgumentError: If a setting is out of range.
        UsageError: If a loop runs here already, as in a notebook; give the
            program a thread: ``await asyncio.to_thread(program)``.
    """

    def __init__(
        self,
        seed: int | None = None,
        *,
        horizon: float = 86_400.0,
        observer: FactLog | None = None,
        **settings: Any,
    ) -> None:
        check_thread("program")
        self.loop: VirtualLoop = VirtualLoop(seed, horizon=horizon)
        self.engine_clock: VirtualClock = self.clock.skewed(0)
        self.log: JsonLines = JsonLines(self.clock)
        # A loop forgets tasks that nobody holds, and who waits for nothing.
        self._begun: set[asyncio.Task[Any]] = set()
        with ExitStack() as undo:
            undo.callback(self.loop.close)
            self.world: EmbeddedWorld = embedded(
                clock=self.clock,
                engine_clock=self.engine_clock,
                luck=SeededLuck(seed or 0),
                fact_log=self.log if observer is None else _Both(self.log, observer),
                **settings,
            )
            undo.callback(lambda: self.run(self.world.aclose()))
            self.run(self.world.start())
            undo.pop_all()

    @property
    def clock(self) -> VirtualClock:
        """The time of the world."""
        return self.loop.clock

    @shortening
    def run(self, work: Coroutine[Any, Any, _R]) -> _R:
        """Return what *work* returns; as much time passes as it needs.

        Raises:
            StalledError: If it waits for what can never come.
            HorizonError: If it goes past the horizon.
            ClosedError: If the world was closed.
            UsageError: If a loop runs here already: inside the world, await.
        """
        try:
            self._check_open()
            check_thread("program")
        except BaseException:
            work.close()  # nobody will await it
            raise
        return self.loop.run_until_complete(work)

    @shortening
    def begin(self, work: Coroutine[Any, Any, _R]) -> asyncio.Task[_R]:
        """Begin *work*, and let happen what needs no time.

        Raises:
            ClosedError: If the world was closed.
        """
        try:
            task = self.run(_called(self.loop.create_task, work))
        except BaseException:
            work.close()
            raise
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        self.settle()
        return task

    @shortening
    def act(self, call: Callable[_P, _R], *args: _P.args, **named: _P.kwargs) -> _R:
        """Return what *call* returns, made inside the world, and settle.

        For what is not awaited but needs the world's loop, such as a fault or a
        subscription with a coroutine function::

            sim.act(sim.world.sfu.lines.cut, room, "ana")
            sim.act(host.speaker_requests.subscribe, approve)

        Raises:
            ClosedError: If the world was closed.
        """
        result = self.run(_called(call, *args, **named))
        self.settle()
        return result

    def settle(self) -> None:
        """Let everything happen that needs no time."""
        self.run(self.loop.settle())

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self.run(self.clock.advance(seconds))

    def close(self) -> None:
        """End the world and its loop; idempotent.

        Raises:
            AssertionError: If a task is left that nobody ended, by its name.
        """
        left = self._close()
        if left:
            message = f"tasks outlived their world: {', '.join(left)}"
            raise AssertionError(message)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self._close()  # what is left over says less than the error

    def _close(self) -> list[str]:
        """End everything and return the names of the tasks that were left."""
        if self.loop.is_closed():
            return []
        check_thread("program")
        try:
            self.run(self.world.aclose())
            self.settle()
            tasks = asyncio.all_tasks(self.loop)
            left = sorted(task.get_name() for task in tasks)
            for task in tasks:
                task.cancel()
            self.settle()
            self.run(self.loop.shutdown_asyncgens())
        finally:
            self.loop.close()
        return left

    def _check_open(self) -> None:
        if self.loop.is_closed():
            message = "the simulation is closed; make a new one"
            raise ClosedError(message)
        if self.loop.is_running():
            check_thread("program")  # within a coroutine of its own, it says more
            message = (
                "the simulation runs in another thread now; from here call "
                "asyncio.run_coroutine_threadsafe(coroutine, simulation.loop)"
            )
            raise UsageError(message)


async def _called(call: Callable[_P, _R], *args: _P.args, **named: _P.kwargs) -> _R:
    return call(*args, **named)


class _Both:
    """Two logs in place of one."""

    def __init__(self, first: FactLog, second: FactLog) -> None:
        self._logs = (first, second)

    def note(self, who: str, kind: FactKind, what: object) -> None:
        """Tell both."""
        for log in self._logs:
            log.note(who, kind, what)
