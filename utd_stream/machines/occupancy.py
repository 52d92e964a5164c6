"""My own seat and microphone in an audio room, as this client knows them.

A take is a small saga: the engine is asked, the right is awaited as a fact of
the SFU, the microphone is published, and only then is `take_seat` done.
Leaving at any point ends it clean: what was asked is given back, what was
published is withdrawn.  Facts of an operation that has ended carry its number
and are dropped before they come here (`is_late`).

Source: contract.md section 5, Seats and Microphone; traps T9, T24; lessons L1,
L16, L17, L20, L21.

Laws, each proved by the test of the same name:

1. published_only_while_seated: the microphone is up only in publishing and
   speaking.
2. every_publish_is_answered_or_withdrawn: leaving those two states unpublishes,
   unless the publication failed or went with a connection that was replaced.
3. every_ask_is_settled: a take ends seated, refused or with the connection, or it
   is given back.
4. losing_the_seat_ends_it: SeatLost leads to listening from wherever one sits.
5. a_failed_give_back_is_tried_again: leaving ends only by an answer or with the
   connection.
6. no_right_no_publish: nothing is published before the right is seen.
7. mute_keeps_the_track: the microphone switch mutes and unmutes what is there.
8. every_wait_has_an_end: wherever an answer or a right is awaited a timer runs.
9. who_leaves_is_never_seated_later: LeaveSeat asks the engine wherever it is not
   asked already, for it may have seated who does not know it yet.
10. my_own_seat_is_not_asked_for: TakeSeat of the seat I sit on only waits for
    what is missing: the right, or the publication.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

from utd_stream.machines._declare import Declaration, Row
from utd_stream.machines._occupancy_events import (
    ArmTakeTimeout,
    AskFailed,
    AskLeave,
    AskSeat,
    Cancelled,
    ConnectionEnded,
    ConnectionReplaced,
    GiveBack,
    GiveBackFailed,
    LeaveSeat,
    MicrophoneOff,
    MicrophoneOn,
    MuteTrack,
    OccupancyData,
    OccupancyEffect,
    OccupancyEvent,
    Published,
    PublishFailed,
    PublishMicrophone,
    Refused,
    RightGranted,
    RightRevoked,
    SeatConfirmed,
    SeatFreed,
    SeatLost,
    SeatMoved,
    SeatMuted,
    TakeSeat,
    TakeTimedOut,
    UnmuteTrack,
    UnpublishMicrophone,
)
from utd_stream.models.rooms import SeatOccupancy

__all__ = [
    "OCCUPANCY",
    "ArmTakeTimeout",
    "AskFailed",
    "AskLeave",
    "AskSeat",
    "Cancelled",
    "ConnectionEnded",
    "ConnectionReplaced",
    "GiveBack",
    "GiveBackFailed",
    "LeaveSeat",
    "MicrophoneOff",
    "MicrophoneOn",
    "MuteTrack",
    "OccupancyData",
    "OccupancyEffect",
    "OccupancyEvent",
    "PublishFailed",
    "PublishMicrophone",
    "Published",
    "Refused",
    "RightGranted",
    "RightRevoked",
    "SeatConfirmed",
    "SeatFreed",
    "SeatLost",
    "SeatMoved",
    "SeatMuted",
    "TakeSeat",
    "TakeTimedOut",
    "UnmuteTrack",
    "UnpublishMicrophone",
    "is_late",
]


def is_late(data: OccupancyData, fact: object) -> bool:
    """Whether *fact* belongs to an operation or publication that has ended."""
    op = getattr(fact, "op", data.op)
    publication = getattr(fact, "publication", data.publication)
    return (op, publication) != (data.op, data.publication)


def is_another(data: OccupancyData, event: TakeSeat) -> bool:
    """Is it another seat than the one I sit on?"""
    return not event.is_mine


def stays_silent(data: OccupancyData, event: SeatConfirmed | TakeSeat) -> bool:
    """Is there nothing to publish: no right to come, or no wish?"""
    return not (event.speaks and data.wanted)


def right_is_there(data: OccupancyData, event: OccupancyEvent) -> bool:
    """Does the SFU let me publish already?"""
    return data.right


def is_wanted(data: OccupancyData, event: OccupancyEvent) -> bool:
    """Is the microphone wanted?"""
    return data.wanted


def is_off(data: OccupancyData, event: MicrophoneOn) -> bool:
    """Was the microphone switched off before?"""
    return not data.wanted


def a_take_waits(data: OccupancyData, event: OccupancyEvent) -> bool:
    """Does a `take_seat` wait for this seat?"""
    return data.waits


def asking(data: OccupancyData, event: TakeSeat) -> OccupancyData:
    """Count a take that somebody waits for."""
    return attrs.evolve(data, op=data.op + 1, waits=True)


def next_op(data: OccupancyData, event: OccupancyEvent) -> OccupancyData:
    """Count the next operation; nobody waits for the old one."""
    return attrs.evolve(data, op=data.op + 1, waits=False)


def asking_starting(data: OccupancyData, event: TakeSeat) -> OccupancyData:
    """Count a take that somebody waits for, and a publication."""
    return starting(asking(data, event), event)


def settled(data: OccupancyData, event: OccupancyEvent) -> OccupancyData:
    """Let go whoever waited for the seat."""
    return attrs.evolve(data, waits=False)


def starting(data: OccupancyData, event: OccupancyEvent) -> OccupancyData:
    """Count a publication."""
    return attrs.evolve(data, publication=data.publication + 1)


def stopping(data: OccupancyData, event: OccupancyEvent) -> OccupancyData:
    """Count the next operation and end the publication."""
    return attrs.evolve(next_op(data, event), publication=data.publication + 1)


def granted(data: OccupancyData, event: RightGranted) -> OccupancyData:
    """Remember the right."""
    return attrs.evolve(data, right=True)


def granted_settled(data: OccupancyData, event: RightGranted) -> OccupancyData:
    """Remember the right, and let go whoever waited."""
    return attrs.evolve(data, right=True, waits=False)


def granted_starting(data: OccupancyData, event: RightGranted) -> OccupancyData:
    """Remember the right, and count a publication."""
    return attrs.evolve(starting(data, event), right=True)


def revoked(data: OccupancyData, event: RightRevoked) -> OccupancyData:
    """Forget the right."""
    return attrs.evolve(data, right=False)


def revoked_stopping(data: OccupancyData, event: RightRevoked) -> OccupancyData:
    """Forget the right, end the publication, let go whoever waited."""
    return attrs.evolve(
        data, right=False, waits=False, publication=data.publication + 1
    )


def replaced(data: OccupancyData, event: ConnectionReplaced) -> OccupancyData:
    """Forget the right and the publication of the old connection."""
    # What the new connection may do is told by the fact that follows.
    return attrs.evolve(data, right=False, publication=data.publication + 1)


def ended(data: OccupancyData, event: ConnectionEnded) -> OccupancyData:
    """Forget all that belonged to the connection."""
    return attrs.evolve(stopping(data, event), right=False)


def switched_on(data: OccupancyData, event: MicrophoneOn) -> OccupancyData:
    """Remember that sound is wanted."""
    return attrs.evolve(data, wanted=True)


def switched_on_starting(data: OccupancyData, event: MicrophoneOn) -> OccupancyData:
    """Remember that sound is wanted, and count a publication."""
    return attrs.evolve(starting(data, event), wanted=True)


def switched_off(data: OccupancyData, event: MicrophoneOff) -> OccupancyData:
    """Remember that none is wanted."""
    return attrs.evolve(data, wanted=False)


def ask_seat(data: OccupancyData, event: TakeSeat) -> AskSeat:
    """Ask the engine for the seat."""
    return AskSeat(data.op + 1, event.seat_index, event.invitation_id)


def arm_next(data: OccupancyData, event: OccupancyEvent) -> ArmTakeTimeout:
    """Bound the operation that begins."""
    return ArmTakeTimeout(data.op + 1)


def arm_same(data: OccupancyData, event: OccupancyEvent) -> ArmTakeTimeout:
    """Bound the operation that goes on."""
    return ArmTakeTimeout(data.op)


def ask_leave(data: OccupancyData, event: LeaveSeat) -> AskLeave:
    """Ask the engine to free the seat."""
    return AskLeave(data.op + 1)


def give_back(data: OccupancyData, event: OccupancyEvent) -> GiveBack:
    """Give back what the take may have taken."""
    return GiveBack(data.op + 1)


def publish(data: OccupancyData, event: OccupancyEvent) -> PublishMicrophone:
    """Publish the microphone."""
    return PublishMicrophone(data.publication + 1)


def unpublish(data: OccupancyData, event: OccupancyEvent) -> UnpublishMicrophone:
    """Withdraw the microphone."""
    return UnpublishMicrophone()


def mute_track(data: OccupancyData, event: OccupancyEvent) -> MuteTrack:
    """Mute what is published."""
    return MuteTrack()


def unmute_track(data: OccupancyData, event: OccupancyEvent) -> UnmuteTrack:
    """Unmute what is published."""
    return UnmuteTrack()


_S = SeatOccupancy
_SEATED = (_S.GRANTING, _S.PUBLISHING, _S.SPEAKING, _S.SILENT)
_UP = (_S.PUBLISHING, _S.SPEAKING)
_Row: TypeAlias = Row[SeatOccupancy, OccupancyEvent, OccupancyData, OccupancyEffect]


def _stays(
    trigger: type[OccupancyEvent],
    *states: SeatOccupancy,
    guard: Callable[[OccupancyData, Any], bool] | None = None,
    update: Callable[[OccupancyData, Any], OccupancyData] | None = None,
    refuse: str | None = None,
) -> tuple[_Row, ...]:
    return tuple(
        Row(trigger, (state,), state, guard=guard, update=update, refuse=refuse)
        for state in states
    )


# fmt: off
OCCUPANCY: Declaration[
    SeatOccupancy, OccupancyEvent, OccupancyData, OccupancyEffect
] = Declaration(
    name="occupancy",
    initial=_S.LISTENING,
    rows=(
        Row(TakeSeat,       (_S.LISTENING,),  _S.TAKING,
            update=asking, effects=(ask_seat, arm_next)),
        *_stays(TakeSeat,   _S.TAKING, _S.LEAVING, refuse="pending"),
        *_stays(TakeSeat,   *_SEATED, guard=is_another, refuse="already_seated"),
        *_stays(TakeSeat,   _S.GRANTING, _S.PUBLISHING,
                guard=a_take_waits, refuse="pending"),
        Row(TakeSeat,       (_S.GRANTING,),   _S.GRANTING,
            update=asking, effects=(arm_next,)),
        Row(TakeSeat,       (_S.PUBLISHING,), _S.PUBLISHING,
            update=asking, effects=(arm_next,)),
        *_stays(TakeSeat,   _S.SPEAKING),
        *_stays(TakeSeat,   _S.SILENT, guard=stays_silent),
        Row(TakeSeat,       (_S.SILENT,),     _S.PUBLISHING,
            guard=right_is_there, update=asking_starting,
            effects=(publish, arm_next)),
        Row(TakeSeat,       (_S.SILENT,),     _S.GRANTING,
            update=asking, effects=(arm_next,)),

        Row(SeatConfirmed,  (_S.LISTENING, _S.TAKING), _S.SILENT,
            guard=stays_silent, update=settled),
        Row(SeatConfirmed,  (_S.LISTENING, _S.TAKING), _S.PUBLISHING,
            guard=right_is_there, update=starting, effects=(publish,)),
        Row(SeatConfirmed,  (_S.LISTENING,),  _S.GRANTING,
            update=next_op, effects=(arm_next,)),
        Row(SeatConfirmed,  (_S.TAKING,),     _S.GRANTING),
        *_stays(SeatConfirmed, *_SEATED, _S.LEAVING),
        *_stays(SeatMoved,  *_SEATED, _S.LEAVING),

        Row(Refused,        (_S.TAKING,),     _S.LISTENING, update=next_op),
        Row(Refused,        (_S.LEAVING,),    _S.LISTENING, update=next_op),
        Row(AskFailed,      (_S.TAKING,),     _S.LEAVING,
            update=next_op, effects=(give_back,)),

        Row(Cancelled,      (_S.TAKING, _S.GRANTING, _S.SILENT), _S.LEAVING,
            update=next_op, effects=(give_back,)),
        Row(Cancelled,      _UP,              _S.LEAVING,
            update=stopping, effects=(unpublish, give_back)),
        *_stays(Cancelled,  _S.LISTENING, _S.LEAVING),

        Row(TakeTimedOut,   (_S.TAKING,),     _S.LEAVING,
            update=next_op, effects=(give_back,)),
        Row(TakeTimedOut,   (_S.GRANTING,),   _S.LEAVING,
            guard=a_take_waits, update=next_op, effects=(give_back,)),
        Row(TakeTimedOut,   (_S.GRANTING,),   _S.SILENT),
        Row(TakeTimedOut,   (_S.PUBLISHING,), _S.LEAVING,
            guard=a_take_waits, update=stopping, effects=(unpublish, give_back)),
        *_stays(TakeTimedOut, _S.PUBLISHING, _S.SPEAKING, _S.SILENT,
                _S.LISTENING, _S.LEAVING),

        Row(RightGranted,   (_S.GRANTING, _S.SILENT), _S.PUBLISHING,
            guard=is_wanted, update=granted_starting, effects=(publish,)),
        Row(RightGranted,   (_S.GRANTING,),   _S.SILENT, update=granted_settled),
        *_stays(RightGranted, _S.LISTENING, _S.TAKING, *_UP, _S.SILENT,
                _S.LEAVING, update=granted),
        Row(RightRevoked,   _UP,              _S.SILENT,
            update=revoked_stopping, effects=(unpublish,)),
        *_stays(RightRevoked, _S.LISTENING, _S.TAKING, _S.GRANTING, _S.SILENT,
                _S.LEAVING, update=revoked),
        # The SFU takes the right of a muted seat; granting waits in vain.
        Row(SeatMuted,      (_S.GRANTING,),   _S.SILENT, update=settled),
        *_stays(SeatMuted,  _S.TAKING, *_UP, _S.SILENT, _S.LEAVING),

        Row(Published,      (_S.PUBLISHING,), _S.SPEAKING,
            guard=is_wanted, update=settled),
        # Switched off while the SFU was asked.
        Row(Published,      (_S.PUBLISHING,), _S.SPEAKING,
            update=settled, effects=(mute_track,)),
        Row(PublishFailed,  (_S.PUBLISHING,), _S.LEAVING,
            guard=a_take_waits, update=next_op, effects=(give_back,)),
        Row(PublishFailed,  (_S.PUBLISHING,), _S.SILENT),

        Row(MicrophoneOn,   (_S.SPEAKING,),   _S.SPEAKING,
            update=switched_on, effects=(unmute_track,)),
        Row(MicrophoneOn,   (_S.SILENT,),     _S.PUBLISHING,
            guard=right_is_there, update=switched_on_starting,
            effects=(publish,)),
        *_stays(MicrophoneOn, _S.SILENT, _S.TAKING, _S.GRANTING, _S.PUBLISHING,
                update=switched_on),
        # Taking back an earlier "off" is no wish to speak without a seat.
        *_stays(MicrophoneOn, _S.LISTENING, _S.LEAVING,
                guard=is_off, update=switched_on),
        *_stays(MicrophoneOn, _S.LISTENING, _S.LEAVING, refuse="forbidden"),
        Row(MicrophoneOff,  (_S.SPEAKING,),   _S.SPEAKING,
            update=switched_off, effects=(mute_track,)),
        *_stays(MicrophoneOff, _S.LISTENING, _S.TAKING, _S.GRANTING,
                _S.PUBLISHING, _S.SILENT, _S.LEAVING, update=switched_off),

        Row(LeaveSeat,      (_S.TAKING,),     _S.LEAVING,
            update=next_op, effects=(give_back,)),
        # Who listens may be seated already: the grid comes after the approval.
        Row(LeaveSeat,      (_S.LISTENING, _S.GRANTING, _S.SILENT), _S.LEAVING,
            update=next_op, effects=(ask_leave,)),
        Row(LeaveSeat,      _UP,              _S.LEAVING,
            update=stopping, effects=(unpublish, ask_leave)),
        *_stays(LeaveSeat,  _S.LEAVING),
        Row(SeatLost,       (_S.GRANTING, _S.SILENT), _S.LISTENING,
            update=next_op),
        Row(SeatLost,       _UP,              _S.LISTENING,
            update=stopping, effects=(unpublish,)),
        # What gives the seat back goes on to its answer: a take may be in it.
        *_stays(SeatLost,   _S.LEAVING),
        Row(SeatFreed,      (_S.LEAVING,),    _S.LISTENING, update=next_op),
        Row(GiveBackFailed, (_S.LEAVING,),    _S.LEAVING,
            update=next_op, effects=(give_back,)),

        Row(ConnectionReplaced, _SEATED,      _S.GRANTING,
            update=replaced, effects=(arm_same,)),
        *_stays(ConnectionReplaced, _S.LISTENING, _S.TAKING, _S.LEAVING,
                update=replaced),
        Row(ConnectionEnded, (_S.TAKING, _S.GRANTING, _S.SILENT, _S.LEAVING),
            _S.LISTENING, update=ended),
        Row(ConnectionEnded, _UP,             _S.LISTENING,
            update=ended, effects=(unpublish,)),
        *_stays(ConnectionEnded, _S.LISTENING, update=ended),
    ),
)
# fmt: on
