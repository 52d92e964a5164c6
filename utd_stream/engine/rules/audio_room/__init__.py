"""The type audio_room: what such a room holds, and what its commands do."""

from __future__ import annotations

from utd_stream.engine.rules.audio_room.state import (
    AudioRoom,
    Invite,
    Request,
    Seat,
    audio_room,
    empty_seats,
    grid_of,
    seat_index_of,
)

__all__ = [
    "AudioRoom",
    "Invite",
    "Request",
    "Seat",
    "audio_room",
    "empty_seats",
    "grid_of",
    "seat_index_of",
]
