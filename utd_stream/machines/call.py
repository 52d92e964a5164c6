"""One 1:1 call, from its creation to its one outcome.

The engine runs it.  That a person has one live call concerns several calls and so
stands beside this table, in the function that creates a call within one commit.  A
phone is free once its call is over, so nothing has to free it.

A call is decided by times that come with what the engine is told, so that its
deadlines survive a restart: what is overdue is decided before any command.

Source: contract.md section 5, Calls; lessons L38 to L54.

Laws, each proved by the test of the same name:

1. a_call_has_one_outcome: nothing leaves a final status or changes its row.
2. every_change_is_told: a row that parties see changes by one revision and one
   Tell, and no revision comes without a change.
3. every_end_closes_the_room: whatever ends a call closes its room, once.
4. one_party_answers: the party that accepted may repeat it; another hears that it
   was answered elsewhere.
5. ring_ends_the_unanswered_only: a ring that is over misses a call that nobody
   answered, and never an active one.
6. duration_ends_the_active_only: only an active call lasts too long.
7. absence_counts_from_its_beginning: an absence lasts from its first report until
   Present; the callee's begins with the acceptance.
8. grace_ends_for_the_absent_only: the end of a grace ends the call only if that
   party is absent, and for long enough.
9. reasons_tell_who_and_when: the end says who ended it, and whether it was answered.
10. what_comes_too_late_is_refused: after the end the same command is quiet, another
   one is refused, and a fact changes nothing.
11. only_the_unanswered_is_declined: Ring, Reject and Busy change a call before its
   answer only.
12. a_loss_of_media_ends_the_call: Removed ends every live call.
13. returned_parties_are_granted: Present writes the right of the party anew.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, TypeAlias

import attrs

from utd_stream.machines._declare import Declaration, Row
from utd_stream.models.calls import CallEndReason, UTDCallStatus

__all__ = [
    "CALL",
    "Accept",
    "CallAbsent",
    "CallData",
    "CallEffect",
    "CallEvent",
    "CallGraceOver",
    "CallPresent",
    "CloseRoom",
    "DurationDue",
    "End",
    "MediaRemoved",
    "Party",
    "RegrantParty",
    "Reject",
    "Ring",
    "RingDue",
    "SayBusy",
    "Tell",
]


class Party(Enum):
    """One of the two people of a call."""

    CALLER = "caller"
    CALLEE = "callee"


# Commands: a person asks, the engine has checked who.


@attrs.frozen
class Ring:
    """Say that a device of the callee rings."""

    at: datetime


@attrs.frozen
class Accept:
    """Answer the call.

    Attributes:
        device: Which client of the callee, by its `party_id`.
        at: When.
        lasts_until: When the call will have lasted as long as it may.
    """

    device: str
    at: datetime
    lasts_until: datetime


@attrs.frozen
class Reject:
    """Decline the call, on all devices."""

    at: datetime


@attrs.frozen
class SayBusy:
    """Say that the callee is busy, on all devices."""

    at: datetime


@attrs.frozen
class End:
    """Hang up.

    Attributes:
        at: When.
        by: Which party; None for the app's back end.
        is_lost: The party's connection was lost, and its client says so.
    """

    at: datetime
    by: Party | None
    is_lost: bool = False


# Facts: told by the clock or by the SFU.


@attrs.frozen
class RingDue:
    """The ring may be over."""

    at: datetime


@attrs.frozen
class DurationDue:
    """The call may have lasted as long as it may."""

    at: datetime


@attrs.frozen
class CallAbsent:
    """The SFU does not see the party."""

    party: Party
    at: datetime


@attrs.frozen
class CallPresent:
    """The SFU sees the party."""

    party: Party


@attrs.frozen
class CallGraceOver:
    """An absence of the party may have reached its limit.

    Attributes:
        party: Whose.
        at: Now.
        grace: The limit, in seconds.
    """

    party: Party
    at: datetime
    grace: float


@attrs.frozen
class MediaRemoved:
    """The SFU removed the party, or the whole room."""

    party: Party
    at: datetime


CallEvent: TypeAlias = (
    Ring
    | Accept
    | Reject
    | SayBusy
    | End
    | RingDue
    | DurationDue
    | CallAbsent
    | CallPresent
    | CallGraceOver
    | MediaRemoved
)


# Effects.


@attrs.frozen
class Tell:
    """Tell every device of both parties the row, as it is now."""


@attrs.frozen
class CloseRoom:
    """Close the media room of the call."""


@attrs.frozen
class RegrantParty:
    """Write the right of the party even if the SFU should know it already."""

    party: Party


CallEffect: TypeAlias = Tell | CloseRoom | RegrantParty


@attrs.frozen(kw_only=True)
class CallData:
    """What a call remembers beside its status.

    Attributes:
        rev: Counts the changes that both parties are told.
        ring_until: When the ring is over.
        ringing_at: When a device of the callee first rang.
        answered_at: When the callee accepted.
        answered_by: The client that accepted, by its `party_id`.
        lasts_until: When an active call has lasted as long as it may.
        caller_absent_since: Since when the SFU does not see the caller.
        callee_absent_since: Likewise the callee, from the acceptance on.
        ended_at: When it was over.
        end_reason: Why.
        ended_by: Which party ended it; None for nobody, or the app's back end.
    """

    rev: int = 1
    ring_until: datetime
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    lasts_until: datetime | None = None
    caller_absent_since: datetime | None = None
    callee_absent_since: datetime | None = None
    ended_at: datetime | None = None
    end_reason: CallEndReason | None = None
    ended_by: Party | None = None

    def absent_since(self, party: Party) -> datetime | None:
        """Return since when the SFU does not see *party*."""
        if party is Party.CALLER:
            return self.caller_absent_since
        return self.callee_absent_since


def answered_it(data: CallData, event: Accept) -> bool:
    """Is it the client that accepted?"""
    return data.answered_by == event.device


def ring_is_over(data: CallData, event: RingDue) -> bool:
    """Has it rung as long as it may?"""
    return event.at >= data.ring_until


def lasted_too_long(data: CallData, event: DurationDue) -> bool:
    """Has it lasted as long as it may?"""
    return data.lasts_until is not None and event.at >= data.lasts_until


def is_new_absence(data: CallData, event: CallAbsent) -> bool:
    """Was the party present?"""
    return data.absent_since(event.party) is None


def is_absent_too_long(data: CallData, event: CallGraceOver) -> bool:
    """Has the party been absent for the whole grace?"""
    since = data.absent_since(event.party)
    return since is not None and event.at - since >= timedelta(seconds=event.grace)


def rung(data: CallData, event: Ring) -> CallData:
    """Remember when it first rang."""
    return attrs.evolve(data, ringing_at=event.at)


def accepted(data: CallData, event: Accept) -> CallData:
    """Remember who answered; the callee is absent until they join."""
    return attrs.evolve(
        data,
        answered_at=event.at,
        answered_by=event.device,
        lasts_until=event.lasts_until,
        callee_absent_since=event.at,
    )


def rejected(data: CallData, event: Reject) -> CallData:
    """End it for the callee, who declined."""
    return _ended(data, event.at, CallEndReason.REJECTED, Party.CALLEE)


def busied(data: CallData, event: SayBusy) -> CallData:
    """End it for the callee, who is busy."""
    return _ended(data, event.at, CallEndReason.BUSY, Party.CALLEE)


def hung_up(data: CallData, event: End) -> CallData:
    """End it for whoever hung up."""
    return _ended(data, event.at, _why(data, event), event.by)


def missed(data: CallData, event: RingDue) -> CallData:
    """End it, for nobody answered."""
    return _ended(data, event.at, CallEndReason.NO_ANSWER, None)


def timed_out(data: CallData, event: DurationDue) -> CallData:
    """End it, for it lasted as long as it may."""
    return _ended(data, event.at, CallEndReason.MAX_DURATION, None)


def lost(data: CallData, event: CallGraceOver | MediaRemoved) -> CallData:
    """End it for the party that was lost."""
    return _ended(data, event.at, CallEndReason.CONNECTION_LOST, event.party)


def gone(data: CallData, event: CallAbsent) -> CallData:
    """Remember since when the party is absent."""
    return _since(data, event.party, event.at)


def back(data: CallData, event: CallPresent) -> CallData:
    """End the absence of the party."""
    return _since(data, event.party, None)


def tell(data: CallData, event: CallEvent) -> Tell:
    """Tell every device of both parties."""
    return Tell()


def close_room(data: CallData, event: CallEvent) -> CloseRoom:
    """Close the media room."""
    return CloseRoom()


def regrant(data: CallData, event: CallPresent) -> RegrantParty:
    """Write the right of the party in any case."""
    return RegrantParty(event.party)


def _since(data: CallData, party: Party, at: datetime | None) -> CallData:
    if party is Party.CALLER:
        return attrs.evolve(data, caller_absent_since=at)
    return attrs.evolve(data, callee_absent_since=at)


def _ended(
    data: CallData, at: datetime, why: CallEndReason, by: Party | None
) -> CallData:
    return attrs.evolve(data, ended_at=at, end_reason=why, ended_by=by)


def _why(data: CallData, event: End) -> CallEndReason:
    if event.by is None:
        return CallEndReason.ENDED_BY_APP
    if event.is_lost:
        return CallEndReason.CONNECTION_LOST
    is_caller = event.by is Party.CALLER
    if data.answered_at is None:
        return CallEndReason.CANCELLED if is_caller else CallEndReason.DECLINED
    return CallEndReason.CALLER_HANGUP if is_caller else CallEndReason.CALLEE_HANGUP


_S = UTDCallStatus
_UNANSWERED = (_S.INITIATING, _S.RINGING)
_LIVE = (*_UNANSWERED, _S.ACTIVE)
_OVER = (_S.ENDED, _S.REJECTED, _S.BUSY, _S.MISSED)
_REV = ("rev",)
_CLOSE: tuple[Callable[[CallData, Any], CallEffect], ...] = (tell, close_room)
_Row: TypeAlias = Row[UTDCallStatus, CallEvent, CallData, CallEffect]


def _stays(
    trigger: type[CallEvent], *states: UTDCallStatus, refuse: str | None = None
) -> tuple[_Row, ...]:
    return tuple(Row(trigger, (s,), s, refuse=refuse) for s in states)


def _each(
    trigger: type[CallEvent],
    guard: Callable[[CallData, Any], bool] | None,
    update: Callable[[CallData, Any], CallData],
    *effects: Callable[[CallData, Any], CallEffect],
) -> tuple[_Row, ...]:
    """Return rows that keep each live status."""
    return tuple(
        Row(trigger, (s,), s, guard=guard, update=update, effects=effects)
        for s in _LIVE
    )


_INVALID = "invalid_transition"

# fmt: off
CALL: Declaration[UTDCallStatus, CallEvent, CallData, CallEffect] = Declaration(
    name="call",
    initial=_S.INITIATING,
    rows=(
        Row(Ring,          (_S.INITIATING,), _S.RINGING,
            update=rung, count=_REV, effects=(tell,)),
        *_stays(Ring,      _S.RINGING, _S.ACTIVE),
        *_stays(Ring,      *_OVER, refuse=_INVALID),

        Row(Accept,        _UNANSWERED,      _S.ACTIVE,
            update=accepted, count=_REV, effects=(tell,)),
        Row(Accept,        (_S.ACTIVE,),     _S.ACTIVE, guard=answered_it),
        *_stays(Accept,    _S.ACTIVE, refuse="answered_elsewhere"),
        *_stays(Accept,    *_OVER, refuse=_INVALID),

        Row(Reject,        _UNANSWERED,      _S.REJECTED,
            update=rejected, count=_REV, effects=_CLOSE),
        *_stays(Reject,    _S.REJECTED),
        *_stays(Reject,    _S.ACTIVE, _S.ENDED, _S.BUSY, _S.MISSED, refuse=_INVALID),

        Row(SayBusy,       _UNANSWERED,      _S.BUSY,
            update=busied, count=_REV, effects=_CLOSE),
        *_stays(SayBusy,   _S.BUSY),
        *_stays(SayBusy,   _S.ACTIVE, _S.ENDED, _S.REJECTED, _S.MISSED,
                refuse=_INVALID),

        Row(End,           _LIVE,            _S.ENDED,
            update=hung_up, count=_REV, effects=_CLOSE),
        *_stays(End,       _S.ENDED),
        *_stays(End,       _S.REJECTED, _S.BUSY, _S.MISSED, refuse=_INVALID),

        Row(RingDue,       _UNANSWERED,      _S.MISSED, guard=ring_is_over,
            update=missed, count=_REV, effects=_CLOSE),
        *_stays(RingDue,   *_LIVE, *_OVER),

        Row(DurationDue,   (_S.ACTIVE,),     _S.ENDED,  guard=lasted_too_long,
            update=timed_out, count=_REV, effects=_CLOSE),
        *_stays(DurationDue, *_LIVE, *_OVER),

        *_each(CallAbsent, is_new_absence, gone),
        *_stays(CallAbsent, *_LIVE, *_OVER),
        *_each(CallPresent, None, back, regrant),
        *_stays(CallPresent, *_OVER),
        Row(CallGraceOver, _LIVE,            _S.ENDED,  guard=is_absent_too_long,
            update=lost, count=_REV, effects=_CLOSE),
        *_stays(CallGraceOver, *_LIVE, *_OVER),
        Row(MediaRemoved,  _LIVE,            _S.ENDED,
            update=lost, count=_REV, effects=_CLOSE),
        *_stays(MediaRemoved, *_OVER),
    ),
)
# fmt: on
