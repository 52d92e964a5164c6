"""Who is in a room, with which rights, sending which tracks."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import attrs

from utd_stream.models._frozen_map import frozen_map

__all__ = [
    "LocalParticipant",
    "Permission",
    "Quality",
    "RemoteParticipant",
    "TrackKind",
    "TrackPublication",
    "TrackSource",
]


class TrackKind(Enum):
    """What a track carries."""

    AUDIO = "audio"
    VIDEO = "video"
    UNKNOWN = "unknown"  # a newer SFU's word


class TrackSource(Enum):
    """Where a track comes from."""

    CAMERA = "camera"
    MICROPHONE = "microphone"
    SCREEN_SHARE = "screen_share"
    SCREEN_SHARE_AUDIO = "screen_share_audio"
    UNKNOWN = "unknown"


class Quality(Enum):
    """How well somebody is connected, as the SFU judges every few seconds."""

    EXCELLENT = "excellent"
    GOOD = "good"
    POOR = "poor"
    LOST = "lost"  # nothing is heard of them; they may be back
    UNKNOWN = "unknown"  # not judged yet, or they neither send nor are received


@attrs.frozen(kw_only=True)
class Permission:
    """What the SFU lets one participant do; always the whole record.

    Attributes:
        can_subscribe: May receive tracks.
        can_publish: May publish tracks at all.
        can_publish_sources: The only sources that may be published; empty
            means every source, so an engine never sends an empty one.
        can_publish_data: May send data messages.
        can_update_metadata: May change its own metadata and attributes.
        hidden: Not announced to the others.
        can_subscribe_metrics: May receive metrics.

    Source:
        ParticipantPermission, livekit_models.proto.
    """

    can_subscribe: bool = True
    can_publish: bool = False
    can_publish_sources: tuple[TrackSource, ...] = ()
    can_publish_data: bool = True
    can_update_metadata: bool = False
    hidden: bool = False
    can_subscribe_metrics: bool = False

    def may_publish(self, source: TrackSource) -> bool:
        """Whether a track of *source* may be published."""
        allowed = self.can_publish_sources
        return self.can_publish and (not allowed or source in allowed)


@attrs.frozen(kw_only=True)
class TrackPublication:
    """A track as it was announced to the room.

    Attributes:
        sid: Chosen by the SFU; a new one after a full reconnect.
        kind: Audio or video.
        source: What it comes from.
        muted: Kept, but sending nothing.
        name: Chosen by the publisher.
    """

    sid: str
    kind: TrackKind
    source: TrackSource
    muted: bool = False
    name: str = ""


@attrs.frozen(kw_only=True)
class RemoteParticipant:
    """Somebody else in the room, as the SFU announces them.

    Attributes:
        identity: Unique in the room; chosen by the application.
        sid: Unique per connection; chosen by the SFU (``PA_...``).
        name: Shown to people; may be empty.
        metadata: JSON text, signed by the engine.
        attributes: Small strings beside the metadata.
        publications: Tracks announced, in order of announcement.
    """

    identity: str
    sid: str = ""
    name: str = ""
    metadata: str = ""
    attributes: Mapping[str, str] = attrs.field(
        factory=lambda: frozen_map({}), converter=frozen_map, hash=False
    )
    publications: tuple[TrackPublication, ...] = ()


@attrs.frozen(kw_only=True)
class LocalParticipant:
    """This client in the room, as the SFU knows it.

    Attributes:
        identity: Unique in the room; chosen by the application.
        sid: Unique per connection; chosen by the SFU (``PA_...``).
        name: Shown to people; may be empty.
        metadata: JSON text, signed by the engine.
        permission: What the SFU lets this client do now.
        publications: Tracks this client announced.
    """

    identity: str
    sid: str = ""
    name: str = ""
    metadata: str = ""
    permission: Permission = Permission()
    publications: tuple[TrackPublication, ...] = ()
