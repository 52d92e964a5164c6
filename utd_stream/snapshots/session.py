"""What one session knows at once: a frozen value and how facts change it.

Every fold is total: any event on any snapshot gives a snapshot, the same
object when nothing is seen to change.  Revisions decide between two grids,
never the order of arrival (L2, T14).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import attrs

from utd_stream.models import room_events as e
from utd_stream.models._frozen_map import frozen_map
from utd_stream.models.json_text import read_json
from utd_stream.models.participants import (
    LocalParticipant,
    Permission,
    Quality,
    RemoteParticipant,
    TrackPublication,
    TrackSource,
)
from utd_stream.models.rooms import UTDConnectionState, UTDRole
from utd_stream.ports import RoomState

__all__ = [
    "GONE",
    "SessionSnapshot",
    "changed",
    "fold_event",
    "fold_own_mute",
    "fold_replacement",
    "fold_room_facts",
    "fold_room_state",
    "grant_of",
    "is_connected",
    "json_object",
    "microphone_is_muted",
    "muted_sources",
    "publishable_sources",
    "quality_of_mine",
    "role_of",
]

# What a hard mute of a kind takes.
_OF_KIND: Mapping[str, tuple[TrackSource, ...]] = {
    "audio": (TrackSource.MICROPHONE, TrackSource.SCREEN_SHARE_AUDIO),
    "video": (TrackSource.CAMERA, TrackSource.SCREEN_SHARE),
}
# There is no connection, and none is being made.
GONE = frozenset({UTDConnectionState.DISCONNECTED, UTDConnectionState.FORCE_EXIT})


@attrs.frozen(kw_only=True)
class SessionSnapshot:
    """What every session knows.

    Attributes:
        version: Rises with every change of the snapshot.
        connection_state: Where the connection stands.
        reason: Why it ended last, a `DisconnectReason` value, or empty.
        local: This client, as the SFU knows it.
        remotes: The others, as far as the SFU announced them.
        role: Granted by the engine for this life of the room.
        owner_identity: The room's owner, or None so far.
        muted_for_all: Which of ``audio`` and ``video`` are taken from everybody below
            admin who has no setting of their own.
        chat_locked: Only moderators may chat.
        qualities: How well those are connected of whom the SFU tells it: this client,
            and those whose tracks it receives.
    """

    version: int = 0
    connection_state: UTDConnectionState = UTDConnectionState.DISCONNECTED
    reason: str = ""
    local: LocalParticipant
    remotes: tuple[RemoteParticipant, ...] = ()
    role: UTDRole = UTDRole.AUDIENCE
    owner_identity: str | None = None
    muted_for_all: tuple[str, ...] = ()
    chat_locked: bool = False
    qualities: Mapping[str, Quality] = attrs.field(
        factory=lambda: frozen_map({}), converter=frozen_map, hash=False
    )

    @property
    def standing(self) -> str:
        """Where it stands, in a word or two."""
        return self.connection_state.value


_S = TypeVar("_S", bound=SessionSnapshot)


def is_connected(snapshot: SessionSnapshot) -> bool:
    """Whether media can flow."""
    return snapshot.connection_state is UTDConnectionState.CONNECTED


def publishable_sources(snapshot: SessionSnapshot) -> frozenset[TrackSource]:
    """Return the sources that the SFU lets this client send from."""
    may_publish = snapshot.local.permission.may_publish
    return frozenset(
        source for kind in _OF_KIND.values() for source in kind if may_publish(source)
    )


def quality_of_mine(snapshot: SessionSnapshot) -> Quality:
    """Return how well this client is connected."""
    return snapshot.qualities.get(snapshot.local.identity, Quality.UNKNOWN)


def microphone_is_muted(snapshot: SessionSnapshot) -> bool:
    """Whether nobody can hear this client: no microphone is up, or it is muted."""
    for publication in snapshot.local.publications:
        if publication.source is TrackSource.MICROPHONE:
            return publication.muted
    return True


def json_object(text: str) -> dict[str, Any]:
    """Return the JSON object *text* holds, or an empty one."""
    try:
        value = read_json(text)
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def role_of(metadata: str) -> UTDRole | None:
    """Return the role a participant's metadata tells, or None."""
    told = json_object(metadata).get("role")
    for role in UTDRole:
        if role.value == told:
            return role
    return None


def grant_of(metadata: str) -> int:
    """Return the number of the right that a participant's metadata tells, or 0."""
    told = json_object(metadata).get("grant")
    # To Python, true is a number.
    return told if isinstance(told, int) and told is not True else 0


def muted_sources(snapshot: SessionSnapshot) -> frozenset[TrackSource]:
    """Return the sources that a mute of me, or of the room, withdraws."""
    own = _flags(json_object(snapshot.local.metadata).get("muted"))
    everybody = () if snapshot.role.moderates else snapshot.muted_for_all
    return frozenset(
        source
        for kind, sources in _OF_KIND.items()
        if own.get(kind, kind in everybody)
        for source in sources
    )


def fold_room_facts(snapshot: _S, metadata: str) -> _S:
    """Return the snapshot after the room's metadata told of mutes and of its chat.

    Without the engine's facts nothing changes: a restarted SFU tells an empty
    metadata before the engine has written it anew (T39).
    """
    told = json_object(metadata)
    facts: object = told.get("_room")
    if not isinstance(facts, dict):
        return snapshot
    said = _flags(cast("dict[str, object]", facts).get("muted"))
    lock: object = told.get("_chat_locked")
    return changed(
        snapshot,
        muted_for_all=tuple(kind for kind, muted in said.items() if muted),
        chat_locked=isinstance(lock, int) and bool(lock),
    )


def _quality(word: str) -> Quality:
    for quality in Quality:
        if quality.value == word:
            return quality
    return Quality.UNKNOWN


def _flags(told: object) -> dict[str, bool]:
    """Return what is said of each kind; what cannot be read says nothing."""
    if not isinstance(told, dict):
        return {}
    said = cast("dict[str, object]", told)
    # Both spellings of a flag; to Python true is a number.
    return {k: bool(said[k]) for k in _OF_KIND if isinstance(said.get(k), int)}


def fold_room_state(snapshot: _S, state: RoomState) -> _S:
    """Return the snapshot after all was read anew; what was missed is mended."""
    role = role_of(state.local.metadata) or snapshot.role
    return changed(snapshot, local=state.local, remotes=state.remotes, role=role)


def fold_replacement(snapshot: _S) -> _S:
    """Return the snapshot after a connection ended, or another took its place.

    Nothing of the old one holds: no right, no track, nobody announced.
    """
    blank = LocalParticipant(identity=snapshot.local.identity)
    return changed(snapshot, local=blank, remotes=(), qualities={})


def fold_event(snapshot: _S, event: e.RoomEvent) -> _S:  # noqa: C901, PLR0911, PLR0912 -- a line each
    """Return the snapshot after *event* of the SFU."""
    match event:
        case e.ParticipantConnected(someone) | e.ParticipantActive(someone):
            return _with(snapshot, someone)
        case e.ParticipantDisconnected(someone):
            gone = someone.identity
            kept = tuple(r for r in snapshot.remotes if r.identity != gone)
            left = {who: q for who, q in snapshot.qualities.items() if who != gone}
            return changed(snapshot, remotes=kept, qualities=left)
        case e.ParticipantPermissionsChanged(identity, permission):
            return _with_permission(snapshot, identity, permission)
        case e.ParticipantMetadataChanged(identity, metadata):
            snapshot = _edit(snapshot, identity, metadata=metadata)
            told = role_of(metadata) if identity == snapshot.local.identity else None
            return changed(snapshot, role=told or snapshot.role)
        case e.ConnectionQualityChanged(identity, word):
            known = {**snapshot.qualities, identity: _quality(word)}
            return changed(snapshot, qualities=known)
        case e.ParticipantNameChanged(identity, name):
            return _edit(snapshot, identity, name=name)
        case e.ParticipantAttributesChanged(identity, edits):
            return _with_attributes(snapshot, identity, dict(edits))
        case e.TrackPublished(identity, publication):
            return _with_track(snapshot, identity, publication)
        case e.TrackMuted(identity, publication) | e.TrackUnmuted(
            identity, publication
        ):
            return _with_mute(snapshot, identity, publication)
        case e.TrackUnpublished(identity, publication):
            return _without_track(snapshot, identity, publication)
        case e.LocalTrackPublished(publication):
            return _with_track(snapshot, snapshot.local.identity, publication)
        case e.LocalTrackRepublished(publication, previous_sid):
            me = snapshot.local.identity
            return _with_track(snapshot, me, publication, previous_sid)
        case e.LocalTrackUnpublished(publication):
            return _without_track(snapshot, snapshot.local.identity, publication)
        case _:
            return snapshot


def fold_own_mute(snapshot: _S, publication: TrackPublication) -> _S:
    """Return the snapshot after this client muted or unmuted what it publishes."""
    return _with_mute(snapshot, snapshot.local.identity, publication)


def changed(snapshot: _S, **fields: Any) -> _S:
    """Return the snapshot with other fields, the same one if they are equal."""
    if all(getattr(snapshot, name) == value for name, value in fields.items()):
        return snapshot
    return attrs.evolve(snapshot, version=snapshot.version + 1, **fields)


def _with(snapshot: _S, someone: RemoteParticipant) -> _S:
    who, remotes = someone.identity, snapshot.remotes
    if who == snapshot.local.identity:
        return snapshot  # another connection of mine, which replaces this one
    if any(r.identity == who for r in remotes):
        remotes = tuple(someone if r.identity == who else r for r in remotes)
    else:
        remotes = (*remotes, someone)
    return changed(snapshot, remotes=remotes)


def _edit(snapshot: _S, identity: str, **fields: Any) -> _S:
    if identity == snapshot.local.identity:
        return changed(snapshot, local=attrs.evolve(snapshot.local, **fields))
    remotes = tuple(
        attrs.evolve(r, **fields) if r.identity == identity else r
        for r in snapshot.remotes
    )
    return changed(snapshot, remotes=remotes)


def _with_permission(snapshot: _S, identity: str, permission: Permission) -> _S:
    if identity != snapshot.local.identity:
        return snapshot
    # The SFU takes a track away with its right, and tells its owner later (T24).
    kept = tuple(
        p for p in snapshot.local.publications if permission.may_publish(p.source)
    )
    return _edit(snapshot, identity, permission=permission, publications=kept)


def _with_attributes(snapshot: _S, identity: str, edits: dict[str, str]) -> _S:
    for remote in snapshot.remotes:
        if remote.identity == identity:
            merged = {**remote.attributes, **edits}
            left = {key: value for key, value in merged.items() if value}
            return _edit(snapshot, identity, attributes=left)
    return snapshot


def _publications(
    snapshot: SessionSnapshot, identity: str
) -> tuple[TrackPublication, ...]:
    if identity == snapshot.local.identity:
        return snapshot.local.publications
    for remote in snapshot.remotes:
        if remote.identity == identity:
            return remote.publications
    return ()


def _with_track(
    snapshot: _S, identity: str, track: TrackPublication, previous_sid: str = ""
) -> _S:
    # By source, not by sid: a full reconnect gives new sids (T29).  Two of no
    # known source may be two, though.
    source = None if track.source is TrackSource.UNKNOWN else track.source
    kept = tuple(
        p
        for p in _publications(snapshot, identity)
        if p.sid == track.sid or (p.sid != previous_sid and p.source is not source)
    )
    if all(p.sid != track.sid for p in kept):
        kept = (*kept, track)
    return _edit(snapshot, identity, publications=_put(kept, track))


def _with_mute(snapshot: _S, identity: str, track: TrackPublication) -> _S:
    # Of a track that is gone it comes late; it announces none.
    known = _put(_publications(snapshot, identity), track)
    return _edit(snapshot, identity, publications=known)


def _put(
    known: tuple[TrackPublication, ...], track: TrackPublication
) -> tuple[TrackPublication, ...]:
    return tuple(track if p.sid == track.sid else p for p in known)


def _without_track(snapshot: _S, identity: str, track: TrackPublication) -> _S:
    kept = tuple(p for p in _publications(snapshot, identity) if p.sid != track.sid)
    return _edit(snapshot, identity, publications=kept)
