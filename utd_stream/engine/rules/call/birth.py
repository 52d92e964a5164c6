"""How a call begins, or does not: who is busy, and who called whom first.

Pure.  A phone names the call that a person takes part in, and is free once that
call is over.

Source: contract.md section 5, Calls; lessons L44 to L47.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from types import MappingProxyType

import attrs

from utd_stream.engine.rules.app_metadata import metadata_text
from utd_stream.engine.rules.call.state import CallContent, call_of
from utd_stream.engine.rules.commands import CreateCall
from utd_stream.engine.rules.state import Member, Room, Rules
from utd_stream.errors import ConflictError, InvalidRequestError
from utd_stream.machines.call import CallData
from utd_stream.models.rooms import UTDRole

__all__ = ["Phone", "born", "check_callee", "check_free", "glares"]


@attrs.frozen(kw_only=True)
class Phone:
    """Which call a person takes part in, or took part in last.

    Attributes:
        app_id: Of which app.
        identity: Whose.
        version: Counts the writes of it.
        call_id: The call; one that is over leaves the person free.
    """

    app_id: str
    identity: str
    version: int = 0
    call_id: str = ""


def check_callee(caller: str, command: CreateCall) -> None:
    """Refuse what is wrong whoever is busy.

    Raises:
        InvalidRequestError: If the caller calls the caller, no call is asked for,
            or the metadata are too large.
    """
    request = command.request
    if request.callee_identity == caller:
        message = "nobody calls themselves: name the other party"
        raise InvalidRequestError.at(("$.callee_identity", message))
    if not request.type.is_call:
        message = "must be audio_call or video_call"
        raise InvalidRequestError.at(("$.type", message))
    metadata_text(request.metadata)


def glares(mine: Room | None, caller: str, callee: str) -> bool:
    """Whether *callee* is calling *caller* by the call *mine*, and has no answer yet.

    Then the second call is the answer to the first.
    """
    if mine is None:
        return False
    call = call_of(mine)
    return call.status.is_unanswered and (call.caller, call.callee) == (callee, caller)


def check_free(mine: Room | None, his: Room | None) -> None:
    """Refuse a call while one of the two has one.

    Args:
        mine: The live call of the caller, or None.
        his: The live call of the callee, or None.

    Raises:
        ConflictError: If there is one; the details tell one's own call only.
    """
    if mine is not None:
        message = "you are in a call already: end it first"
        details = {"call_id": mine.name, "status": call_of(mine).status.value}
        raise ConflictError(message, code="caller_busy", details=details)
    if his is not None:
        message = "they are in a call: try again later"
        raise ConflictError(message, code="callee_busy")


def born(
    key: tuple[str, str],
    caller: str,
    command: CreateCall,
    now: datetime,
    rules: Rules,
) -> tuple[Room, Member, Member]:
    """Return a call that begins, and the rows of its caller and callee.

    Args:
        key: App id and call id.
        caller: Who calls.
        command: What was asked.
        now: UTC.
        rules: The numbers in force.
    """
    request = command.request
    ring_until = now + timedelta(seconds=rules.ring_timeout)
    content = CallContent(
        data=CallData(ring_until=ring_until, caller_absent_since=now),
        caller=caller,
        callee=request.callee_identity,
        caller_name=request.caller_name,
        callee_name=request.callee_name,
        metadata=metadata_text(request.metadata),
        caller_device=command.device,
        caller_grace=rules.call_grace,
    )
    app_id, name = key
    room = Room(
        app_id=app_id,
        name=name,
        version=1,
        as_of=now,
        type=request.type,
        created_at=now,
        rev=1,
        metadata_rev=1,
        content=content,
    )
    return (
        room,
        _member(
            caller, request.caller_name, now, connection=int(now.timestamp() * 1_000)
        ),
        _member(request.callee_identity, request.callee_name, now),
    )


def _member(
    identity: str, name: str | None, now: datetime, *, connection: int = 0
) -> Member:
    return Member(
        identity=identity,
        name=name,
        role=UTDRole.AUDIENCE,
        attributes=MappingProxyType({}),
        connection=connection,
        idle_since=now,
    )
