"""A call under change: every change goes through `fire`."""

from __future__ import annotations

from typing import Any

import attrs

from utd_stream.engine.rules.call.state import call_of
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.effects import SyncParticipant, TellCall
from utd_stream.engine.rules.ending import end_life
from utd_stream.errors import ConflictError, RefusedError
from utd_stream.machines.call import (
    CALL,
    CallAbsent,
    CallEvent,
    CloseRoom,
    Party,
    RegrantParty,
    Tell,
)
from utd_stream.models.calls import UTDCallStatus
from utd_stream.models.rooms import RoomEndReason

__all__ = ["change", "conflict", "fire", "miss"]

_SAID = {
    "invalid_transition": "the call is {status}: this command comes too late",
    "answered_elsewhere": "another device of the callee answered the call",
}


def change(draft: Draft, **fields: Any) -> None:
    """Replace fields of the content; equal ones leave it the same object."""
    draft.change(content=attrs.evolve(call_of(draft.room), **fields))


def conflict(draft: Draft, code: str) -> ConflictError:
    """Return the refusal of a command that the call does not take."""
    content = call_of(draft.room)
    reason = content.data.end_reason
    details = {
        "call_id": draft.room.name,
        "status": content.status.value,
        "end_reason": reason.value if reason else None,
        "rev": content.data.rev,
    }
    message = _SAID[code].format(status=content.status.value)
    return ConflictError(message, code=code, details=details)


def fire(draft: Draft, event: CallEvent) -> None:
    """Let the call take *event*.

    Raises:
        ConflictError: If its table refuses.
    """
    content = call_of(draft.room)
    try:
        step = CALL.step(content.status, content.data, event)
    except RefusedError as error:
        raise conflict(draft, error.code) from error
    change(draft, status=step.state, data=step.data)
    if CloseRoom() in step.effects:
        end_life(draft, RoomEndReason.ENDED, draft.room.content)
    for effect in step.effects:
        match effect:
            case Tell():
                draft.effect(TellCall())
            case RegrantParty(party):
                draft.effect(SyncParticipant(content.identity_of(party)))
            case CloseRoom():
                pass  # it was closed before the others: an end takes all back


def miss(draft: Draft, party: Party, grace: float) -> None:
    """Begin to wait for a party that is not seen, for *grace* seconds.

    The callee is not waited for before the acceptance.  An absence that goes on
    keeps its beginning and its grace.
    """
    content = call_of(draft.room)
    if party is Party.CALLEE and content.status is not UTDCallStatus.ACTIVE:
        return
    if content.data.absent_since(party) is not None:
        return
    fire(draft, CallAbsent(party, draft.now))
    name = "caller_grace" if party is Party.CALLER else "callee_grace"
    change(draft, **{name: grace})
