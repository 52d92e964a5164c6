"""What happens in a room, as the SFU tells it: one class for each event.

Source: the events of LiveKit's ``Room``; those of a newer one are `UnknownEvent`.
People are named by identity, tracks by their publication as it was then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs

from utd_stream.models._frozen_map import frozen_map
from utd_stream.models.participants import (
    Permission,
    RemoteParticipant,
    TrackPublication,
)
from utd_stream.models.rooms import DisconnectReason

__all__ = [
    "ActiveSpeakersChanged",
    "Connected",
    "ConnectionQualityChanged",
    "ConnectionStateChanged",
    "DataReceived",
    "DataTrackPublished",
    "DataTrackUnpublished",
    "Disconnected",
    "EncryptionStateChanged",
    "LocalTrackPublished",
    "LocalTrackRepublished",
    "LocalTrackSubscribed",
    "LocalTrackUnpublished",
    "Moved",
    "ParticipantActive",
    "ParticipantAttributesChanged",
    "ParticipantConnected",
    "ParticipantDisconnected",
    "ParticipantEncryptionStatusChanged",
    "ParticipantMetadataChanged",
    "ParticipantNameChanged",
    "ParticipantPermissionsChanged",
    "Reconnected",
    "Reconnecting",
    "RoomEvent",
    "RoomMetadataChanged",
    "RoomUpdated",
    "SipDtmfReceived",
    "TextReceived",
    "TokenRefreshed",
    "TrackMuted",
    "TrackPublished",
    "TrackSubscribed",
    "TrackSubscriptionFailed",
    "TrackUnmuted",
    "TrackUnpublished",
    "TrackUnsubscribed",
    "TranscriptionReceived",
    "TranscriptionSegment",
    "UnknownEvent",
]


@attrs.frozen
class Connected:
    """The client is in the room."""


@attrs.frozen
class Reconnecting:
    """The connection broke and is being repaired."""


@attrs.frozen
class Reconnected:
    """The connection is repaired; state may have changed meanwhile."""


@attrs.frozen
class Disconnected:
    """The connection ended for good."""

    reason: DisconnectReason


@attrs.frozen
class ConnectionStateChanged:
    """LiveKit's own connection state, by its wire name in lower case."""

    state: str


@attrs.frozen
class TokenRefreshed:
    """The SFU sent a newer token; it stays inside LiveKit's client."""


@attrs.frozen
class Moved:
    """The SFU moved the client to another room (LiveKit Cloud only)."""


@attrs.frozen
class RoomUpdated:
    """Counts or flags of the room changed."""


@attrs.frozen
class RoomMetadataChanged:
    """Somebody with the right wrote the room's metadata."""

    metadata: str


@attrs.frozen
class ParticipantConnected:
    """Somebody was announced; newcomers up to seconds after they joined."""

    participant: RemoteParticipant


@attrs.frozen
class ParticipantDisconnected:
    """Somebody announced is gone."""

    participant: RemoteParticipant
    reason: DisconnectReason


@attrs.frozen
class ParticipantActive:
    """Somebody is ready to receive data messages."""

    participant: RemoteParticipant


@attrs.frozen
class ParticipantMetadataChanged:
    """Somebody's metadata, the client's own included."""

    identity: str
    metadata: str


@attrs.frozen
class ParticipantNameChanged:
    """Somebody's display name."""

    identity: str
    name: str


@attrs.frozen
class ParticipantAttributesChanged:
    """Somebody's attributes; only those that changed, empty means deleted."""

    identity: str
    changed: Mapping[str, str] = attrs.field(converter=frozen_map, hash=False)


@attrs.frozen
class ParticipantPermissionsChanged:
    """Somebody's rights, the client's own included."""

    identity: str
    permission: Permission


@attrs.frozen
class ParticipantEncryptionStatusChanged:
    """Whether somebody encrypts end to end."""

    identity: str
    is_encrypted: bool


@attrs.frozen
class EncryptionStateChanged:
    """LiveKit's end-to-end encryption state of somebody, by its wire name."""

    identity: str
    state: str


@attrs.frozen
class ConnectionQualityChanged:
    """How well somebody is connected: poor, good, excellent, lost, unknown."""

    identity: str
    quality: str


@attrs.frozen
class ActiveSpeakersChanged:
    """Who began to be heard, never who is heard altogether.

    Empty when somebody is heard no more, which is not always told.
    """

    identities: tuple[str, ...]


@attrs.frozen
class LocalTrackPublished:
    """A track of this client was announced."""

    publication: TrackPublication


@attrs.frozen
class LocalTrackUnpublished:
    """A track of this client is gone."""

    publication: TrackPublication


@attrs.frozen
class LocalTrackRepublished:
    """A track of this client has a new sid after a full reconnect."""

    publication: TrackPublication
    previous_sid: str


@attrs.frozen
class LocalTrackSubscribed:
    """Somebody began to receive a track of this client."""

    track_sid: str


@attrs.frozen
class TrackPublished:
    """Somebody announced a track."""

    identity: str
    publication: TrackPublication


@attrs.frozen
class TrackUnpublished:
    """Somebody's track is gone."""

    identity: str
    publication: TrackPublication


@attrs.frozen
class TrackSubscribed:
    """Somebody's track is being received."""

    identity: str
    publication: TrackPublication


@attrs.frozen
class TrackUnsubscribed:
    """Somebody's track is received no more."""

    identity: str
    publication: TrackPublication


@attrs.frozen
class TrackSubscriptionFailed:
    """A track cannot be received."""

    identity: str
    track_sid: str
    message: str


@attrs.frozen
class TrackMuted:
    """A track sends nothing for now, the client's own included."""

    identity: str
    publication: TrackPublication


@attrs.frozen
class TrackUnmuted:
    """A track sends again, the client's own included."""

    identity: str
    publication: TrackPublication


@attrs.frozen
class DataReceived:
    """A data message.

    Attributes:
        data: What was sent.
        identity: Of the sender; None when the SFU names none: the engine, or as
            well a newcomer not announced yet, so never proof of anything.
        topic: Chosen by the sender; may be empty.
        reliable: Whether lost packets are sent again.
    """

    data: bytes
    identity: str | None = None
    topic: str = ""
    reliable: bool = True


@attrs.frozen
class TextReceived:
    """A text, such as one of a chat.

    Attributes:
        text: What was sent.
        identity: Of the sender, as the SFU vouches, announced or not.
        topic: Chosen by the sender.
        id: Unique in the room.
    """

    text: str
    identity: str
    topic: str
    id: str


@attrs.frozen
class SipDtmfReceived:
    """A key pressed on a telephone."""

    identity: str | None
    code: int
    digit: str


@attrs.frozen(kw_only=True)
class TranscriptionSegment:
    """A stretch of transcribed speech."""

    id: str
    text: str
    final: bool
    start_time_ms: int
    end_time_ms: int
    language: str


@attrs.frozen
class TranscriptionReceived:
    """Transcribed speech of somebody."""

    identity: str | None
    track_sid: str | None
    segments: tuple[TranscriptionSegment, ...]


@attrs.frozen
class DataTrackPublished:
    """Somebody announced a data track."""

    identity: str
    sid: str
    name: str


@attrs.frozen
class DataTrackUnpublished:
    """A data track is gone."""

    sid: str


@attrs.frozen
class UnknownEvent:
    """An event this version does not know; its arguments are LiveKit's own."""

    name: str
    arguments: tuple[Any, ...] = attrs.field(default=(), eq=False, repr=False)


RoomEvent: TypeAlias = (
    Connected
    | Reconnecting
    | Reconnected
    | Disconnected
    | ConnectionStateChanged
    | TokenRefreshed
    | Moved
    | RoomUpdated
    | RoomMetadataChanged
    | ParticipantConnected
    | ParticipantDisconnected
    | ParticipantActive
    | ParticipantMetadataChanged
    | ParticipantNameChanged
    | ParticipantAttributesChanged
    | ParticipantPermissionsChanged
    | ParticipantEncryptionStatusChanged
    | EncryptionStateChanged
    | ConnectionQualityChanged
    | ActiveSpeakersChanged
    | LocalTrackPublished
    | LocalTrackUnpublished
    | LocalTrackRepublished
    | LocalTrackSubscribed
    | TrackPublished
    | TrackUnpublished
    | TrackSubscribed
    | TrackUnsubscribed
    | TrackSubscriptionFailed
    | TrackMuted
    | TrackUnmuted
    | DataReceived
    | TextReceived
    | SipDtmfReceived
    | TranscriptionReceived
    | DataTrackPublished
    | DataTrackUnpublished
    | UnknownEvent
)
