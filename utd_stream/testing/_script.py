"""A script of faults, and how it runs beside a program."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import NamedTuple, Protocol

import attrs

from utd_stream.errors import InvalidArgumentError
from utd_stream.testing._simulation import Simulation

__all__ = ["Act", "Fault", "FaultScript", "Mended", "play"]


class Fault(Protocol):
    """Something that breaks, and is mended again.

    A frozen attrs value; its `repr` is what a script shows of it.
    """

    @property
    def touches(self) -> str:
        """What it breaks; two that touch the same never overlap in a script."""
        ...

    def happening(self, sim: Simulation) -> AbstractAsyncContextManager[None]:
        """Break it on entering, mend it on leaving, inside the world."""
        ...


class Act(NamedTuple):
    """One fault of a script.

    Attributes:
        at: When it begins, in seconds after the script does.
        fault: What breaks.
        lasts: For how long, in seconds; no matter for what ends at once.
    """

    at: float
    fault: Fault
    lasts: float

    def __str__(self) -> str:
        return f"{self.at:8g} s  {self.fault!r} for {self.lasts:g} s"


def _in_order(acts: Iterable[tuple[float, Fault, float]]) -> tuple[Act, ...]:
    return tuple(sorted((Act(*each) for each in acts), key=lambda each: each.at))


@attrs.frozen
class FaultScript:
    """Faults, each with its beginning and its end.

    Its text has a line for each.

    Attributes:
        acts: By their beginning; may be given as plain tuples, in any order.

    Raises:
        InvalidArgumentError: If a time is negative, or two faults that touch
            the same overlap: which of them should the end of one leave?
    """

    acts: tuple[Act, ...] = attrs.field(converter=_in_order)

    def __attrs_post_init__(self) -> None:
        ends: dict[str, float] = {}
        for at, fault, lasts in self.acts:
            if at < 0 or lasts < 0:
                message = f"{fault!r}: times are seconds from 0"
                raise InvalidArgumentError(message)
            if at < ends.get(fault.touches, 0):
                message = (
                    f"{fault!r} begins at {at:g} s, while {fault.touches} is broken "
                    f"until {ends[fault.touches]:g} s; begin it later"
                )
                raise InvalidArgumentError(message)
            ends[fault.touches] = at + lasts

    @property
    def ends_at(self) -> float:
        """When the last of them is over, in seconds after the script begins."""
        return max((each.at + each.lasts for each in self.acts), default=0.0)

    def __str__(self) -> str:
        return "\n".join(["fault script:", *map(str, self.acts)])


@attrs.frozen
class Mended:
    """A fault is over; for the log."""

    fault: Fault


@contextmanager
def play(
    sim: Simulation, script: FaultScript | Iterable[tuple[float, Fault, float]]
) -> Generator[FaultScript]:
    """Let *script* run in the world of *sim* while the block steps it.

    ::

        with play(sim, [(2, CutLine("lounge", "ana"), 5), (3, DropWebhooks(), 60)]):
            sim.advance(70)

    What is broken still when the block ends is mended, and an error that leaves
    the block names the script.  Time passes only by what the block does; see
    `FaultScript.ends_at`.  The log has a line for each beginning and each end.

    Raises:
        InvalidArgumentError: If it is no script.
        ClosedError: If the world was closed.
    """
    if not isinstance(script, FaultScript):
        script = FaultScript(script)
    acts = [sim.begin(_played(sim, act)) for act in script.acts]
    try:
        yield script
    except BaseException as error:
        error.add_note(str(script))
        raise
    finally:
        if not sim.loop.is_closed():
            sim.run(_undone(acts))
            sim.settle()


async def _played(sim: Simulation, act: Act) -> None:
    await sim.clock.sleep(act.at)
    sim.log.note("faults", "fact", act.fault)
    try:
        async with act.fault.happening(sim):
            await sim.clock.sleep(act.lasts)
    finally:
        sim.log.note("faults", "fact", Mended(act.fault))


async def _undone(acts: list[asyncio.Task[None]]) -> None:
    """Undo what has not ended, and raise what went wrong with any."""
    for act in acts:
        act.cancel()
    for result in await asyncio.gather(*acts, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
