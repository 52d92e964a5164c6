"""One invitation to speak: a moderator asks somebody to sit down.

The engine runs it.  It may hold a seat, which it releases when it ends, unless
the invitee sits there.

Source: contract.md section 3, Speakers.

Laws, each proved by the test of the same name:

1. settles_once: it ends once; an acceptance after that is refused as settled.
2. a_held_seat_is_given_back: a held seat is released once, when the invitation
   ends, unless the invitee sits there or the seat itself was dropped.
3. sitting_on_its_seat_accepts_it: an invitee who sits on the held seat accepts.
4. late_facts_change_nothing: facts after its end change nothing.
5. every_event_ends_it: whatever is not refused ends a pending invitation, each event
   in its own way.
6. a_full_grid_keeps_it_pending: acceptance without a free seat is a conflict.
7. acceptance_seats: acceptance seats the invitee, and nothing else does.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TypeAlias

import attrs

from utd_stream.machines._declare import Declaration, Row

__all__ = [
    "INVITATION",
    "Accept",
    "Decline",
    "InvitationData",
    "InvitationEffect",
    "InvitationEvent",
    "InvitationExpired",
    "InvitationState",
    "InviteeGone",
    "InviteeSeated",
    "ReleaseSeat",
    "SeatDropped",
    "SeatInvitee",
]


class InvitationState(Enum):
    """Where an invitation stands; all but the first are final."""

    PENDING = "pending"  # waits for the invitee
    ACCEPTED = "accepted"  # the invitee has a seat
    DECLINED = "declined"  # the invitee said no
    EXPIRED = "expired"  # the invitee did not answer in time
    WITHDRAWN = "withdrawn"  # invitee or seat is gone, or another seat was taken


# Commands.


@attrs.frozen
class Accept:
    """Say yes.

    Attributes:
        seat_index: The seat held for the invitee, or for an invitation that
            names none the first free one; None when there is none.
    """

    seat_index: int | None


@attrs.frozen
class Decline:
    """Say no."""


# Facts.


@attrs.frozen
class InviteeSeated:
    """The invitee sits on *seat_index*, and did not accept to get there."""

    seat_index: int


@attrs.frozen
class InviteeGone:
    """The invitee is no longer a member."""


@attrs.frozen
class SeatDropped:
    """The grid shrank below the seat that was held."""


@attrs.frozen
class InvitationExpired:
    """The invitee did not answer in time."""


InvitationEvent: TypeAlias = (
    Accept | Decline | InviteeSeated | InviteeGone | SeatDropped | InvitationExpired
)


# Effects.


@attrs.frozen
class SeatInvitee:
    """Seat *identity* on *seat_index*, in the same commit."""

    identity: str
    seat_index: int


@attrs.frozen
class ReleaseSeat:
    """Open the held seat *seat_index*."""

    seat_index: int


InvitationEffect: TypeAlias = SeatInvitee | ReleaseSeat


@attrs.frozen(kw_only=True)
class InvitationData:
    """What an invitation remembers beside its state.

    Attributes:
        identity: Who is asked.
        seat_index: The seat held, or None.
        created_at: When it was made.
        expires_at: When it lapses.
    """

    identity: str
    seat_index: int | None = None
    created_at: datetime
    expires_at: datetime


def has_a_seat(data: InvitationData, event: Accept) -> bool:
    """Is there a seat to sit on?"""
    return event.seat_index is not None


def is_its_seat(data: InvitationData, event: InviteeSeated) -> bool:
    """Is it the seat that was held?"""
    return data.seat_index == event.seat_index


def holds_a_seat(data: InvitationData, event: InvitationEvent) -> bool:
    """Is a seat held for the invitee?"""
    return data.seat_index is not None


def seat_invitee(data: InvitationData, event: Accept) -> SeatInvitee:
    """Seat the invitee."""
    assert event.seat_index is not None  # noqa: S101 -- the row's guard
    return SeatInvitee(data.identity, event.seat_index)


def release(data: InvitationData, event: InvitationEvent) -> ReleaseSeat:
    """Open the seat that was held."""
    assert data.seat_index is not None  # noqa: S101 -- the row's guard
    return ReleaseSeat(data.seat_index)


_S = InvitationState
_OVER = (_S.ACCEPTED, _S.DECLINED, _S.EXPIRED, _S.WITHDRAWN)
_Row: TypeAlias = Row[
    InvitationState, InvitationEvent, InvitationData, InvitationEffect
]


def _stays(trigger: type[InvitationEvent]) -> tuple[_Row, ...]:
    return tuple(Row(trigger, (state,), state) for state in _OVER)


def _refuses(trigger: type[InvitationEvent]) -> tuple[_Row, ...]:
    return tuple(Row(trigger, (state,), state, refuse="settled") for state in _OVER)


# fmt: off
INVITATION: Declaration[
    InvitationState, InvitationEvent, InvitationData, InvitationEffect
] = Declaration(
    name="invitation",
    initial=_S.PENDING,
    rows=(
        Row(Accept,            (_S.PENDING,), _S.ACCEPTED,
            guard=has_a_seat, effects=(seat_invitee,)),
        Row(Accept,            (_S.PENDING,), _S.PENDING, refuse="conflict"),
        Row(Decline,           (_S.PENDING,), _S.DECLINED,
            guard=holds_a_seat, effects=(release,)),
        Row(Decline,           (_S.PENDING,), _S.DECLINED),
        Row(InvitationExpired, (_S.PENDING,), _S.EXPIRED,
            guard=holds_a_seat, effects=(release,)),
        Row(InvitationExpired, (_S.PENDING,), _S.EXPIRED),
        Row(InviteeSeated,     (_S.PENDING,), _S.ACCEPTED,
            guard=is_its_seat),
        Row(InviteeSeated,     (_S.PENDING,), _S.WITHDRAWN,
            guard=holds_a_seat, effects=(release,)),
        Row(InviteeSeated,     (_S.PENDING,), _S.WITHDRAWN),
        Row(InviteeGone,       (_S.PENDING,), _S.WITHDRAWN,
            guard=holds_a_seat, effects=(release,)),
        Row(InviteeGone,       (_S.PENDING,), _S.WITHDRAWN),
        Row(SeatDropped,       (_S.PENDING,), _S.WITHDRAWN),
        *_refuses(Accept),
        *_stays(Decline),
        *_stays(InvitationExpired),
        *_stays(InviteeSeated),
        *_stays(InviteeGone),
        *_stays(SeatDropped),
    ),
)
# fmt: on
