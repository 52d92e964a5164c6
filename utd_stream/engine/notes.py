"""What the engine tells the fact log."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from utd_stream.engine.orders import Order, Outcome
from utd_stream.engine.rules.state import Room
from utd_stream.engine.store import OutboxRow, RoomKey
from utd_stream.models.seats import UTDSeatGrid
from utd_stream.ports import FactLog

__all__ = ["Answered", "CommittedRoom", "committed_room", "note_answer", "note_outbox"]

_BAD = range(400, 600)


@attrs.frozen(kw_only=True)
class Answered:
    """An order was answered.

    Attributes:
        status: HTTP status.
    """

    status: int


@attrs.frozen(kw_only=True)
class CommittedRoom:
    """A room as it is on disk, for those who look from outside.

    Attributes:
        room: Of which app, by which name.
        version: Of the room.
        life: Of the room.
        is_live: Whether that life goes on.
        grid: What everybody may see of it.
        members: Whom the SFU may have.
        by: The command or fact that led to it, as its class is called.
    """

    room: RoomKey
    version: int
    life: int
    is_live: bool
    grid: UTDSeatGrid
    members: tuple[str, ...]
    by: str = ""


def committed_room(key: RoomKey, room: Room, by: str = "") -> CommittedRoom:
    """Return what is told of *room*."""
    return CommittedRoom(
        room=key,
        version=room.version,
        life=room.life,
        is_live=room.is_live,
        grid=room.grid,
        members=tuple(name for name, member in room.members.items() if member.admitted),
        by=by,
    )


def note_answer(log: FactLog, order: Order, result: Outcome | Exception) -> None:
    """Tell *log* what became of *order*; it is on disk."""
    if isinstance(result, Exception):
        log.note("engine", "refusal", result)
        return
    if result.room is not None:
        by = type(order.command).__name__
        log.note("engine", "revision", committed_room(order.key, result.room, by))
    answered = Answered(status=result.status)
    log.note("engine", "refusal" if result.status in _BAD else "fact", answered)


def note_outbox(log: FactLog, rows: Sequence[OutboxRow]) -> None:
    """Tell *log* what the SFU will be told."""
    for row in rows:
        log.note("engine", "effect", row)
