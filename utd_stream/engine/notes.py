"""What the engine tells the fact log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs
import orjson

from utd_stream.engine.orders import Order, Outcome
from utd_stream.engine.rules import Member, Room, shown
from utd_stream.engine.store import OutboxRow, RoomKey
from utd_stream.errors import EngineError
from utd_stream.models.calls import UTDCall
from utd_stream.models.rooms import UTDRole
from utd_stream.models.seats import UTDSeatGrid
from utd_stream.ports import FactLog
from utd_stream.wire import error_to_json

__all__ = [
    "Answered",
    "CommittedMember",
    "CommittedRoom",
    "committed_room",
    "note_answer",
    "note_outbox",
]

_BAD = 400
_UNAVAILABLE = 503


@attrs.frozen(kw_only=True)
class Answered:
    """An order was answered.

    Attributes:
        to: The command or fact, as its class is called.
        request_id: Of the request; empty for a fact.
        status: HTTP status.
        code: Of the error; empty where it was served.
        message: Likewise.
    """

    to: str
    request_id: str
    status: int
    code: str = ""
    message: str = ""


@attrs.frozen(kw_only=True)
class CommittedMember:
    """A member of a room as they are on disk.

    Attributes:
        identity: Who.
        role: In this life of the room.
        admitted: Whether the SFU may have them.
        connected: Whether the SFU sees them.
    """

    identity: str
    role: UTDRole
    admitted: bool
    connected: bool


_NO_SEATS = UTDSeatGrid(seats=())


@attrs.frozen(kw_only=True)
class CommittedRoom:
    """A room as it is on disk, for those who look from outside.

    Attributes:
        room: Of which app, by which name.
        version: Of the room.
        life: Of the room.
        is_live: Whether that life goes on.
        grid: What everybody may see of an audio room; without seats for a call.
        call: What both parties are told of a call.
        members: Those who were added or changed with it; all of them where the room
            was asked for.
        by: The command or fact that led to it, as its class is called.
    """

    room: RoomKey
    version: int
    life: int
    is_live: bool
    grid: UTDSeatGrid = _NO_SEATS
    call: UTDCall | None = None
    members: tuple[CommittedMember, ...] = ()
    by: str = ""


def committed_room(
    key: RoomKey, room: Room, members: Iterable[Member], by: str = ""
) -> CommittedRoom:
    """Return what is told of *room* and some of its *members*."""
    seen = shown(room)
    return CommittedRoom(
        room=key,
        version=room.version,
        life=room.life,
        is_live=room.is_live,
        grid=seen if isinstance(seen, UTDSeatGrid) else _NO_SEATS,
        call=seen if isinstance(seen, UTDCall) else None,
        members=tuple(
            CommittedMember(
                identity=member.identity,
                role=member.role,
                admitted=member.admitted,
                connected=member.is_connected,
            )
            for member in members
        ),
        by=by,
    )


def note_answer(log: FactLog, order: Order, result: Outcome | EngineError) -> None:
    """Tell *log* what became of *order*; it is on disk."""
    answered = _answered(order, result)
    if isinstance(result, Outcome) and result.room is not None:
        room = committed_room(order.key, result.room, result.members, answered.to)
        log.note("engine", "revision", room)
    log.note("engine", "refusal" if answered.code else "fact", answered)


def _answered(order: Order, result: Outcome | EngineError) -> Answered:
    error: Mapping[str, str] = {}
    if isinstance(result, EngineError):
        status = result.status_code or _UNAVAILABLE
        error = error_to_json(result, order.request_id)
    elif (status := result.status) >= _BAD:
        error = orjson.loads(result.body)  # kept for an Idempotency-Key
    return Answered(
        to=type(order.command).__name__,
        request_id=order.request_id,
        status=status,
        code=error.get("code", ""),
        message=error.get("message", ""),
    )


def note_outbox(log: FactLog, rows: Sequence[OutboxRow]) -> None:
    """Tell *log* what the SFU will be told."""
    for row in rows:
        log.note("engine", "effect", row)
