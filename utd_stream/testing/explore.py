"""Every reachable state of machines put together, breadth first.

What a walk may miss this cannot: it goes through all interleavings, and what breaks
a law is found by a shortest trace, which a person can read::

    found = explore(START, moves, laws={"nobody is twice here": is_single})
    assert found.broken is None, found

A state is a hashable value; `Declaration.step` of a machine is a pure function, so
machines, messages that are under way and deadlines are put together by a function
that yields each move from a state and where it leads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

import attrs

__all__ = ["Broken", "Explored", "explore"]

_W = TypeVar("_W", bound=Hashable)

Law = Callable[[_W], bool]
_NONE: Mapping[str, Callable[..., bool]] = MappingProxyType({})


@attrs.frozen
class Broken(Generic[_W]):
    """A state that breaks a law, and a shortest way there.

    Attributes:
        law: Which.
        trace: The moves, in order.
        states: The states that they pass, the first one included.
    """

    law: str
    trace: tuple[str, ...]
    states: tuple[_W, ...] = attrs.field(repr=False)

    def __str__(self) -> str:
        steps = "\n".join(f"{n:>3}. {move}" for n, move in enumerate(self.trace, 1))
        return f"{self.law}: broken after {len(self.trace)} moves\n{steps}"


@attrs.frozen
class Explored(Generic[_W]):
    """What was seen.

    Attributes:
        states: How many states.
        edges: How many moves between them.
        ends: How many states have no move.
        depth: The longest of the shortest ways to a state, in moves.
        is_whole: Whether there were no more states than were allowed.
        broken: The first state that breaks a law; None for none.
    """

    states: int
    edges: int
    ends: int
    depth: int
    is_whole: bool
    broken: Broken[_W] | None

    def __str__(self) -> str:
        seen = (
            f"{self.states:,} states, {self.edges:,} edges, {self.ends:,} ends,"
            f" {self.depth} deep"
        )
        whole = "" if self.is_whole else "; there are more"
        return f"{seen}{whole}" if self.broken is None else f"{seen}\n{self.broken}"


def explore(
    first: _W,
    moves: Callable[[_W], Iterable[tuple[str, _W]]],
    *,
    laws: Mapping[str, Callable[[_W], bool]] = _NONE,
    at_ends: Mapping[str, Callable[[_W], bool]] = _NONE,
    most: int | None = None,
) -> Explored[_W]:
    """Go through every state that can be reached, and stop at the first broken law.

    Args:
        first: Where it begins.
        moves: Yields the name of each move from a state, and where it leads.
        laws: What must hold in every state, by name.
        at_ends: What must hold where no move is left, too.
        most: How many states to look at; None for all.

    Returns:
        What was seen; `Explored.broken` is None if every law holds.
    """
    came: dict[_W, tuple[_W, str] | None] = {first: None}
    depths: dict[_W, int] = {first: 0}
    waiting = deque([first])
    edges = ends = depth = 0
    is_whole = True

    def outcome(broken: Broken[_W] | None) -> Explored[_W]:
        return Explored(len(came), edges, ends, depth, is_whole, broken)

    while waiting:
        state = waiting.popleft()
        depth = depths.pop(state)
        law = _broken(state, laws)
        if law is not None:
            return outcome(_trace(law, state, came))
        is_end = True
        for name, after in moves(state):
            is_end = False
            edges += 1
            if after in came:
                continue
            if most is not None and len(came) >= most:
                is_whole = False
                continue
            came[after] = (state, name)
            depths[after] = depth + 1
            waiting.append(after)
        if is_end:
            ends += 1
            law = _broken(state, at_ends)
            if law is not None:
                return outcome(_trace(law, state, came))
    return outcome(None)


def _broken(state: _W, laws: Mapping[str, Callable[[_W], bool]]) -> str | None:
    return next((name for name, holds in laws.items() if not holds(state)), None)


def _trace(law: str, state: _W, came: Mapping[_W, tuple[_W, str] | None]) -> Broken[_W]:
    moves: list[str] = []
    states = [state]
    while (step := came[states[-1]]) is not None:
        before, name = step
        moves.append(name)
        states.append(before)
    return Broken(law, tuple(reversed(moves)), tuple(reversed(states)))
