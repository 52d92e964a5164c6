"""One client's place: where its tracks may be heard or seen by the others.

A place is a seat, the stage of a running live stream, or a call that this client
made or accepted.  The machine is the same for all of them; what the engine is
asked differs, and is named by whoever runs the effects.

Whoever waits for a place has the limit: when it ends, the waiting posts Cancelled
with its reason, so there is one deadline and one owner of it.  Facts of an
operation that has ended carry its number and are dropped before they come here
(`is_late`).

Source: contract.md section 5, Seats and Microphone; lessons L1, L16, L17, L20,
L21.

Laws, each proved by the test of the same name:

1. every_ask_is_settled: an Ask ends held, refused or with the connection, or the
   place is given back.
2. leaving_asks_the_engine_once: whoever begins to leave asks the engine once, by
   a leave or by a give-back.
3. losing_the_place_ends_it: Lost leads from held to none.
4. a_failed_give_back_is_tried_again: leaving ends only by an answer or with the
   connection.
5. a_give_back_ends_with_the_connection: one that still runs is stopped, or it
   would free the place that is asked for next.
6. a_place_that_was_left_is_not_held_later: LeavePlace asks the engine wherever it
   is not asked already, since the engine may have given the place unheard.
7. the_held_place_is_not_asked_for: Ask for it only waits for what is missing.
8. one_waits_at_a_time: somebody waits in asking, or in held, and nowhere else; a
   second Ask is refused meanwhile.
9. ended_operations_are_late: the facts of an operation that has ended are late,
   others are not.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeAlias

import attrs

from utd_stream.machines._declare import Declaration, Row
from utd_stream.models.failures import Failure

__all__ = [
    "PLACE",
    "Ask",
    "AskFailed",
    "AskLeave",
    "AskPlace",
    "Cancelled",
    "Confirmed",
    "ConnectionEnded",
    "ConnectionReplaced",
    "EndGiveBack",
    "Freed",
    "GiveBack",
    "GiveBackFailed",
    "LeavePlace",
    "Lost",
    "PlaceData",
    "PlaceEffect",
    "PlaceEvent",
    "PlaceState",
    "Refused",
    "SendFailed",
    "Settled",
    "WaitEnd",
    "is_late",
]


class PlaceState(Enum):
    """Where the place stands."""

    NONE = "none"  # this client has no place
    ASKING = "asking"  # the engine was asked for one
    HELD = "held"  # the engine gave it
    LEAVING = "leaving"  # the engine was asked to free it


class WaitEnd(Enum):
    """Why nobody waits for a place any more."""

    TIMED_OUT = "timed_out"  # its limit is over
    CALLER_LEFT = "caller_left"  # the caller was cancelled


# Commands: the application asks.


@attrs.frozen
class Ask:
    """Ask the engine for a place, and wait for it and for its tracks.

    Attributes:
        is_held: The engine says that this client has that very place already.
        speaks: Whether the right to send comes with the held place.
    """

    is_held: bool = False
    speaks: bool = True


@attrs.frozen
class LeavePlace:
    """Give up the place.

    Attributes:
        with_session: The whole session is left.
    """

    with_session: bool = False


# Facts.  Those with `op` belong to one ask, leave or give-back.


@attrs.frozen
class Confirmed:
    """The engine says that this client has the place.

    Attributes:
        speaks: Whether the right to send comes with it: nobody muted it.
        agreed: Whether the person asked for it, so that tracks may open.
    """

    speaks: bool = True
    agreed: bool = True


@attrs.frozen
class Refused:
    """The engine said no: this client has no place."""

    op: int
    error: Failure | None = None


@attrs.frozen
class AskFailed:
    """It is not known whether the engine heard the ask."""

    op: int
    error: Failure | None = None


@attrs.frozen
class Cancelled:
    """Nobody waits for the place any more."""

    op: int
    reason: WaitEnd = WaitEnd.CALLER_LEFT


@attrs.frozen
class SendFailed:
    """A track of the place could not be published."""

    error: Failure | None = None


@attrs.frozen
class Settled:
    """No track waits for its right or is being published."""


@attrs.frozen
class Lost:
    """The engine says that this client has the place no more."""


@attrs.frozen
class Freed:
    """The engine answered the leave or the give-back."""

    op: int


@attrs.frozen
class GiveBackFailed:
    """It is not known whether the engine heard the leave or the give-back."""

    op: int


@attrs.frozen
class ConnectionReplaced:
    """A new connection took the place of one that was given up."""


@attrs.frozen
class ConnectionEnded:
    """There is no connection any more."""


PlaceEvent: TypeAlias = (
    Ask
    | LeavePlace
    | Confirmed
    | Refused
    | AskFailed
    | Cancelled
    | SendFailed
    | Settled
    | Lost
    | Freed
    | GiveBackFailed
    | ConnectionReplaced
    | ConnectionEnded
)


# Effects.


@attrs.frozen
class AskPlace:
    """Ask the engine for the place, as operation *op*."""

    op: int


@attrs.frozen
class AskLeave:
    """Ask the engine to free the place, as operation *op*."""

    op: int


@attrs.frozen
class GiveBack:
    """Learn how the ask ended, then free what it took, as operation *op*."""

    op: int


@attrs.frozen
class EndGiveBack:
    """Stop the give-back that runs: its connection has ended."""


PlaceEffect: TypeAlias = AskPlace | AskLeave | GiveBack | EndGiveBack


@attrs.frozen(kw_only=True)
class PlaceData:
    """What the machine remembers beside its state.

    Attributes:
        op: Number of the ask, leave or give-back under way or last ended.
        waits: Somebody waits for the place, or for its tracks.
    """

    op: int = 0
    waits: bool = False


def is_late(data: PlaceData, fact: object) -> bool:
    """Whether *fact* belongs to an operation that has ended."""
    return bool(getattr(fact, "op", data.op) != data.op)


def is_another(data: PlaceData, event: Ask) -> bool:
    """Is it another place than the one this client has?"""
    return not event.is_held


def somebody_waits(data: PlaceData, event: PlaceEvent) -> bool:
    """Does somebody wait for the place, or for its tracks?"""
    return data.waits


def ask_place(data: PlaceData, event: Ask) -> AskPlace:
    """Ask the engine for the place."""
    return AskPlace(data.op + 1)


def ask_leave(data: PlaceData, event: LeavePlace) -> AskLeave:
    """Ask the engine to free the place."""
    return AskLeave(data.op + 1)


def give_back(data: PlaceData, event: PlaceEvent) -> GiveBack:
    """Give back what the ask may have taken."""
    return GiveBack(data.op + 1)


def end_give_back(data: PlaceData, event: ConnectionEnded) -> EndGiveBack:
    """Stop the give-back that runs."""
    return EndGiveBack()


_S = PlaceState
_ALL = tuple(PlaceState)
_NEXT: tuple[str, ...] = ("op",)
_WAITING = {"waits": True}
_NOBODY = {"waits": False}
_Row: TypeAlias = Row[PlaceState, PlaceEvent, PlaceData, PlaceEffect]


def _stays(
    trigger: type[PlaceEvent],
    *states: PlaceState,
    guard: Callable[[PlaceData, Any], bool] | None = None,
    refuse: str | None = None,
) -> tuple[_Row, ...]:
    return tuple(Row(trigger, (s,), s, guard=guard, refuse=refuse) for s in states)


# fmt: off
PLACE: Declaration[PlaceState, PlaceEvent, PlaceData, PlaceEffect] = Declaration(
    name="place",
    initial=_S.NONE,
    rows=(
        Row(Ask,            (_S.NONE,),       _S.ASKING,
            count=_NEXT, set=_WAITING, effects=(ask_place,)),
        *_stays(Ask,        _S.ASKING, _S.LEAVING, refuse="pending"),
        *_stays(Ask,        _S.HELD, guard=is_another, refuse="already_seated"),
        *_stays(Ask,        _S.HELD, guard=somebody_waits, refuse="pending"),
        Row(Ask,            (_S.HELD,),       _S.HELD,
            count=_NEXT, set=_WAITING),

        Row(Confirmed,      (_S.NONE,),       _S.HELD, count=_NEXT),
        # Whoever waits goes on to wait for the tracks.
        Row(Confirmed,      (_S.ASKING,),     _S.HELD),
        *_stays(Confirmed,  _S.HELD, _S.LEAVING),

        Row(Refused,        (_S.ASKING, _S.LEAVING), _S.NONE,
            count=_NEXT, set=_NOBODY),
        Row(AskFailed,      (_S.ASKING,),     _S.LEAVING,
            count=_NEXT, set=_NOBODY, effects=(give_back,)),
        Row(Cancelled,      (_S.ASKING, _S.HELD), _S.LEAVING,
            count=_NEXT, set=_NOBODY, effects=(give_back,)),
        *_stays(Cancelled,  _S.NONE, _S.LEAVING),

        Row(SendFailed,     (_S.HELD,),       _S.LEAVING, guard=somebody_waits,
            count=_NEXT, set=_NOBODY, effects=(give_back,)),
        *_stays(SendFailed, *_ALL),
        Row(Settled,        (_S.HELD,),       _S.HELD, set=_NOBODY),
        *_stays(Settled,    _S.NONE, _S.ASKING, _S.LEAVING),

        Row(LeavePlace,     (_S.ASKING,),     _S.LEAVING,
            count=_NEXT, set=_NOBODY, effects=(give_back,)),
        # Without a place too: the engine may have given one just now.
        Row(LeavePlace,     (_S.NONE, _S.HELD), _S.LEAVING,
            count=_NEXT, set=_NOBODY, effects=(ask_leave,)),
        *_stays(LeavePlace, _S.LEAVING),
        Row(Lost,           (_S.HELD,),       _S.NONE,
            count=_NEXT, set=_NOBODY),
        # A give-back goes on to its answer: the answer to an ask may be in it.
        *_stays(Lost,       _S.NONE, _S.ASKING, _S.LEAVING),
        Row(Freed,          (_S.LEAVING,),    _S.NONE, count=_NEXT),
        Row(GiveBackFailed, (_S.LEAVING,),    _S.LEAVING,
            count=_NEXT, effects=(give_back,)),

        Row(ConnectionEnded, (_S.NONE, _S.ASKING, _S.HELD), _S.NONE,
            count=_NEXT, set=_NOBODY),
        Row(ConnectionEnded, (_S.LEAVING,),   _S.NONE,
            count=_NEXT, effects=(end_give_back,)),
        *_stays(ConnectionReplaced, *_ALL),
    ),
)
# fmt: on
