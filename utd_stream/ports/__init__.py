"""Everything the core needs of the world, and what each part must promise.

A port is a contract: order, idempotence, cancellation, and which of our
errors it raises.  Adapters translate foreign exceptions at this border and
nowhere else; no foreign text that may hold a token gets past it.
"""

from __future__ import annotations

from utd_stream.ports._media import (
    AudioSource,
    Media,
    MediaRoom,
    RoomState,
    VideoSource,
)
from utd_stream.ports._sfu import (
    OtherNotice,
    ParticipantJoined,
    ParticipantLeft,
    RoomFinished,
    RoomStarted,
    Sfu,
    SfuNotice,
    SfuParticipant,
    SfuRoom,
)
from utd_stream.ports._world import (
    Clock,
    FactKind,
    FactLog,
    Http,
    HttpAnswer,
    Luck,
    Websocket,
    WebsocketEnd,
    Websockets,
)

__all__ = [
    "AudioSource",
    "Clock",
    "FactKind",
    "FactLog",
    "Http",
    "HttpAnswer",
    "Luck",
    "Media",
    "MediaRoom",
    "OtherNotice",
    "ParticipantJoined",
    "ParticipantLeft",
    "RoomFinished",
    "RoomStarted",
    "RoomState",
    "Sfu",
    "SfuNotice",
    "SfuParticipant",
    "SfuRoom",
    "VideoSource",
    "Websocket",
    "WebsocketEnd",
    "Websockets",
]
