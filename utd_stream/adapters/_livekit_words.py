"""LiveKit's words and ours, both ways.

Its client and its server API have protobuf modules of their own, with the
same numbers; a test holds them to that.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from livekit.protocol import models as proto

from utd_stream.models.participants import Permission, TrackKind, TrackSource
from utd_stream.models.rooms import DisconnectReason

__all__ = [
    "Redaction",
    "disconnect_reason",
    "permission",
    "proto_permission",
    "proto_source",
    "redacted",
    "track_kind",
    "track_source",
]

_SOURCES = {
    TrackSource.UNKNOWN: proto.TrackSource.UNKNOWN,
    TrackSource.CAMERA: proto.TrackSource.CAMERA,
    TrackSource.MICROPHONE: proto.TrackSource.MICROPHONE,
    TrackSource.SCREEN_SHARE: proto.TrackSource.SCREEN_SHARE,
    TrackSource.SCREEN_SHARE_AUDIO: proto.TrackSource.SCREEN_SHARE_AUDIO,
}
_OUR_SOURCES: dict[int, TrackSource] = {
    number: source for source, number in _SOURCES.items()
}
_KINDS = {1: TrackKind.AUDIO, 2: TrackKind.VIDEO}  # the client counts so
_REASONS = {
    number: DisconnectReason(name.lower())
    for name, number in proto.DisconnectReason.items()
    if name.lower() in {reason.value for reason in DisconnectReason}
}
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+(\.[\w-]*)?")


def track_source(number: int) -> TrackSource:
    """Return our word for LiveKit's number of a source."""
    return _OUR_SOURCES.get(number, TrackSource.UNKNOWN)


def proto_source(source: TrackSource) -> proto.TrackSource:
    """Return LiveKit's number of a source."""
    return _SOURCES[source]


def track_kind(number: int) -> TrackKind:
    """Return our word for the number of a kind in LiveKit's client."""
    return _KINDS.get(number, TrackKind.UNKNOWN)


def disconnect_reason(number: int) -> DisconnectReason:
    """Return our word for LiveKit's number of a reason."""
    return _REASONS.get(number, DisconnectReason.UNKNOWN_REASON)


def permission(record: Any) -> Permission:
    """Return our permission for LiveKit's, of either protobuf module."""
    return Permission(
        can_subscribe=record.can_subscribe,
        can_publish=record.can_publish,
        can_publish_sources=tuple(map(track_source, record.can_publish_sources)),
        can_publish_data=record.can_publish_data,
        can_update_metadata=record.can_update_metadata,
        hidden=record.hidden,
        can_subscribe_metrics=record.can_subscribe_metrics,
    )


def proto_permission(ours: Permission) -> proto.ParticipantPermission:
    """Return the server API's permission for ours, every field written."""
    return proto.ParticipantPermission(
        can_subscribe=ours.can_subscribe,
        can_publish=ours.can_publish,
        can_publish_sources=[proto_source(each) for each in ours.can_publish_sources],
        can_publish_data=ours.can_publish_data,
        can_update_metadata=ours.can_update_metadata,
        hidden=ours.hidden,
        can_subscribe_metrics=ours.can_subscribe_metrics,
    )


def redacted(text: str) -> str:
    """Return *text* without the tokens in it."""
    return _JWT.sub("<token>", text)


class Redaction(logging.Filter):
    """Takes tokens out of what LiveKit's client logs: it quotes refused ones."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without tokens."""
        told = record.getMessage()
        safe = redacted(told)
        if safe != told:
            record.msg, record.args = safe, ()
        return True
