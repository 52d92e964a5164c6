"""A door with a bolt: the machine on which the runner itself is tested."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import attrs

from utd_stream.machines import Declaration, Row


class DoorState(Enum):
    """Where the door stands."""

    SHUT = "shut"
    OPEN = "open"
    BROKEN = "broken"


@attrs.frozen
class Push:
    """Push the door; *fault* is raised by the guard."""

    fault: Exception | None = None


@attrs.frozen
class Pull:
    """Pull the door."""

    strength: int = 0


@attrs.frozen
class Kick:
    """Kick the door in; the *nth* effect of it fails."""

    nth: int = 0
    barefoot: bool = False


@attrs.frozen
class Bolt:
    """Bolt the door."""


@attrs.frozen
class Paint:
    """Paint the door, which is forbidden."""


@attrs.frozen
class Door:
    """What a door remembers."""

    bolted: bool = False
    kicks: int = 0
    bolts: int = 0


def is_unbolted(data: Door, event: Push) -> bool:
    """Is the bolt off?"""
    if event.fault is not None:
        raise event.fault
    return not data.bolted


def is_strong(data: Door, event: Pull) -> bool:
    """Is the one who pulls stronger than the kicks were many?"""
    return event.strength > data.kicks


def is_barefoot(data: Door, event: Kick) -> bool:
    """Does the one who kicks wear no shoes?"""
    return event.barefoot


def kicked(data: Door, event: Kick) -> Door:
    """Count the kick."""
    return attrs.evolve(data, kicks=data.kicks + 1)


def creak(data: Door, event: Kick) -> str:
    """Make a noise of as many kicks as there were before."""
    return f"creak {data.kicks}"


def splinter(data: Door, event: Kick) -> str:
    """Fail if *event* says so."""
    return f"splinter {1 // (event.nth - 2)}"


SHUT, OPEN, BROKEN = DoorState
DoorEvent: TypeAlias = Push | Pull | Kick | Bolt | Paint

DOOR: Declaration[DoorState, DoorEvent, Door, str] = Declaration(
    name="door",
    initial=SHUT,
    rows=(
        Row(Push, (SHUT,), OPEN, guard=is_unbolted),
        Row(Push, (SHUT,), SHUT, refuse="bolted"),
        # There is no else row, which no table of ours may lack.
        Row(Pull, (OPEN,), SHUT, guard=is_strong),
        Row(Kick, (SHUT,), SHUT, guard=is_barefoot, refuse="barefoot"),
        Row(Kick, (SHUT, OPEN), BROKEN, update=kicked, effects=(creak, splinter)),
        Row(Kick, (BROKEN,), BROKEN),
        Row(Bolt, (SHUT,), SHUT, set={"bolted": True}, count=("bolts",)),
        Row(Paint, (SHUT,), SHUT, refuse="forbidden"),
        Row(Paint, (OPEN,), OPEN, refuse="forbidden"),
        # Dead, which no row of ours may be: the one above refuses all.
        Row(Paint, (OPEN,), OPEN),
    ),
)
