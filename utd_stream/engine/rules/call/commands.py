"""What the two parties say about a call.

Whoever is no party learns nothing of it, not even that there is one.

Source: contract.md sections 3 and 5, Calls.
"""

from __future__ import annotations

from datetime import timedelta

from utd_stream.engine.rules.call.changing import change, fire
from utd_stream.engine.rules.call.state import call_of, row_of_call
from utd_stream.engine.rules.commands import (
    AcceptCall,
    EndCall,
    RejectCall,
    RingCall,
    SayCallBusy,
)
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.kind import CallEntry, Made
from utd_stream.engine.rules.numbers import next_connection
from utd_stream.engine.rules.state import Member, Room
from utd_stream.errors import NotFoundError
from utd_stream.machines.call import (
    Accept,
    CallEvent,
    End,
    Party,
    Reject,
    Ring,
    SayBusy,
)
from utd_stream.models.calls import UTDCallStatus

__all__ = ["accept", "busy", "end", "nothing_there", "reject", "ring"]


def nothing_there() -> NotFoundError:
    """Return the answer to whoever is no party, and where there is no call."""
    return NotFoundError("there is no such call of this identity")


def ring(draft: Draft, _: RingCall) -> Made:
    """Say that a device of the callee rings."""
    return _as_callee(draft, Ring(draft.now))


def accept(draft: Draft, command: AcceptCall) -> Made:
    """Answer the call; the callee may enter the media room from now on."""
    _check_callee(draft)
    identity = call_of(draft.room).callee
    was_answered = call_of(draft.room).status is UTDCallStatus.ACTIVE
    until = draft.now + timedelta(seconds=draft.rules.max_call)
    fire(draft, Accept(command.device, draft.now, until))
    if not was_answered:
        change(draft, callee_grace=draft.rules.call_grace)
        before = draft.members.get(identity) or Member(identity=identity)
        draft.change_member(identity, connection=next_connection(draft, before))
    member = draft.members[identity]
    return lambda room: CallEntry(row_of_call(room), member)


def reject(draft: Draft, _: RejectCall) -> Made:
    """Decline the call, on all devices."""
    return _as_callee(draft, Reject(draft.now))


def busy(draft: Draft, _: SayCallBusy) -> Made:
    """Say that the callee is busy, on all devices."""
    return _as_callee(draft, SayBusy(draft.now))


def end(draft: Draft, command: EndCall) -> Made:
    """Hang up; the app's back end may end any call."""
    actor = draft.actor
    party = call_of(draft.room).party_of(actor.identity)
    by_app = actor.is_secret and actor.identity is None
    if party is None and not by_app:
        raise nothing_there()
    fire(draft, End(draft.now, party, command.is_lost))
    return _row


def _as_callee(draft: Draft, event: CallEvent) -> Made:
    _check_callee(draft)
    fire(draft, event)
    return _row


def _check_callee(draft: Draft) -> None:
    if call_of(draft.room).party_of(draft.actor.identity) is not Party.CALLEE:
        raise nothing_there()


def _row(room: Room) -> CallEntry:
    return CallEntry(row_of_call(room), None)
