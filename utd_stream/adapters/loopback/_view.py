"""What one client of the loopback plane knows of its room, as LiveKit's would."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from utd_stream.adapters.loopback._line import Line
from utd_stream.adapters.loopback._people import Info, Member, Update
from utd_stream.adapters.loopback._sound import AnyFeed, Sound
from utd_stream.adapters.loopback._tokens import Entry, refuse
from utd_stream.models import room_events as events
from utd_stream.models.participants import (
    RemoteParticipant,
    TrackKind,
    TrackPublication,
    TrackSource,
)
from utd_stream.models.room_events import RoomEvent
from utd_stream.models.rooms import DisconnectReason

__all__ = ["Snapshot", "View"]


@attrs.frozen
class Snapshot:
    """What the SFU answers to a join."""

    me: Info
    others: tuple[Info, ...]
    metadata: str

    @classmethod
    def of(cls, member: Member) -> Snapshot:
        """Return what *member* is told as it comes in."""
        room = member.room
        return cls(member.info(), room.seen_by(member), room.metadata)


class View:
    """The room as it was told, change by change, and who is told of each.

    Attributes:
        line: From the SFU.
        auto_subscribe: Whether every track is wanted.
        is_read: Whether somebody reads a source of somebody.
        me: This client; None before it came in.
        others: Those announced, in order of announcement.
        metadata: Of the room.
        entry: Of the newest token.
    """

    __slots__ = (
        "_heard",
        "_left",
        "_tell",
        "auto_subscribe",
        "entry",
        "is_read",
        "line",
        "me",
        "metadata",
        "others",
    )

    def __init__(
        self,
        tell: Callable[[RoomEvent], None],
        left: Callable[[DisconnectReason], None],
    ) -> None:
        self._tell = tell
        self._left = left
        self._heard: dict[str, Sound] = {}
        self.line: Line = Line()
        self.auto_subscribe: bool = True
        self.is_read: Callable[[str, TrackSource], bool] | None = None
        self.me: Info | None = None
        self.others: dict[str, Info] = {}
        self.metadata: str = ""
        self.entry: Entry | None = None

    def newest_entry(self) -> Entry:
        """Return what the newest token says.

        Raises:
            ConnectError: If there never was one.
        """
        if self.entry is None:
            refuse("401")
        return self.entry

    def enter(self, snapshot: Snapshot) -> None:
        """Know the room at once, without an event."""
        self.me = snapshot.me
        self.metadata = snapshot.metadata
        self.others = {each.participant.identity: each for each in snapshot.others}

    def reenter(self, snapshot: Snapshot) -> None:
        """Know the room anew; what is other than it was is told."""
        self._meet(snapshot.me)
        self.told_people(tuple(map(Update, snapshot.others)))
        self.told_metadata(snapshot.metadata)

    def forget(self) -> None:
        """Lose sight of everybody, as before a full reconnect."""
        for info in tuple(self.others.values()):
            self._lose(info, DisconnectReason.UNKNOWN_REASON)

    def wants(self, identity: str, sent: TrackPublication) -> bool:
        """Whether a track is to be received: with adaptive stream, one that is read."""
        if self.is_read is None or sent.kind is not TrackKind.VIDEO:
            return self.auto_subscribe
        return self.auto_subscribe and self.is_read(identity, sent.source)

    def choose(self, identity: str) -> None:
        """Receive no more what is wanted of somebody no more."""
        info = self.others.get(identity)
        for sent in () if info is None else info.participant.publications:
            if sent.sid in self._heard and not self.wants(identity, sent):
                del self._heard[sent.sid]
                self._tell(events.TrackUnsubscribed(identity, sent))

    def sound_of(self, identity: str, source: TrackSource) -> Sound | None:
        """Return what is received of the first track of that source."""
        info = self.others.get(identity)
        for sent in () if info is None else info.participant.publications:
            sound = self._heard.get(sent.sid)
            if sound is not None and sent.source is source:
                return sound
        return None

    # What the SFU tells.

    def told_people(self, updates: tuple[Update, ...]) -> None:
        """Take news of people."""
        for update in updates:
            info = update.info
            identity = info.participant.identity
            known = self.others.get(identity)
            if self.me is not None and identity == self.me.participant.identity:
                if not update.is_gone:
                    self._meet(info)
            elif update.is_gone:
                if known is not None and known.number == info.number:
                    self._lose(known, update.reason)
            elif known is None or known.number != info.number:
                if known is not None:
                    self._lose(known, DisconnectReason.UNKNOWN_REASON)
                self._find(info)
            else:
                self._change(known, info)

    def told_everybody(self, updates: tuple[Update, ...]) -> None:
        """Take everybody who is there, and lose the others."""
        present = {update.info.participant.identity for update in updates}
        for identity, info in tuple(self.others.items()):
            if identity not in present:
                self._lose(info, DisconnectReason.UNKNOWN_REASON)
        self.told_people(updates)

    def told_metadata(self, metadata: str) -> None:
        """Take the room's metadata."""
        if metadata != self.metadata:
            self.metadata = metadata
            self._tell(events.RoomMetadataChanged(metadata))
            self._tell(events.RoomUpdated())

    def told_data(
        self,
        data: bytes,
        identity: str | None,
        *,
        topic: str,
        reliable: bool,
    ) -> None:
        """Take a data message; one of somebody unknown names nobody (T43)."""
        known = identity if identity in self.others else None
        self._tell(events.DataReceived(data, known, topic, reliable))

    def told_text(self, text: str, identity: str, *, topic: str, text_id: str) -> None:
        """Take a text; its sender is named, announced or not (T45)."""
        self._tell(events.TextReceived(text, identity, topic, text_id))

    def told_subscribed(self, identity: str, sid: str, feed: AnyFeed) -> None:
        """Take the sound of a track."""
        info = self.others.get(identity)
        for sent in () if info is None else info.participant.publications:
            if sent.sid == sid and self.wants(identity, sent):
                before = self._heard.get(sid)
                if before is not None and not before.is_lost:
                    return
                if before is not None:  # only now its end is told
                    self._tell(events.TrackUnsubscribed(identity, sent))
                self._heard[sid] = Sound(feed)
                self._tell(events.TrackSubscribed(identity, sent))

    def told_deaf(self) -> None:
        """Lose the sound of every track; LiveKit's client does not say so."""
        for sound in self._heard.values():
            sound.is_lost = True

    def told_heard(self, sid: str) -> None:
        """Learn that a track of one's own is being heard."""
        self._tell(events.LocalTrackSubscribed(sid))

    def told_speakers(self, identities: tuple[str, ...]) -> None:
        """Learn who begins to speak; nobody, if somebody ended."""
        me = self.me.participant.identity if self.me else None
        known = tuple(each for each in identities if each == me or each in self.others)
        if known or not identities:
            self._tell(events.ActiveSpeakersChanged(known))

    def told_quality(self, identity: str, quality: str) -> None:
        """Learn how well somebody is connected."""
        self._tell(events.ConnectionQualityChanged(identity, quality))

    def told_token(self, entry: Entry) -> None:
        """Take a newer token."""
        self.entry = entry
        self._tell(events.TokenRefreshed())

    def told_left(self, reason: DisconnectReason) -> None:
        """Learn that the SFU ended the connection."""
        self._left(reason)

    # What becomes of it.

    def _meet(self, info: Info) -> None:
        before, self.me = self.me, info
        now = info.participant
        if before is None:
            return
        if before.participant.metadata != now.metadata:
            self._tell(events.ParticipantMetadataChanged(now.identity, now.metadata))
        if before.permission != info.permission:
            self._tell(
                events.ParticipantPermissionsChanged(now.identity, info.permission)
            )

    def _find(self, info: Info) -> None:
        tracks = info.participant.publications
        alone = self._without(info, tracks)
        self.others[info.participant.identity] = alone
        self._tell(events.ParticipantConnected(alone.participant))
        if info.is_active:
            self._tell(events.ParticipantActive(alone.participant))
        self._take_tracks(alone.participant, info)

    def _change(self, known: Info, info: Info) -> None:
        before, now = known.participant, info.participant
        kept = attrs.evolve(
            info, participant=attrs.evolve(now, publications=before.publications)
        )
        self.others[now.identity] = kept
        if before.metadata != now.metadata:
            self._tell(events.ParticipantMetadataChanged(now.identity, now.metadata))
        if known.permission != info.permission:
            self._tell(
                events.ParticipantPermissionsChanged(now.identity, info.permission)
            )
        if info.is_active and not known.is_active:
            self._tell(events.ParticipantActive(kept.participant))
        self._take_tracks(before, info)

    def _take_tracks(self, before: RemoteParticipant, info: Info) -> None:
        identity, tracks = before.identity, info.participant.publications
        known = {sent.sid: sent for sent in before.publications}
        left = {sent.sid for sent in tracks}
        self._drop_tracks(
            identity, [sent for sent in before.publications if sent.sid not in left]
        )
        self.others[identity] = info
        for sent in tracks:
            old = known.get(sent.sid)
            if old is None:
                self._tell(events.TrackPublished(identity, sent))
            elif old.muted is not sent.muted:
                kind = events.TrackMuted if sent.muted else events.TrackUnmuted
                self._tell(kind(identity, sent))

    def _drop_tracks(self, identity: str, gone: list[TrackPublication]) -> None:
        for sent in gone:
            if sent.sid in self._heard:
                del self._heard[sent.sid]
                self._tell(events.TrackUnsubscribed(identity, sent))
            self.others[identity] = self._without(self.others[identity], (sent,))
            self._tell(events.TrackUnpublished(identity, sent))

    def _lose(self, known: Info, reason: DisconnectReason) -> None:
        identity = known.participant.identity
        self._drop_tracks(identity, list(known.participant.publications))
        gone = self.others.pop(identity)
        self._tell(events.ParticipantDisconnected(gone.participant, reason))

    def _without(self, info: Info, gone: tuple[TrackPublication, ...]) -> Info:
        someone = info.participant
        left = tuple(sent for sent in someone.publications if sent not in gone)
        if left == someone.publications:
            return info
        return attrs.evolve(info, participant=attrs.evolve(someone, publications=left))
