"""Audio rooms, calls and live streams on LiveKit: reactive, headless, provable.

Names are imported when they are first used: ``import utd_stream`` alone loads
neither LiveKit nor an HTTP stack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from utd_stream import _lazy, _version

if TYPE_CHECKING:
    from utd_stream._embedded import EmbeddedWorld, embedded
    from utd_stream.client.api import UTDApi
    from utd_stream.client.audio_room import UTDAudioRoomSession
    from utd_stream.client.call import UTDCallSession
    from utd_stream.client.incoming import IncomingCall
    from utd_stream.client.session import UTDSession
    from utd_stream.client.timeouts import Timeouts
    from utd_stream.compose import UTDRoom, UTDStreamClient
    from utd_stream.contract.answers import UTDTokenResponse
    from utd_stream.errors import UTDErrorCode, UTDStreamException
    from utd_stream.machines.signal import SignalState
    from utd_stream.media import (
        DeviceSource,
        FileSource,
        FrameSource,
        Recorder,
        RecordingProgress,
        Silence,
        TestPattern,
        Tone,
    )
    from utd_stream.models import (
        AudioFrame,
        CallDirection,
        CallEndReason,
        ChatMessage,
        DisconnectReason,
        EndInfo,
        Invitation,
        LocalParticipant,
        Quality,
        RemoteParticipant,
        RingEndReason,
        RoomEvent,
        SeatMode,
        SeatOccupancy,
        SpeakerRequest,
        TrackSource,
        UTDCall,
        UTDCallStatus,
        UTDConnectionState,
        UTDRole,
        UTDSeat,
        UTDSeatGrid,
        UTDStreamType,
        VideoFrame,
        VideoQuality,
    )
    from utd_stream.reactive import ClockScheduler, Events, Latest, subscribe_async

__all__ = [
    "AudioFrame",
    "CallDirection",
    "CallEndReason",
    "ChatMessage",
    "ClockScheduler",
    "DeviceSource",
    "DisconnectReason",
    "EmbeddedWorld",
    "EndInfo",
    "Events",
    "FileSource",
    "FrameSource",
    "IncomingCall",
    "Invitation",
    "Latest",
    "LocalParticipant",
    "Quality",
    "Recorder",
    "RecordingProgress",
    "RemoteParticipant",
    "RingEndReason",
    "RoomEvent",
    "SeatMode",
    "SeatOccupancy",
    "SignalState",
    "Silence",
    "SpeakerRequest",
    "TestPattern",
    "Timeouts",
    "Tone",
    "TrackSource",
    "UTDApi",
    "UTDAudioRoomSession",
    "UTDCall",
    "UTDCallSession",
    "UTDCallStatus",
    "UTDConnectionState",
    "UTDErrorCode",
    "UTDRole",
    "UTDRoom",
    "UTDSeat",
    "UTDSeatGrid",
    "UTDSession",
    "UTDStreamClient",
    "UTDStreamException",
    "UTDStreamType",
    "UTDTokenResponse",
    "VideoFrame",
    "VideoQuality",
    "__version__",
    "embedded",
    "subscribe_async",
]

__version__: str

# Where each public name lives; the imports above tell the type checkers the same.
_HOMES = {
    "AudioFrame": "utd_stream.models",
    "CallDirection": "utd_stream.models",
    "ChatMessage": "utd_stream.models",
    "CallEndReason": "utd_stream.models",
    "ClockScheduler": "utd_stream.reactive",
    "DeviceSource": "utd_stream.media",
    "DisconnectReason": "utd_stream.models",
    "EmbeddedWorld": "utd_stream._embedded",
    "EndInfo": "utd_stream.models",
    "Events": "utd_stream.reactive",
    "FileSource": "utd_stream.media",
    "FrameSource": "utd_stream.media",
    "IncomingCall": "utd_stream.client.incoming",
    "Invitation": "utd_stream.models",
    "Latest": "utd_stream.reactive",
    "LocalParticipant": "utd_stream.models",
    "Quality": "utd_stream.models",
    "Recorder": "utd_stream.media",
    "RecordingProgress": "utd_stream.media",
    "RemoteParticipant": "utd_stream.models",
    "RingEndReason": "utd_stream.models",
    "RoomEvent": "utd_stream.models",
    "SeatMode": "utd_stream.models",
    "SeatOccupancy": "utd_stream.models",
    "SignalState": "utd_stream.machines.signal",
    "Silence": "utd_stream.media",
    "SpeakerRequest": "utd_stream.models",
    "TrackSource": "utd_stream.models",
    "TestPattern": "utd_stream.media",
    "Timeouts": "utd_stream.client.timeouts",
    "Tone": "utd_stream.media",
    "UTDApi": "utd_stream.client.api",
    "UTDAudioRoomSession": "utd_stream.client.audio_room",
    "UTDCall": "utd_stream.models",
    "UTDCallSession": "utd_stream.client.call",
    "UTDCallStatus": "utd_stream.models",
    "UTDConnectionState": "utd_stream.models",
    "UTDErrorCode": "utd_stream.errors",
    "UTDRole": "utd_stream.models",
    "UTDRoom": "utd_stream.compose",
    "UTDSeat": "utd_stream.models",
    "UTDSeatGrid": "utd_stream.models",
    "UTDSession": "utd_stream.client.session",
    "UTDStreamClient": "utd_stream.compose",
    "UTDStreamException": "utd_stream.errors",
    "UTDStreamType": "utd_stream.models",
    "UTDTokenResponse": "utd_stream.contract.answers",
    "VideoFrame": "utd_stream.models",
    "VideoQuality": "utd_stream.models",
    "embedded": "utd_stream._embedded",
    "subscribe_async": "utd_stream.reactive",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version.version()
    return _lazy.load(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
