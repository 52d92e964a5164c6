"""The SFU of the loopback plane: rooms, connections, rights, who is told what."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import attrs

from utd_stream.adapters.loopback._announcements import Announcer
from utd_stream.adapters.loopback._notices import Notices
from utd_stream.adapters.loopback._people import (
    SILENCE_LIMIT,
    Listener,
    Member,
    Room,
    Track,
    Update,
    may_receive,
)
from utd_stream.adapters.loopback._quality import Quality
from utd_stream.adapters.loopback._sound import AnyFeed, Feed
from utd_stream.adapters.loopback._timers import Timers
from utd_stream.adapters.loopback._tokens import Entry, entry, refuse
from utd_stream.models.participants import (
    Permission,
    TrackPublication,
    TrackSource,
)
from utd_stream.models.rooms import DisconnectReason
from utd_stream.ports import Clock

__all__ = ["NOBODY_THERE", "URL", "Server"]

# Where clients find the plane; nothing listens there.
URL = "ws://loopback"
# What a client finds where no SFU is.
NOBODY_THERE = "connection refused"

_EMPTY_TIMEOUT = 300.0
# How often a refreshed token is sent, in seconds (T8); it is good for longer than
# a client can be away, so its own end is never met.
_REFRESH_PERIOD = 300.0
# Until media of a new track comes, and then until others receive it, in seconds.
_FLOW_DELAY = 0.03
_SUBSCRIBE_DELAY = 0.15
# Until a track comes that was asked for, in seconds.
_CHOICE_DELAY = 0.05
# How long a track that its owner withdrew stays, in seconds.
_WITHDRAW_DELAY = 0.2
# What the SFU lets through a data channel; more is lost without a word (T40).
_MAX_DATA_BYTES = 262_000


class Server:
    """One SFU; what it tells arrives by the lines of its members.

    Attributes:
        url: Where it is reached; empty while it is dead.
        lives: How often it began with nothing.
    """

    url = URL

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.timers: Timers = Timers(clock)
        self.rooms: dict[str, Room] = {}
        self.lives: int = 1
        self._numbers = 0
        self.notices: Notices = Notices(clock)
        self.announcer: Announcer = Announcer(clock, self.timers)
        self.quality: Quality = Quality(clock, self.timers)

    # Rooms.

    def open(self, room: Room, empty_timeout: float) -> Room:
        """Keep *room* and say that it began."""
        self.rooms[room.name] = room
        self.notices.tell("room_started", room)
        self._expire(room, empty_timeout)
        return room

    def new_room(self, name: str, **given: Any) -> Room:
        """Return a room that is not open yet; *given* as in a token."""
        return Room.opened(
            sid=self._sid("RM"), name=name, began=self.clock.monotonic(), config=given
        )

    def close(self, room: Room) -> None:
        """End *room* and everybody's connection to it."""
        for member in tuple(room.people.values()):
            self.leave(member, DisconnectReason.ROOM_DELETED)
        if self.rooms.get(room.name) is room:
            del self.rooms[room.name]
            self.announcer.forget(room)
            self.quality.forget(room)
            self.notices.tell("room_finished", room)

    def write_metadata(self, room: Room, metadata: str) -> None:
        """Replace the metadata of *room*."""
        room.metadata = metadata
        room.count(self.clock.monotonic(), at_once=True)
        for member in room.people.values():
            if member.client is not None:
                member.send(member.client.told_metadata, metadata)

    def forget(self) -> None:
        """Lose everything at once, and tell nobody (T39)."""
        self.lives += 1
        for room in self.rooms.values():
            for member in room.people.values():
                self._stop_timers(member)
            self.announcer.forget(room)
            self.quality.forget(room)
            room.people.clear()
        self.rooms.clear()

    # Connections.

    def admit(self, token: str) -> Entry:
        """Check *token*.

        Raises:
            ConnectError: If it is not taken.
        """
        return entry(token, self.clock.now().timestamp())

    def join(self, admitted: Entry, client: Listener | None) -> Member:
        """Let somebody in; the newest connection of an identity wins (T10).

        Raises:
            ConnectError: If the room is full, or the SFU dead.
        """
        if not self.url:
            refuse(NOBODY_THERE)
        now = self.clock.now()
        room = self.rooms.get(admitted.room) or self.open(
            # A token that is still good opens a room again (T39).
            self.new_room(admitted.room, **admitted.config),
            admitted.config.get("emptyTimeout") or _EMPTY_TIMEOUT,
        )
        older = room.people.get(admitted.identity)
        if older is None and 0 < room.max_participants <= len(room.people):
            refuse("handshake error: 500")  # all that LiveKit says of it (T27)
        if older is not None:
            self.leave(older, DisconnectReason.DUPLICATE_IDENTITY)
        member = Member(
            entry=admitted,
            room=room,
            sid=self._sid("PA"),
            number=self._numbers,
            joined_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
            permission=admitted.permission,
            metadata=admitted.metadata,
            client=client,
        )
        room.count(self.clock.monotonic())
        room.people[member.identity] = member
        room.dies = None
        self.announcer.announce(member)
        return member

    def activate(self, member: Member) -> None:
        """Let *member* receive: data, and the tracks that are there."""
        if not member.is_present or member.is_active:
            return
        member.is_active = True
        self.notices.tell("participant_joined", member.room, member)
        self.refresh(member)
        self.announcer.announce(member)
        self.quality.look(member.room)
        self._subscribe_to_all(member)

    def leave(self, member: Member, reason: DisconnectReason) -> None:
        """End a connection, unless it ended before."""
        if not member.is_present:
            return
        room = member.room
        room.count(self.clock.monotonic())
        del room.people[member.identity]
        self._stop_timers(member)
        for track in tuple(member.tracks.values()):
            self._remove(member, track)
        # Whoever was never ready was never told to have come (T15).
        left = "left" if member.is_active else "connection_aborted"
        self.notices.tell(f"participant_{left}", room, member, reason)
        if reason is DisconnectReason.DUPLICATE_IDENTITY:
            # Told with the newer connection, and without a reason (T10).
            self.announcer.tell(
                member, Update(member.info(), is_gone=True), at_once=False
            )
        else:
            gone = Update(member.info(), is_gone=True, reason=reason)
            self.announcer.tell(member, gone, at_once=member.is_publisher)
        if (
            member.client is not None
            and reason is not DisconnectReason.CLIENT_INITIATED
        ):
            member.send(member.client.told_left, reason)
        if not room.people:
            self._expire(room, room.departure_timeout)

    def silence(self, member: Member) -> None:
        """Hear nothing of *member* any more, and drop it after a while (T38)."""
        if member.silence is None:
            member.silence = self.timers.after(
                SILENCE_LIMIT, self.leave, member, DisconnectReason.CONNECTION_TIMEOUT
            )
            self.quality.look(member.room)

    def resume(self, member: Member) -> None:
        """Hear *member* again, and tell it what it may have missed."""
        if member.silence is not None:
            member.silence.cancel()
            member.silence = None
            self.quality.look(member.room)
        if member.client is not None:
            room, client = member.room, member.client
            told = (member.info(), *room.seen_by(member))
            known = tuple(Update(info) for info in told)
            member.send(client.told_everybody, known)
            member.send(client.told_metadata, room.metadata)
            self.refresh(member)
            member.heard.clear()
            self._subscribe_to_all(member)

    def refresh(self, member: Member) -> None:
        """Send a token with the rights of now (T9), and again every 5 minutes."""
        if member.client is None:
            return
        if member.refresh is not None:
            member.refresh.cancel()
        newer = attrs.evolve(
            member.entry,
            permission=member.permission,
            metadata=member.metadata,
        )
        member.send(member.client.told_token, newer)
        member.refresh = self.timers.after(_REFRESH_PERIOD, self.refresh, member)

    # Rights and metadata.

    def update(self, member: Member, permission: Permission, metadata: str) -> None:
        """Replace the metadata, then the whole of the permission (T1, T5)."""
        if not member.is_present:
            return  # it was held back too long
        # An empty text leaves LiveKit's as it is; so does the same record (T2).
        if metadata not in {"", member.metadata}:
            member.metadata = metadata
            self._changed(member)
        if permission != member.permission:
            before, member.permission = member.permission, permission
            for track in tuple(member.tracks.values()):
                if not permission.may_publish(track.publication.source):
                    self._remove(member, track)
            self._changed(member)
            self._hear(member, before)

    def _changed(self, member: Member) -> None:
        update = Update(member.info())
        if member.client is not None:
            member.send(member.client.told_people, (update,))
        self.announcer.tell(member, update, at_once=True)
        self.refresh(member)

    def _hear(self, member: Member, before: Permission) -> None:
        if before.can_subscribe and not member.permission.can_subscribe:
            member.heard.clear()
            if member.client is not None:
                member.send(member.client.told_deaf)
        elif member.permission.can_subscribe and not before.can_subscribe:
            self._subscribe_to_all(member)

    # Tracks and data.

    def publish(
        self, member: Member, feed: AnyFeed, *, name: str, source: TrackSource
    ) -> Track | None:
        """Take a track, or say nothing where the right is missing (T22)."""
        if not member.is_present or not member.permission.may_publish(source):
            return None
        track = Track(
            TrackPublication(
                sid=self._sid("TR"),
                kind=feed.kind,
                source=source,
                muted=feed.is_muted,
                name=name,
            ),
            feed,
        )
        member.tracks[track.publication.sid] = track
        if isinstance(feed, Feed):
            feed.publish(partial(self.announcer.tell_speaker, member))
        member.is_publisher = True
        self.timers.after(_FLOW_DELAY, self._flow, member, track)
        return track

    def unpublish(self, member: Member, sid: str) -> None:
        """Withdraw a track at once, if it is there."""
        member.withdrawn.pop(sid, None)
        track = member.tracks.get(sid)
        if track is not None and member.is_present:
            self._remove(member, track)
            self.announcer.tell(member, Update(member.info()), at_once=True)

    def withdraw(self, member: Member, sid: str) -> None:
        """Withdraw a track a little later, or when the next one comes."""
        member.withdrawn[sid] = None
        self.timers.after(_WITHDRAW_DELAY, self.unpublish, member, sid)

    def mute(self, member: Member, sid: str, *, muted: bool) -> None:
        """Tell the others that a track is muted, or no more."""
        track = member.tracks.get(sid)
        if track is not None and track.publication.muted is not muted:
            track.publication = attrs.evolve(track.publication, muted=muted)
            if track.flows and member.is_present:
                self.announcer.tell(member, Update(member.info()), at_once=True)

    def send_data(  # noqa: PLR0913 -- what a packet is made of
        self,
        room: Room,
        *,
        data: bytes,
        sender: Member | None,
        to: Sequence[str],
        topic: str = "",
        reliable: bool = True,
    ) -> None:
        """Send a data message, without a word if nobody may have it."""
        if len(data) > _MAX_DATA_BYTES or not (
            sender is None or sender.permission.can_publish_data
        ):
            return
        identity = None if sender is None else sender.identity
        for member in room.people.values():
            is_meant = not to or member.identity in to
            if is_meant and member is not sender and member.is_active and member.client:
                told = partial(member.client.told_data, topic=topic, reliable=reliable)
                member.send(told, data, identity)

    def send_text(
        self, room: Room, *, text: str, sender: Member, topic: str, text_id: str
    ) -> None:
        """Send a text, without a word if nobody may have it."""
        if not sender.permission.can_publish_data:
            return
        for member in room.others(sender):
            if member.is_active and member.client:
                told = partial(member.client.told_text, topic=topic, text_id=text_id)
                member.send(told, text, sender.identity)

    def text_id(self) -> str:
        """Return what no other text is called."""
        return self._sid("ST")

    def choose(self, listener: Member, identity: str) -> None:
        """Send *listener* what it wants of somebody, and nothing else."""
        member = listener.room.people.get(identity)
        for track in () if member is None else member.flowing():
            sid = track.publication.sid
            if listener.client is None or sid not in listener.heard:
                continue
            if not listener.client.wants(identity, track.publication):
                del listener.heard[sid]
        if member is not None:
            self.timers.after(_CHOICE_DELAY, self._subscribe_to, listener, member)

    def _flow(self, member: Member, track: Track) -> None:
        sid = track.publication.sid
        if not member.is_present or member.tracks.get(sid) is not track:
            return
        track.flows = True
        self.notices.tell("track_published", member.room, member, track=track)
        self.announcer.tell(member, Update(member.info()), at_once=True)
        self.timers.after(_SUBSCRIBE_DELAY, self._subscribe_all, member, track)
        for old in [each for each in member.withdrawn if each != sid]:
            self.unpublish(member, old)

    def _subscribe_all(self, member: Member, track: Track) -> None:
        if member.is_present:
            for listener in member.room.others(member):
                self._subscribe(listener, member, track)

    def _subscribe_to_all(self, listener: Member) -> None:
        for member in listener.room.others(listener):
            self._subscribe_to(listener, member)

    def _subscribe_to(self, listener: Member, member: Member) -> None:
        for track in member.flowing():
            self._subscribe(listener, member, track)

    def _subscribe(self, listener: Member, member: Member, track: Track) -> None:
        sid, client = track.publication.sid, listener.client
        if client is None or not may_receive(listener, member, sid):
            return
        listener.heard[sid] = None
        listener.send(client.told_subscribed, member.identity, sid, track.feed)
        if not track.is_heard and member.client is not None:
            track.is_heard = True
            member.send(member.client.told_heard, sid)

    def _remove(self, member: Member, track: Track) -> None:
        sid = track.publication.sid
        del member.tracks[sid]
        for listener in member.room.people.values():
            listener.heard.pop(sid, None)
        if track.flows:
            self.notices.tell("track_unpublished", member.room, member, track=track)

    def _expire(self, room: Room, seconds: float) -> None:
        room.dies = self.clock.monotonic() + seconds
        self.timers.after(seconds, self._bury, room, room.dies)

    def _bury(self, room: Room, dies: float) -> None:
        if room.dies == dies and self.rooms.get(room.name) is room:
            self.close(room)

    def _stop_timers(self, member: Member) -> None:
        for timer in (member.refresh, member.silence):
            if timer is not None:
                timer.cancel()
        member.refresh = member.silence = None

    def _sid(self, kind: str) -> str:
        self._numbers += 1
        return f"{kind}_{self._numbers:08d}"
