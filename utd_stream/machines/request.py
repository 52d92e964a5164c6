"""One request to speak: somebody in the audience waits for a moderator.

The engine runs it.  It begins pending and ends once; the first moderator who
answers decides, and the second one is refused as settled.

Source: contract.md section 3, Speakers.

Laws, each proved by the test of the same name:

1. settles_once: it ends once and names who answered; an answer after that is
   refused as settled.
2. seats_only_when_approved: approval seats the requester, and nothing else does.
3. a_full_grid_keeps_it_pending: approval without a free seat is a conflict.
4. late_facts_change_nothing: facts after its end change nothing.
5. every_event_ends_it: whatever is not refused ends a pending request: approved,
   rejected or expired by the event of that name, cancelled by all others.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TypeAlias

import attrs

from utd_stream.machines._declare import Declaration, Row

__all__ = [
    "REQUEST",
    "Approve",
    "Cancel",
    "ModeFreed",
    "Reject",
    "RequestData",
    "RequestEffect",
    "RequestEvent",
    "RequestExpired",
    "RequestState",
    "RequesterGone",
    "RequesterSeated",
    "SeatRequester",
]


class RequestState(Enum):
    """Where a request stands; all but the first are final."""

    PENDING = "pending"  # waits for a moderator
    APPROVED = "approved"  # the requester was seated
    REJECTED = "rejected"  # a moderator said no
    CANCELLED = "cancelled"  # withdrawn, or no longer needed
    EXPIRED = "expired"  # nobody answered in time


# Commands.


@attrs.frozen
class Approve:
    """Say yes.

    Attributes:
        by: The moderator, or the app's own back end.
        seat_index: The first seat that is free, unlocked and unreserved, or
            None when there is none.
    """

    by: str
    seat_index: int | None


@attrs.frozen
class Reject:
    """Say no."""

    by: str


@attrs.frozen
class Cancel:
    """Withdraw the request; only the requester does."""


# Facts.


@attrs.frozen
class RequesterSeated:
    """The requester sits, and nobody approved to get there."""


@attrs.frozen
class RequesterGone:
    """The requester is no longer a member."""


@attrs.frozen
class ModeFreed:
    """Anybody may sit now without asking."""


@attrs.frozen
class RequestExpired:
    """Nobody answered in time."""


RequestEvent: TypeAlias = (
    Approve
    | Reject
    | Cancel
    | RequesterSeated
    | RequesterGone
    | ModeFreed
    | RequestExpired
)


# Effects.


@attrs.frozen
class SeatRequester:
    """Seat *identity* on *seat_index*, in the same commit."""

    identity: str
    seat_index: int


RequestEffect: TypeAlias = SeatRequester


@attrs.frozen(kw_only=True)
class RequestData:
    """What a request remembers beside its state.

    Attributes:
        identity: Who asks.
        created_at: When.
        expires_at: When it expires.
        settled_by: Who approved or rejected it, or None.
    """

    identity: str
    created_at: datetime
    expires_at: datetime
    settled_by: str | None = None


def seat_is_free(data: RequestData, event: Approve) -> bool:
    """Is there a seat to sit on?"""
    return event.seat_index is not None


def settled(data: RequestData, event: Approve | Reject) -> RequestData:
    """Remember who answered."""
    return attrs.evolve(data, settled_by=event.by)


def seat_requester(data: RequestData, event: Approve) -> SeatRequester:
    """Seat the requester."""
    assert event.seat_index is not None  # noqa: S101 -- the row's guard
    return SeatRequester(data.identity, event.seat_index)


_S = RequestState
_OVER = (_S.APPROVED, _S.REJECTED, _S.CANCELLED, _S.EXPIRED)
_Row: TypeAlias = Row[RequestState, RequestEvent, RequestData, RequestEffect]


def _stays(trigger: type[RequestEvent]) -> tuple[_Row, ...]:
    return tuple(Row(trigger, (state,), state) for state in _OVER)


def _refuses(trigger: type[RequestEvent]) -> tuple[_Row, ...]:
    return tuple(Row(trigger, (state,), state, refuse="settled") for state in _OVER)


# fmt: off
REQUEST: Declaration[RequestState, RequestEvent, RequestData, RequestEffect] = (
    Declaration(
        name="request",
        initial=_S.PENDING,
        rows=(
            Row(Approve,         (_S.PENDING,), _S.APPROVED,
                guard=seat_is_free, update=settled, effects=(seat_requester,)),
            Row(Approve,         (_S.PENDING,), _S.PENDING, refuse="conflict"),
            Row(Reject,          (_S.PENDING,), _S.REJECTED, update=settled),
            Row(Cancel,          (_S.PENDING,), _S.CANCELLED),
            Row(RequesterSeated, (_S.PENDING,), _S.CANCELLED),
            Row(RequesterGone,   (_S.PENDING,), _S.CANCELLED),
            Row(ModeFreed,       (_S.PENDING,), _S.CANCELLED),
            Row(RequestExpired,  (_S.PENDING,), _S.EXPIRED),
            *_refuses(Approve),
            *_refuses(Reject),
            *_stays(Cancel),
            *_stays(RequesterSeated),
            *_stays(RequesterGone),
            *_stays(ModeFreed),
            *_stays(RequestExpired),
        ),
    )
)
# fmt: on
