"""What the room of a call holds: its two parties, its status, its times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import attrs

from utd_stream.engine.rules.state import Room
from utd_stream.machines.call import CallData, Party
from utd_stream.models.calls import UTDCall, UTDCallStatus
from utd_stream.models.json_text import read_json

__all__ = ["CallContent", "call_of", "row_of_call"]

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_UNBORN = CallData(ring_until=_NEVER)
_WEIGHT = 2_000


@attrs.frozen(kw_only=True)
class CallContent:
    """One call.

    Attributes:
        status: Where it stands.
        data: What its machine remembers.
        caller: Who called.
        callee: Who was called.
        caller_name: Shown to people.
        callee_name: Likewise.
        metadata: The app's own, a JSON object as text.
        caller_device: The client that called, by its `party_id`; empty if it named
            none.
        caller_grace: How long the absence of the caller may last, in seconds.
        callee_grace: Likewise of the callee.
    """

    status: UTDCallStatus = UTDCallStatus.INITIATING
    data: CallData = _UNBORN
    caller: str = ""
    callee: str = ""
    caller_name: str | None = None
    callee_name: str | None = None
    metadata: str = ""
    caller_device: str = ""
    caller_grace: float = 0.0
    callee_grace: float = 0.0

    @property
    def weight(self) -> int:
        """About how many bytes it takes in memory."""
        return _WEIGHT + len(self.metadata)

    def party_of(self, identity: str | None) -> Party | None:
        """Return which party *identity* is, or None."""
        if not identity:
            return None
        return {self.caller: Party.CALLER, self.callee: Party.CALLEE}.get(identity)

    def identity_of(self, party: Party) -> str:
        """Return who *party* is."""
        return self.caller if party is Party.CALLER else self.callee

    def grace_of(self, party: Party) -> float:
        """Return how long the absence of *party* may last, in seconds."""
        return self.caller_grace if party is Party.CALLER else self.callee_grace

    def device_of(self, party: Party) -> str:
        """Return the client that *party* takes part with, by its `party_id`."""
        if party is Party.CALLER:
            return self.caller_device
        return self.data.answered_by or ""

    def may_enter(self, party: Party) -> bool:
        """Whether *party* may be in the media room now: the callee who answered."""
        is_answered = self.status is UTDCallStatus.ACTIVE
        return self.status.is_live and (is_answered or party is Party.CALLER)


def call_of(room: Room) -> CallContent:
    """Return the content of the room of a call."""
    content = room.content
    assert isinstance(content, CallContent)  # noqa: S101 -- the type's own
    return content


def row_of_call(room: Room) -> UTDCall:
    """Return the call as both parties are told it."""
    content = call_of(room)
    data = content.data
    by = data.ended_by
    return UTDCall(
        call_id=room.name,
        type=room.type,
        status=content.status,
        caller_identity=content.caller,
        caller_name=content.caller_name,
        callee_identity=content.callee,
        callee_name=content.callee_name,
        room_name=room.name,
        metadata=_object(content.metadata),
        rev=data.rev,
        ring_until=data.ring_until,
        initiated_at=room.created_at,
        ringing_at=data.ringing_at,
        answered_at=data.answered_at,
        ended_at=data.ended_at,
        end_reason=data.end_reason,
        ended_by=None if by is None else content.identity_of(by),
        duration_seconds=_seconds(data.answered_at, data.ended_at),
        ring_duration_seconds=_seconds(
            data.ringing_at, data.answered_at or data.ended_at
        ),
    )


def _seconds(begin: datetime | None, end: datetime | None) -> int | None:
    if begin is None or end is None:
        return None
    return int((end - begin).total_seconds())


def _object(text: str) -> dict[str, Any]:
    return cast("dict[str, Any]", read_json(text)) if text else {}
