"""One client's part in a call: dialing, answering, being in it, hanging up.

The status of the call is never this machine's state: it is the newest row's that
the engine told.  This machine says what the client has asked for and must undo.

Whoever waits has the limit: when it ends, the waiting posts Cancelled with its
reason, so there is one deadline and one owner of it.  Facts of an operation that
has ended carry its number and are dropped before they come here (`is_late`).

Source: contract.md section 5, Calls; lessons L31, L38, L39, L42, L45, L50, L55.

Laws, each proved by the test of the same name:

1. every_start_is_settled: a Dial or an Answer ends open, refused, over, or is taken
   back.
2. leaving_asks_the_engine_once: whoever begins to leave asks the engine once, to take
   the request back or to end the call.
3. media_are_left_once: whoever leaves entering or open leaves the media room.
4. a_failed_hang_up_is_tried_again: closing ends by an answer or by the call's end.
5. an_end_is_heard_wherever_it_matters: CallOver leads to over from a followed call,
   from entering, open and closing, and from nowhere else.
6. what_is_over_is_not_entered: an answer about a call that is over already leads to
   over, and media are entered by an answer alone.
7. one_call_is_followed: a second call is refused while one is followed.
8. who_is_replaced_says_nothing: TakenOver leads to over and asks the engine nothing.
9. a_lost_connection_hangs_up: ConnectionEnded ends an open call as lost.
10. a_removal_asks_for_the_outcome: RemovedFromRoom in an open call looks
    for its end, and nothing more.
11. a_new_connection_publishes_again: ConnectionReplaced in an open call, there alone.
12. ended_operations_are_late: entering closing, over or idle begins the next
    operation, and nothing else does.
13. what_was_accepted_can_be_declined: whoever hangs up while it answers ends the call
    though the answer was taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeAlias

import attrs

from utd_stream.machines._declare import Declaration, Row
from utd_stream.machines.place import (
    AskFailed,
    Cancelled,
    ConnectionEnded,
    ConnectionReplaced,
)
from utd_stream.models.failures import Failure

__all__ = [
    "CALLING",
    "Answer",
    "AskAccept",
    "AskCreate",
    "AskEnd",
    "AskEndAgain",
    "CallOver",
    "CallRefused",
    "CallingData",
    "CallingEffect",
    "CallingEvent",
    "CallingState",
    "Dial",
    "EnterFailed",
    "EnterMedia",
    "Entered",
    "Followed",
    "Granted",
    "HangUp",
    "HangUpAnswered",
    "HangUpFailed",
    "LeaveMedia",
    "LookForEnd",
    "PublishAgain",
    "RemovedFromRoom",
    "RequestVoided",
    "TakeBack",
    "TakenOver",
    "is_late",
]


class CallingState(Enum):
    """Where a client's part in a call stands."""

    IDLE = "idle"  # no call
    OFFERED = "offered"  # one that rings here is followed
    DIALING = "dialing"  # the engine was asked to make one
    ANSWERING = "answering"  # the engine was asked to accept one
    ENTERING = "entering"  # the engine did; the media are not ready
    OPEN = "open"  # in the media room, published
    CLOSING = "closing"  # the engine was asked to end it
    OVER = "over"  # it has its outcome


# Commands: the application asks.


@attrs.frozen
class Dial:
    """Call somebody."""


@attrs.frozen
class Answer:
    """Accept a call that rings.

    Attributes:
        is_followed: It is the call that is followed.
    """

    is_followed: bool = True


@attrs.frozen
class HangUp:
    """End the call."""


# Facts.  Those with `op` belong to one request, entry or hang-up.


@attrs.frozen
class Followed:
    """The engine answered what was said to a ringing call.

    Attributes:
        is_followed: It is the call that is followed already.
    """

    is_followed: bool = True


@attrs.frozen
class Granted:
    """The engine made or accepted the call.

    Attributes:
        op: Which request's answer it is.
        is_over: The call has ended since.
    """

    op: int
    is_over: bool = False


@attrs.frozen
class CallRefused:
    """The engine said no.

    Attributes:
        op: Which request's answer it is.
        is_over: The call has ended.
        error: What it said.
    """

    op: int
    is_over: bool = False
    error: Failure | None = None


@attrs.frozen
class Entered:
    """The media room is joined and the microphone published."""

    op: int


@attrs.frozen
class EnterFailed:
    """The media room cannot be joined, or nothing published in it."""

    op: int
    error: Failure | None = None


@attrs.frozen
class CallOver:
    """The engine says that the call is over."""


@attrs.frozen
class HangUpAnswered:
    """The engine answered the hang-up."""

    op: int


@attrs.frozen
class RequestVoided:
    """The request was taken back before the engine served it."""

    op: int


@attrs.frozen
class HangUpFailed:
    """It is not known whether the engine heard the hang-up."""

    op: int


@attrs.frozen
class RemovedFromRoom:
    """The SFU removed this client, or the room."""


@attrs.frozen
class TakenOver:
    """Another client of this identity took the connection over."""


CallingEvent: TypeAlias = (
    Dial
    | Answer
    | HangUp
    | Followed
    | Granted
    | CallRefused
    | AskFailed
    | Cancelled
    | Entered
    | EnterFailed
    | CallOver
    | HangUpAnswered
    | RequestVoided
    | HangUpFailed
    | RemovedFromRoom
    | TakenOver
    | ConnectionReplaced
    | ConnectionEnded
)


# Effects.


@attrs.frozen
class AskCreate:
    """Ask the engine for a call, as operation *op*."""

    op: int


@attrs.frozen
class AskAccept:
    """Ask the engine to accept the call, as operation *op*."""

    op: int


@attrs.frozen
class EnterMedia:
    """Connect to the media room and publish, as operation *op*."""

    op: int


@attrs.frozen
class TakeBack:
    """Take the request back, or end what it made, as operation *op*.

    Attributes:
        op: The hang-up's number.
        declines: The call is ended also where the request was never served.
    """

    op: int
    declines: bool = False


@attrs.frozen
class AskEnd:
    """Ask the engine to end the call, as operation *op*.

    Attributes:
        op: The hang-up's number.
        is_lost: For the connection was lost.
    """

    op: int
    is_lost: bool = False


@attrs.frozen
class AskEndAgain:
    """Ask the engine once more in a second, as operation *op*."""

    op: int


@attrs.frozen
class LeaveMedia:
    """Leave the media room."""


@attrs.frozen
class PublishAgain:
    """Publish on the new connection what was published."""


@attrs.frozen
class LookForEnd:
    """Ask the engine for the call until it is over, for 5 s, then hang up."""

    op: int


CallingEffect: TypeAlias = (
    AskCreate
    | AskAccept
    | EnterMedia
    | TakeBack
    | AskEnd
    | AskEndAgain
    | LeaveMedia
    | PublishAgain
    | LookForEnd
)


@attrs.frozen(kw_only=True)
class CallingData:
    """What the machine remembers beside its state.

    Attributes:
        op: Number of the request, entry or hang-up under way or last ended.
    """

    op: int = 0


def is_late(data: CallingData, fact: object) -> bool:
    """Whether *fact* belongs to an operation that has ended."""
    return bool(getattr(fact, "op", data.op) != data.op)


def is_followed(data: CallingData, event: Answer | Followed) -> bool:
    """Is it the call that is followed?"""
    return event.is_followed


def is_over_already(data: CallingData, event: Granted | CallRefused) -> bool:
    """Has the call ended since?"""
    return event.is_over


def ask_create(data: CallingData, event: Dial) -> AskCreate:
    """Ask the engine for a call."""
    return AskCreate(data.op)


def ask_accept(data: CallingData, event: Answer) -> AskAccept:
    """Ask the engine to accept the call."""
    return AskAccept(data.op)


def enter_media(data: CallingData, event: Granted) -> EnterMedia:
    """Connect and publish."""
    return EnterMedia(data.op)


def take_back(data: CallingData, event: CallingEvent) -> TakeBack:
    """Take the request back."""
    return TakeBack(data.op + 1)


def take_back_and_decline(data: CallingData, event: HangUp) -> TakeBack:
    """Take the answer back, and end the call in any case."""
    return TakeBack(data.op + 1, declines=True)


def ask_end(data: CallingData, event: CallingEvent) -> AskEnd:
    """Ask the engine to end the call."""
    return AskEnd(data.op + 1)


def ask_end_as_lost(data: CallingData, event: ConnectionEnded) -> AskEnd:
    """Ask the engine to end the call, which lost its connection."""
    return AskEnd(data.op + 1, is_lost=True)


def ask_end_again(data: CallingData, event: HangUpFailed) -> AskEndAgain:
    """Ask the engine once more."""
    return AskEndAgain(data.op)


def leave_media(data: CallingData, event: CallingEvent) -> LeaveMedia:
    """Leave the media room."""
    return LeaveMedia()


def publish_again(data: CallingData, event: ConnectionReplaced) -> PublishAgain:
    """Publish on the new connection."""
    return PublishAgain()


def look_for_end(data: CallingData, event: RemovedFromRoom) -> LookForEnd:
    """Ask the engine for the outcome."""
    return LookForEnd(data.op)


_S = CallingState
_ALL = tuple(CallingState)
_RESTING = (_S.IDLE, _S.OVER)
_ASKING = (_S.DIALING, _S.ANSWERING)
_MEDIA = (_S.ENTERING, _S.OPEN)
_NEXT: tuple[str, ...] = ("op",)
_Row: TypeAlias = Row[CallingState, CallingEvent, CallingData, CallingEffect]


def _stays(
    trigger: type[CallingEvent],
    *states: CallingState,
    guard: Callable[[CallingData, Any], bool] | None = None,
    refuse: str | None = None,
) -> tuple[_Row, ...]:
    return tuple(Row(trigger, (s,), s, guard=guard, refuse=refuse) for s in states)


# fmt: off
CALLING: Declaration[CallingState, CallingEvent, CallingData, CallingEffect] = (
    Declaration(
        name="calling",
        initial=_S.IDLE,
        commands=(Dial, Answer, HangUp),
        rows=(
            Row(Dial,        _RESTING,       _S.DIALING,   effects=(ask_create,)),
            Row(Answer,      _RESTING,       _S.ANSWERING, effects=(ask_accept,)),
            Row(Answer,      (_S.OFFERED,),  _S.ANSWERING, guard=is_followed,
                effects=(ask_accept,)),
            *_stays(Answer,  _S.OFFERED, refuse="conflict"),

            Row(Followed,    _RESTING,       _S.OFFERED),
            *_stays(Followed, _S.OFFERED, guard=is_followed),
            *_stays(Followed, _S.OFFERED, refuse="conflict"),
            *_stays(Followed, *_ASKING, *_MEDIA, _S.CLOSING),

            Row(Granted,     _ASKING,        _S.OVER,      guard=is_over_already,
                count=_NEXT),
            Row(Granted,     _ASKING,        _S.ENTERING,  effects=(enter_media,)),
            Row(CallRefused, _ASKING,        _S.OVER,      guard=is_over_already,
                count=_NEXT),
            Row(CallRefused, _ASKING,        _S.IDLE,      count=_NEXT),
            Row(AskFailed,   _ASKING,        _S.CLOSING,   count=_NEXT,
                effects=(take_back,)),

            Row(Entered,     (_S.ENTERING,), _S.OPEN),
            Row(EnterFailed, (_S.ENTERING,), _S.CLOSING,   count=_NEXT,
                effects=(ask_end, leave_media)),

            Row(HangUp,      (_S.OFFERED,),  _S.CLOSING,   count=_NEXT,
                effects=(ask_end,)),
            Row(HangUp,      (_S.DIALING,),  _S.CLOSING,   count=_NEXT,
                effects=(take_back,)),
            Row(HangUp,      (_S.ANSWERING,), _S.CLOSING,  count=_NEXT,
                effects=(take_back_and_decline,)),
            Row(HangUp,      _MEDIA,         _S.CLOSING,   count=_NEXT,
                effects=(ask_end, leave_media)),
            *_stays(HangUp,  *_RESTING, _S.CLOSING),

            Row(Cancelled,   _ASKING,        _S.CLOSING,   count=_NEXT,
                effects=(take_back,)),
            Row(Cancelled,   _MEDIA,         _S.CLOSING,   count=_NEXT,
                effects=(ask_end, leave_media)),
            *_stays(Cancelled, *_RESTING, _S.OFFERED, _S.CLOSING),

            Row(CallOver,    (_S.OFFERED, _S.CLOSING), _S.OVER, count=_NEXT),
            Row(CallOver,    _MEDIA,         _S.OVER,      count=_NEXT,
                effects=(leave_media,)),
            # The answer to the request says of which call it was.
            *_stays(CallOver, *_RESTING, *_ASKING),

            Row(HangUpAnswered, (_S.CLOSING,), _S.OVER,    count=_NEXT),
            Row(RequestVoided, (_S.CLOSING,), _S.IDLE,     count=_NEXT),
            Row(HangUpFailed, (_S.CLOSING,), _S.CLOSING,   effects=(ask_end_again,)),

            Row(ConnectionReplaced, (_S.OPEN,), _S.OPEN,   effects=(publish_again,)),
            *_stays(ConnectionReplaced, *(s for s in _ALL if s is not _S.OPEN)),
            Row(RemovedFromRoom, (_S.OPEN,), _S.OPEN,      effects=(look_for_end,)),
            *_stays(RemovedFromRoom, *(s for s in _ALL if s is not _S.OPEN)),
            Row(TakenOver,   (_S.OPEN,),     _S.OVER,      count=_NEXT,
                effects=(leave_media,)),
            *_stays(TakenOver, *(s for s in _ALL if s is not _S.OPEN)),
            Row(ConnectionEnded, (_S.OPEN,), _S.CLOSING,   count=_NEXT,
                effects=(ask_end_as_lost, leave_media)),
            *_stays(ConnectionEnded, *(s for s in _ALL if s is not _S.OPEN)),
        ),
    )
)
# fmt: on
