"""What LiveKit's room tells, in our words: one row for each of its events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
from livekit import rtc

from utd_stream.adapters._livekit_words import (
    disconnect_reason,
    permission,
    track_kind,
    track_source,
)
from utd_stream.models import room_events as ours
from utd_stream.models.participants import RemoteParticipant, TrackPublication
from utd_stream.models.room_events import RoomEvent

__all__ = [
    "EVENTS",
    "local_publication",
    "publication",
    "remote_participant",
    "room_event",
]

_Translate: TypeAlias = Callable[..., RoomEvent]

logger = logging.getLogger("utd_stream.adapters")


def room_event(name: str, arguments: tuple[Any, ...]) -> RoomEvent | None:
    """Return our event for LiveKit's, or None if what it is about is gone.

    Events race the removal of what they are about; LiveKit's client then
    hands over None in its place.  Events of a newer LiveKit, and known ones in
    a new shape, are `UnknownEvent`.
    """
    translate = EVENTS.get(name)
    if translate is None:
        return ours.UnknownEvent(name, arguments)
    try:
        return translate(*arguments)
    except (AttributeError, TypeError, ValueError) as error:
        if any(each is None for each in arguments):
            logger.debug("%s is about something that is gone", name)
            return None
        logger.warning("%s came in a new shape: %s", name, type(error).__name__)
        return ours.UnknownEvent(name, arguments)


def publication(native: Any) -> TrackPublication:
    """Return our publication for LiveKit's."""
    return TrackPublication(
        sid=native.sid,
        kind=track_kind(native.kind),
        source=track_source(native.source),
        muted=native.muted,
        name=native.name,
    )


def local_publication(native: Any) -> TrackPublication:
    """Return our publication for one of this client's.

    Its track is muted at once; LiveKit's publication only when the SFU knows.
    """
    muted = native.muted if native.track is None else native.track.muted
    return attrs.evolve(publication(native), muted=muted)


def remote_participant(native: Any) -> RemoteParticipant:
    """Return our participant for LiveKit's."""
    return RemoteParticipant(
        identity=native.identity,
        sid=native.sid,
        name=native.name,
        metadata=native.metadata,
        attributes=native.attributes,
        publications=tuple(map(publication, native.track_publications.values())),
    )


def _word(names: Any, number: int) -> str:
    """Return the lower-case name of a protobuf number, without its prefix."""
    try:
        return str(names.Name(number)).removeprefix("CONN_").lower()
    except ValueError:
        return "unknown"


def _plain(kind: Callable[[], RoomEvent]) -> _Translate:
    """Return what translates an event that says no more than its name."""
    return lambda *_: kind()


def _own(kind: Callable[[TrackPublication], RoomEvent]) -> _Translate:
    """Return what translates an event of a track of this client."""

    def translate(sent: Any, *_: Any) -> RoomEvent:
        return kind(publication(sent))

    return translate


def _theirs(kind: Callable[[str, TrackPublication], RoomEvent]) -> _Translate:
    """Return what translates (..., publication, participant)."""

    def translate(*arguments: Any) -> RoomEvent:
        *_, sent, who = arguments
        return kind(who.identity, publication(sent))

    return translate


def _mute(kind: Callable[[str, TrackPublication], RoomEvent]) -> _Translate:
    """Return what translates (participant, publication)."""

    def translate(who: Any, sent: Any) -> RoomEvent:
        return kind(who.identity, publication(sent))

    return translate


def _text(kind: Callable[[str, str], RoomEvent]) -> _Translate:
    """Return what translates (participant, old text, new text)."""

    def translate(who: Any, _: str, new: str) -> RoomEvent:
        return kind(who.identity, new)

    return translate


def _disconnected(reason: int) -> RoomEvent:
    return ours.Disconnected(disconnect_reason(reason))


def _connection_state(state: int) -> RoomEvent:
    return ours.ConnectionStateChanged(_word(rtc.ConnectionState, state))


def _room_metadata(_: str, new: str) -> RoomEvent:
    return ours.RoomMetadataChanged(new)


def _participant_connected(who: Any) -> RoomEvent:
    return ours.ParticipantConnected(remote_participant(who))


def _participant_disconnected(who: Any) -> RoomEvent:
    reason = disconnect_reason(who.disconnect_reason or 0)
    return ours.ParticipantDisconnected(remote_participant(who), reason)


def _participant_active(who: Any) -> RoomEvent:
    return ours.ParticipantActive(remote_participant(who))


def _attributes(changed: Mapping[str, str], who: Any) -> RoomEvent:
    return ours.ParticipantAttributesChanged(who.identity, changed)


def _permissions(who: Any, record: Any) -> RoomEvent:
    return ours.ParticipantPermissionsChanged(who.identity, permission(record))


def _encryption_status(who: Any, is_encrypted: bool) -> RoomEvent:  # noqa: FBT001 -- LiveKit's callback
    return ours.ParticipantEncryptionStatusChanged(who.identity, is_encrypted)


def _encryption_state(who: Any, state: int) -> RoomEvent:
    return ours.EncryptionStateChanged(who.identity, _word(rtc.EncryptionState, state))


def _quality(who: Any, quality: int) -> RoomEvent:
    word = rtc.ConnectionQuality(quality).name.removeprefix("QUALITY_").lower()
    return ours.ConnectionQualityChanged(who.identity, word)


def _speakers(speakers: Sequence[Any]) -> RoomEvent:
    return ours.ActiveSpeakersChanged(tuple(who.identity for who in speakers))


def _republished(sent: Any, previous_sid: str) -> RoomEvent:
    return ours.LocalTrackRepublished(publication(sent), previous_sid)


def _local_subscribed(track: Any) -> RoomEvent:
    return ours.LocalTrackSubscribed(track.sid)


def _subscription_failed(who: Any, sid: str, text: str) -> RoomEvent:
    return ours.TrackSubscriptionFailed(who.identity, sid, text)


def _identity(participant: Any) -> str | None:
    return None if participant is None else participant.identity


def _data(packet: rtc.DataPacket) -> RoomEvent:
    return ours.DataReceived(
        packet.data,
        identity=_identity(packet.participant),
        topic=packet.topic or "",
        reliable=packet.kind == rtc.DataPacketKind.KIND_RELIABLE,
    )


def _dtmf(key: rtc.SipDTMF) -> RoomEvent:
    return ours.SipDtmfReceived(_identity(key.participant), key.code, key.digit)


def _transcription(segments: Sequence[Any], who: Any, sent: Any) -> RoomEvent:
    return ours.TranscriptionReceived(
        _identity(who),
        None if sent is None else sent.sid,
        tuple(
            ours.TranscriptionSegment(
                id=each.id,
                text=each.text,
                final=each.final,
                start_time_ms=each.start_time,
                end_time_ms=each.end_time,
                language=each.language,
            )
            for each in segments
        ),
    )


def _data_track(track: Any) -> RoomEvent:
    info = track.info
    return ours.DataTrackPublished(track.publisher_identity, info.sid, info.name)


def _data_track_gone(sid: str) -> RoomEvent:
    return ours.DataTrackUnpublished(sid)


# fmt: off
EVENTS: Mapping[str, _Translate] = {
    "connected":                             _plain(ours.Connected),
    "reconnecting":                          _plain(ours.Reconnecting),
    "reconnected":                           _plain(ours.Reconnected),
    "disconnected":                          _disconnected,
    "connection_state_changed":              _connection_state,
    "token_refreshed":                       _plain(ours.TokenRefreshed),
    "moved":                                 _plain(ours.Moved),
    "room_updated":                          _plain(ours.RoomUpdated),
    "room_metadata_changed":                 _room_metadata,
    "participant_connected":                 _participant_connected,
    "participant_disconnected":              _participant_disconnected,
    "participant_active":                    _participant_active,
    "participant_metadata_changed":          _text(ours.ParticipantMetadataChanged),
    "participant_name_changed":              _text(ours.ParticipantNameChanged),
    "participant_attributes_changed":        _attributes,
    "participant_permissions_changed":       _permissions,
    "participant_encryption_status_changed": _encryption_status,
    "e2ee_state_changed":                    _encryption_state,
    "connection_quality_changed":            _quality,
    "active_speakers_changed":               _speakers,
    "local_track_published":                 _own(ours.LocalTrackPublished),
    "local_track_unpublished":               _own(ours.LocalTrackUnpublished),
    "local_track_republished":               _republished,
    "local_track_subscribed":                _local_subscribed,
    "track_published":                       _theirs(ours.TrackPublished),
    "track_unpublished":                     _theirs(ours.TrackUnpublished),
    "track_subscribed":                      _theirs(ours.TrackSubscribed),
    "track_unsubscribed":                    _theirs(ours.TrackUnsubscribed),
    "track_subscription_failed":             _subscription_failed,
    "track_muted":                           _mute(ours.TrackMuted),
    "track_unmuted":                         _mute(ours.TrackUnmuted),
    "data_received":                         _data,
    "sip_dtmf_received":                     _dtmf,
    "transcription_received":                _transcription,
    "data_track_published":                  _data_track,
    "data_track_unpublished":                _data_track_gone,
}
# fmt: on
