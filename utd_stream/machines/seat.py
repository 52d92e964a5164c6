"""One seat of an audio room's grid.

The engine runs it; a client may, to know what is allowed.  An occupant has the
right to speak, unless the seat is muted.  That one person has one seat concerns
several seats and so stands beside this table, in the grid functions that fire
its rows within one commit.

Source: contract.md sections 3 and 5.

Laws, each proved by the test of the same name:

1. occupied_iff_taken: a seat has an occupant exactly while it is taken.
2. reserved_iff_reserved_for: it names an invited person exactly while reserved.
3. every_grant_is_revoked: each occupant was granted; each former occupant was
   revoked, or sits elsewhere.
4. reserved_seat_opens_to_one: only the invited person can sit on a reserved seat.
5. grace_frees_the_absent_only: the end of a grace frees a seat only of the
   occupant who is absent, and only when absent long enough.
6. mute_outlives_the_occupant: only Unmute and Dropped end a mute.
7. newcomer_is_the_occupant: whoever sits down or is seated has the seat from then.
8. refusals_say_why: a locked, taken or reserved seat refuses with its code, and the
   seat mode forbids; everything else is taken.
9. lock_outlives_all_but_unlock: an empty seat is locked from Lock until Unlock or
   Dropped.
10. emptied_seat_is_empty: Kick, Lock, Vacated, MovedAway and Dropped leave nobody on
   the seat, and Released opens it.
11. absence_counts_from_its_beginning: an absence lasts from its first report until
   Present or until the seat changes hands.
12. mute_is_written_at_once: Mute and Unmute write the right of the occupant.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

import attrs

from utd_stream.machines._declare import Declaration, Row

__all__ = [
    "SEAT",
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
    "SeatData",
    "SeatEffect",
    "SeatEvent",
    "SeatState",
    "Seated",
    "Take",
    "Unlock",
    "Unmute",
    "Vacated",
]


class SeatState(Enum):
    """Where a seat stands."""

    FREE = "free"  # open, as far as the seat mode allows
    RESERVED = "reserved"  # open to one invited person
    TAKEN = "taken"  # occupied
    LOCKED = "locked"  # empty and closed


# Commands: a person asks, the engine has checked the role.


@attrs.frozen
class Take:
    """Sit down on one's own initiative.

    Attributes:
        identity: Who.
        at: When.
        mode_allows: Whether the seat mode lets this caller sit without a request.
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
    """Unseat the occupant."""


@attrs.frozen
class Lock:
    """Close the seat; its occupant is unseated."""


@attrs.frozen
class Unlock:
    """Open the seat."""


@attrs.frozen
class Mute:
    """Take the right to speak from the seat."""


@attrs.frozen
class Unmute:
    """Give the right to speak back to the seat."""


# Facts: decided elsewhere in the same commit, or reported by the SFU or the clock.


@attrs.frozen
class Seated:
    """Somebody was seated here: approved, accepted, moved, swapped, host seat."""

    identity: str
    at: datetime


@attrs.frozen
class Vacated:
    """The occupant is gone: left, departed, banned."""


@attrs.frozen
class MovedAway:
    """The occupant sits on another seat now and keeps the right to speak."""


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


# Effects: each writes somebody's right to speak at the SFU.


@attrs.frozen
class Grant:
    """Write the right of *identity*, who sits here."""

    identity: str


@attrs.frozen
class Revoke:
    """Write the right of *identity*, who no longer sits here."""

    identity: str


@attrs.frozen
class Reassert:
    """Write the right of *identity* even if the SFU should know it already."""

    identity: str


SeatEffect: TypeAlias = Grant | Revoke | Reassert


@attrs.frozen(kw_only=True)
class SeatData:
    """What a seat remembers beside its state.

    Attributes:
        occupant: Who sits there, or None.
        since: When the occupant sat down.
        muted: Whether the occupant, whoever it is, may not speak.
        reserved_for: The only person who may sit down, or None.
        absent_since: Since when the SFU does not see the occupant; the grace
            counts from it, so that no timer has to survive a restart.
    """

    occupant: str | None = None
    since: datetime | None = None
    muted: bool = False
    reserved_for: str | None = None
    absent_since: datetime | None = None


def mode_allows(data: SeatData, event: Take) -> bool:
    """Does the seat mode let the caller sit down without a request?"""
    return event.mode_allows


def is_reserved_for(data: SeatData, event: Take | Seated) -> bool:
    """Is the seat reserved for the person who sits down?"""
    return data.reserved_for == event.identity


def is_occupied_by(data: SeatData, event: Take) -> bool:
    """Does the person who would sit down sit there already?"""
    return data.occupant == event.identity


def is_overdue(data: SeatData, event: GraceOver) -> bool:
    """Has the occupant been absent for the whole grace?"""
    if data.absent_since is None or data.occupant != event.identity:
        return False
    return event.at - data.absent_since >= timedelta(seconds=event.grace)


def occupied(data: SeatData, event: Take | Seated | Replaced) -> SeatData:
    """Seat the newcomer; a mute stays with the seat."""
    return SeatData(occupant=event.identity, since=event.at, muted=data.muted)


def reserved(data: SeatData, event: Reserve) -> SeatData:
    """Reserve the seat for one person."""
    return attrs.evolve(data, reserved_for=event.identity)


def absent(data: SeatData, event: Absent) -> SeatData:
    """Remember since when the occupant is absent."""
    # An absence that goes on keeps the time it began.
    return attrs.evolve(data, absent_since=data.absent_since or event.at)


def grant(data: SeatData, event: Take | Seated | Replaced) -> Grant:
    """Write the right of the newcomer."""
    return Grant(event.identity)


def regrant(data: SeatData, event: Mute | Unmute) -> Grant:
    """Write the right of the occupant."""
    return Grant(_occupant(data))


def reassert(data: SeatData, event: Present) -> Reassert:
    """Write the right of the occupant in any case."""
    return Reassert(_occupant(data))


def revoke(data: SeatData, event: SeatEvent) -> Revoke:
    """Write the right of the former occupant."""
    return Revoke(_occupant(data))


def _occupant(data: SeatData) -> str:
    # Law 1: only rows out of TAKEN come here.
    assert data.occupant is not None  # noqa: S101 -- states a belief
    return data.occupant


_S = SeatState
# A mute stays with the seat.
_EMPTY = {"occupant": None, "since": None, "absent_since": None}
_OPEN = {"reserved_for": None}
_MUTED = {"muted": True}
_UNMUTED = {"muted": False}

# fmt: off
SEAT: Declaration[SeatState, SeatEvent, SeatData, SeatEffect] = Declaration(
    name="seat",
    initial=_S.FREE,
    rows=(
        Row(Take,      (_S.FREE,),     _S.TAKEN,
            guard=mode_allows, update=occupied, effects=(grant,)),
        Row(Take,      (_S.FREE,),     _S.FREE,     refuse="forbidden"),
        Row(Take,      (_S.RESERVED,), _S.TAKEN,
            guard=is_reserved_for, update=occupied, effects=(grant,)),
        Row(Take,      (_S.RESERVED,), _S.RESERVED, refuse="seat_taken"),
        Row(Take,      (_S.TAKEN,),    _S.TAKEN,    guard=is_occupied_by),
        Row(Take,      (_S.TAKEN,),    _S.TAKEN,    refuse="seat_taken"),
        Row(Take,      (_S.LOCKED,),   _S.LOCKED,   refuse="seat_locked"),
        Row(Seated,    (_S.FREE,),     _S.TAKEN,
            update=occupied, effects=(grant,)),
        Row(Seated,    (_S.RESERVED,), _S.TAKEN,
            guard=is_reserved_for, update=occupied, effects=(grant,)),
        Row(Seated,    (_S.RESERVED,), _S.RESERVED, refuse="seat_taken"),
        Row(Seated,    (_S.TAKEN,),    _S.TAKEN,    refuse="seat_taken"),
        Row(Seated,    (_S.LOCKED,),   _S.LOCKED,   refuse="seat_locked"),
        Row(Reserve,   (_S.FREE,),     _S.RESERVED, update=reserved),
        Row(Reserve,   (_S.RESERVED,), _S.RESERVED, refuse="seat_taken"),
        Row(Reserve,   (_S.TAKEN,),    _S.TAKEN,    refuse="seat_taken"),
        Row(Reserve,   (_S.LOCKED,),   _S.LOCKED,   refuse="seat_locked"),
        Row(Released,  (_S.RESERVED,), _S.FREE,     set=_OPEN),
        Row(Released,  (_S.FREE,),     _S.FREE),
        Row(Released,  (_S.TAKEN,),    _S.TAKEN),
        Row(Lock,      (_S.FREE,),     _S.LOCKED),
        Row(Lock,      (_S.RESERVED,), _S.RESERVED, refuse="seat_taken"),
        Row(Lock,      (_S.TAKEN,),    _S.LOCKED,
            set=_EMPTY, effects=(revoke,)),
        Row(Lock,      (_S.LOCKED,),   _S.LOCKED),
        Row(Unlock,    (_S.LOCKED,),   _S.FREE),
        Row(Unlock,    (_S.FREE,),     _S.FREE),
        Row(Unlock,    (_S.RESERVED,), _S.RESERVED),
        Row(Unlock,    (_S.TAKEN,),    _S.TAKEN),
        Row(Kick,      (_S.TAKEN,),    _S.FREE,
            set=_EMPTY, effects=(revoke,)),
        Row(Kick,      (_S.FREE,),     _S.FREE),
        Row(Kick,      (_S.RESERVED,), _S.RESERVED, refuse="seat_taken"),
        Row(Kick,      (_S.LOCKED,),   _S.LOCKED),
        Row(Vacated,   (_S.TAKEN,),    _S.FREE,
            set=_EMPTY, effects=(revoke,)),
        # A mover is granted by the seat it sits down on: no gap in between.
        Row(MovedAway, (_S.TAKEN,),    _S.FREE,     set=_EMPTY),
        Row(Replaced,  (_S.TAKEN,),    _S.TAKEN,
            update=occupied, effects=(grant,)),
        Row(Dropped,   (_S.TAKEN,),    _S.FREE,
            set={**_EMPTY, **_UNMUTED}, effects=(revoke,)),
        Row(Dropped,   (_S.FREE,),     _S.FREE,     set=_UNMUTED),
        Row(Dropped,   (_S.RESERVED,), _S.FREE,     set={**_OPEN, **_UNMUTED}),
        Row(Dropped,   (_S.LOCKED,),   _S.FREE,     set=_UNMUTED),
        Row(Absent,    (_S.TAKEN,),    _S.TAKEN,    update=absent),
        Row(Present,   (_S.TAKEN,),    _S.TAKEN,
            set={"absent_since": None}, effects=(reassert,)),
        Row(GraceOver, (_S.TAKEN,),    _S.FREE,
            guard=is_overdue, set=_EMPTY, effects=(revoke,)),
        Row(GraceOver, (_S.TAKEN,),    _S.TAKEN),
        Row(GraceOver, (_S.FREE,),     _S.FREE),
        Row(GraceOver, (_S.RESERVED,), _S.RESERVED),
        Row(GraceOver, (_S.LOCKED,),   _S.LOCKED),
        Row(Mute,      (_S.TAKEN,),    _S.TAKEN,
            set=_MUTED, effects=(regrant,)),
        Row(Mute,      (_S.FREE,),     _S.FREE,     set=_MUTED),
        Row(Mute,      (_S.RESERVED,), _S.RESERVED, set=_MUTED),
        Row(Mute,      (_S.LOCKED,),   _S.LOCKED,   set=_MUTED),
        Row(Unmute,    (_S.TAKEN,),    _S.TAKEN,
            set=_UNMUTED, effects=(regrant,)),
        Row(Unmute,    (_S.FREE,),     _S.FREE,     set=_UNMUTED),
        Row(Unmute,    (_S.RESERVED,), _S.RESERVED, set=_UNMUTED),
        Row(Unmute,    (_S.LOCKED,),   _S.LOCKED,   set=_UNMUTED),
    ),
)
# fmt: on
