"""The types of rooms that this engine serves."""

from __future__ import annotations

from utd_stream.engine.rules.audio_room.kind import AUDIO_ROOM
from utd_stream.engine.rules.call.kind import AUDIO_CALL, VIDEO_CALL
from utd_stream.engine.rules.kind import RoomKind, Shown
from utd_stream.engine.rules.state import Room
from utd_stream.models.rooms import UTDStreamType

__all__ = ["KINDS", "kind_of", "shown"]

KINDS: dict[UTDStreamType, RoomKind] = {
    UTDStreamType.AUDIO_ROOM: AUDIO_ROOM,
    UTDStreamType.AUDIO_CALL: AUDIO_CALL,
    UTDStreamType.VIDEO_CALL: VIDEO_CALL,
}


def kind_of(room: Room) -> RoomKind:
    """Return the type of *room*."""
    return KINDS[room.type]


def shown(room: Room) -> Shown:
    """Return what everybody may see of the content of *room*."""
    return kind_of(room).shown(room)
