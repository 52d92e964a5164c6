"""What the seat machine hears and asks for: commands, facts, effects."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import attrs

__all__ = [
    "Absent",
    "Dropped",
    "GraceOver",
    "Grant",
    "Kick",
    "Lock",
    "MovedAway",
    "Mute",
    "Present",
    "Reassert",
    "Released",
    "Replaced",
    "Reserve",
    "Revoke",
    "SeatEffect",
    "SeatEvent",
    "Seated",
    "Take",
    "Unlock",
    "Unmute",
    "Vacated",
]


# Commands: a person asks, the engine has checked the role.


@attrs.frozen
class Take:
    """Sit down by one's own will.

    Attributes:
        identity: Who.
        at: When.
        mode_allows: Whether the seat mode lets this caller sit unasked.
    """

    identity: str
    at: datetime
    mode_allows: bool = True


@attrs.frozen
class Reserve:
    """Hold the seat for an invited person."""

    identity: str


@attrs.frozen
class Kick:
    """Unseat whoever sits there."""


@attrs.frozen
class Lock:
    """Close the seat; evicts first."""


@attrs.frozen
class Unlock:
    """Open the seat."""


@attrs.frozen
class Mute:
    """Take the right to speak from the seat."""


@attrs.frozen
class Unmute:
    """Give the right to speak back to the seat."""


# Facts: decided elsewhere in the same commit, or told by the SFU or the clock.


@attrs.frozen
class Seated:
    """Somebody was put here: approved, accepted, moved, swapped, host seat."""

    identity: str
    at: datetime


@attrs.frozen
class Vacated:
    """The occupant is gone: left, departed, banned."""


@attrs.frozen
class MovedAway:
    """The occupant sits on another seat now and keeps the right."""


@attrs.frozen
class Replaced:
    """The occupant swapped with *identity*."""

    identity: str
    at: datetime


@attrs.frozen
class Released:
    """The invitation that reserved the seat is over."""


@attrs.frozen
class Dropped:
    """The grid shrank below this seat."""


@attrs.frozen
class Absent:
    """The SFU does not see the occupant."""

    at: datetime


@attrs.frozen
class Present:
    """The SFU sees the occupant."""


@attrs.frozen
class GraceOver:
    """An absence of *identity* reached its limit.

    Attributes:
        identity: Whose.
        at: Now.
        grace: The limit, in seconds.
    """

    identity: str
    at: datetime
    grace: float


SeatEvent: TypeAlias = (
    Take
    | Reserve
    | Kick
    | Lock
    | Unlock
    | Mute
    | Unmute
    | Seated
    | Vacated
    | MovedAway
    | Replaced
    | Released
    | Dropped
    | Absent
    | Present
    | GraceOver
)


# Effects: what must happen to somebody's right at the SFU.


@attrs.frozen
class Grant:
    """Write the right of *identity*, which sits here."""

    identity: str


@attrs.frozen
class Revoke:
    """Write the right of *identity*, which sits here no more."""

    identity: str


@attrs.frozen
class Reassert:
    """Write the right of *identity* even if we believe it is in force."""

    identity: str


SeatEffect: TypeAlias = Grant | Revoke | Reassert
