"""Frozen values: what rooms, participants, seats and tracks are."""

from __future__ import annotations

from utd_stream.models.calls import (
    CallDirection,
    CallEndReason,
    EndInfo,
    HangUpReason,
    RingEndReason,
    UTDCall,
    UTDCallStatus,
)
from utd_stream.models.chat import ChatMessage
from utd_stream.models.media import AudioFrame, VideoFrame, VideoQuality
from utd_stream.models.participants import (
    LocalParticipant,
    Permission,
    Quality,
    RemoteParticipant,
    TrackKind,
    TrackPublication,
    TrackSource,
)
from utd_stream.models.room_events import RoomEvent
from utd_stream.models.rooms import (
    DisconnectReason,
    SeatMode,
    SeatOccupancy,
    UTDConnectionState,
    UTDRole,
    UTDStreamType,
)
from utd_stream.models.seats import (
    DEFAULT_SEAT_COUNT,
    MAX_SEAT_COUNT,
    Invitation,
    SpeakerRequest,
    UTDSeat,
    UTDSeatGrid,
)

__all__ = [
    "DEFAULT_SEAT_COUNT",
    "MAX_SEAT_COUNT",
    "AudioFrame",
    "CallDirection",
    "CallEndReason",
    "ChatMessage",
    "DisconnectReason",
    "EndInfo",
    "HangUpReason",
    "Invitation",
    "LocalParticipant",
    "Permission",
    "Quality",
    "RemoteParticipant",
    "RingEndReason",
    "RoomEvent",
    "SeatMode",
    "SeatOccupancy",
    "SpeakerRequest",
    "TrackKind",
    "TrackPublication",
    "TrackSource",
    "UTDCall",
    "UTDCallStatus",
    "UTDConnectionState",
    "UTDRole",
    "UTDSeat",
    "UTDSeatGrid",
    "UTDStreamType",
    "VideoFrame",
    "VideoQuality",
]
