"""What a batch reads and writes, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

import attrs

from utd_stream.engine._aggregates import AggregateKind, AggregateWrite
from utd_stream.engine._codec import decode_room, encode_room
from utd_stream.engine._schema import ROOMS
from utd_stream.engine.rules.members import MemberRow
from utd_stream.engine.rules.state import Room

__all__ = [
    "GRANT",
    "ROOM",
    "CallRow",
    "Changes",
    "EvictedAnswers",
    "OutboxRow",
    "RoomKey",
    "RoomWrite",
    "SignalRow",
    "StoredAnswer",
    "room_row",
]

GRANT = "grant"
RoomKey: TypeAlias = tuple[str, str]  # app id, room name


@attrs.frozen
class OutboxRow:
    """Something the SFU has not been told yet.

    Attributes:
        app_id: Whose room.
        room: Which.
        kind: ``room``, ``metadata``, ``participant`` or ``say``.
        slot: Tells rows of one kind apart: an identity, a message's number.
        seq: Rises with every row, over all starts; what is sent is deleted by it.
        payload: Of a message its text; `GRANT` where somebody has a right to send.
        version: Of the room that called for it: no older one is looked at.
    """

    app_id: str
    room: str
    kind: str
    slot: str
    seq: int
    payload: str = ""
    version: int = 0

    @property
    def is_grant(self) -> bool:
        """Whether it writes a right to send."""
        return self.payload == GRANT

    @property
    def key(self) -> RoomKey:
        """The room's."""
        return (self.app_id, self.room)


@attrs.frozen
class StoredAnswer:
    """What was answered to a request with an Idempotency-Key.

    Attributes:
        id: Of scope and key.
        fingerprint: Of the request.
        status: HTTP status.
        body: As it was sent, but for the grid and its revision.
        expires_at: In seconds since 1970 UTC.
        caller: Whose it is.
        number: Which of that caller's, from 1; 0 until it is written.
        life: Of the room whose grid belongs to it; 0 where none does.
    """

    id: str
    fingerprint: str
    status: int
    body: bytes
    expires_at: float
    caller: str = ""
    number: int = 0
    life: int = 0


@attrs.frozen
class EvictedAnswers:
    """Answers that are kept no more.

    Attributes:
        caller: Whose.
        number: Of the newest of them.
    """

    caller: str
    number: int


@attrs.frozen
class RoomWrite:
    """A room before and after a batch.

    Attributes:
        before: As it stands on disk, or None.
        after: As it shall stand there.
        due_at: When somebody must look at it, or None.
    """

    before: Room | None
    after: Room
    due_at: datetime | None

    @property
    def key(self) -> RoomKey:
        """The room's."""
        return (self.after.app_id, self.after.name)


@attrs.frozen
class CallRow:
    """A call in the list of calls.

    Attributes:
        app_id: Whose.
        call_id: Which.
        caller: Identity.
        callee: Identity.
        type: Its type.
        status: Where it stands.
        initiated_at: When it was created, in seconds since 1970 UTC.
        state: The row as both parties are told it, JSON.
    """

    app_id: str
    call_id: str
    caller: str
    callee: str
    type: str
    status: str
    initiated_at: float
    state: str


@attrs.frozen
class SignalRow:
    """What the devices of one person are told of a call.

    Attributes:
        app_id: Whose.
        identity: To whom.
        event: As what.
        call_id: Which call.
        device: The client that answered it, or empty.
        at: When, in seconds since 1970 UTC.
        state: The row of the call, JSON.
    """

    app_id: str
    identity: str
    event: str
    call_id: str
    device: str
    at: float
    state: str


@attrs.frozen
class Changes:
    """What one batch writes."""

    rooms: Sequence[RoomWrite] = ()
    others: Sequence[AggregateWrite[Any]] = ()
    members: Sequence[MemberRow] = ()
    outbox: Sequence[OutboxRow] = ()
    sent: Sequence[OutboxRow] = ()
    answers: Sequence[StoredAnswer] = ()
    evicted: Sequence[EvictedAnswers] = ()
    calls: Sequence[CallRow] = ()
    signals: Sequence[SignalRow] = ()


def room_row(room: Room, due_at: datetime | None = None) -> dict[str, Any]:
    """Return a room as a row of its table."""
    return {
        "app_id": room.app_id,
        "name": room.name,
        "version": room.version,
        "life": room.life,
        "has_past": False,
        "is_live": room.is_live,
        "due_at": due_at.timestamp() if due_at else None,
        "ended_at": room.ended_at.timestamp() if room.ended_at else None,
        "state": encode_room(room),
    }


# The kind that others are decided with; `RoomWrite` adds its deadline.
ROOM = AggregateKind(
    table=ROOMS,
    key=lambda room: (room.app_id, room.name),
    row=room_row,
    decode=decode_room,
)
