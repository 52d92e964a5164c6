"""An embedded world on virtual time, stepped from a program that is not async."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from utd_stream._embedded import EmbeddedWorld, embedded
from utd_stream.adapters.fact_log import JsonLines
from utd_stream.ports import FactKind, FactLog
from utd_stream.testing._loop import VirtualClock, VirtualLoop
from utd_stream.testing._luck import SeededLuck

__all__ = ["Simulation"]

_R = TypeVar("_R")


class Simulation:
    """A world that moves only when it is told to.

    ::

        with Simulation(seed=7) as sim:
            ana = sim.run(sim.world.client().join_audio_room("ana", "lounge"))
            sim.advance(3_600)

    The same seed gives the same run, bit for bit, in any process.

    Args:
        seed: Orders what happens at one instant, and draws all chance.
        horizon: How much time may pass at most, in seconds.
        observer: Told what the log is told, as it happens.
        settings: Of the world; see `utd_stream.embedded`.

    Attributes:
        loop: What it runs on.
        log: Everything that happened.
        world: Engine, SFU and clients.
    """

    def __init__(
        self,
        seed: int | None = None,
        *,
        horizon: float = 86_400.0,
        observer: FactLog | None = None,
        **settings: Any,
    ) -> None:
        self.loop = VirtualLoop(seed, horizon=horizon)
        self.log = JsonLines(self.clock)
        self.world: EmbeddedWorld = embedded(
            clock=self.clock,
            luck=SeededLuck(seed or 0),
            fact_log=self.log if observer is None else _Both(self.log, observer),
            **settings,
        )
        self.run(self.world.start())

    @property
    def clock(self) -> VirtualClock:
        """The time of the world."""
        return self.loop.clock

    def run(self, work: Coroutine[Any, Any, _R]) -> _R:
        """Return what *work* returns; as much time passes as it needs.

        Raises:
            StalledError: If it waits for what can never come.
            HorizonError: If it goes past the horizon.
        """
        return self.loop.run_until_complete(work)

    def begin(self, work: Coroutine[Any, Any, _R]) -> asyncio.Task[_R]:
        """Begin *work*, and let happen what needs no time."""
        task = self.loop.create_task(work)
        self.settle()
        return task

    def settle(self) -> None:
        """Let everything happen that needs no time."""
        self.run(self.loop.settle())

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self.run(self.clock.advance(seconds))

    def close(self) -> None:
        """End the world; idempotent.

        Raises:
            AssertionError: If a task is left that nobody ended, by its name.
        """
        if self.loop.is_closed():
            return
        self.run(self.world.aclose())
        self.settle()
        left = sorted(task.get_name() for task in asyncio.all_tasks(self.loop))
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.settle()
        self.loop.close()
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
        self.close()


class _Both:
    """Two logs in place of one."""

    def __init__(self, first: FactLog, second: FactLog) -> None:
        self._logs = (first, second)

    def note(self, who: str, kind: FactKind, what: object) -> None:
        """Tell both."""
        for log in self._logs:
            log.note(who, kind, what)
