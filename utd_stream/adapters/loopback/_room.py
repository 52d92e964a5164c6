"""One client's connection to the loopback plane."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from utd_stream.adapters._livekit_refusals import refusal
from utd_stream.adapters._readers import Readers
from utd_stream.adapters.loopback._lines import Lines
from utd_stream.adapters.loopback._people import Member, Track
from utd_stream.adapters.loopback._pictures import PictureFeed, smaller
from utd_stream.adapters.loopback._repair import ANSWER_LIMIT, READY_DELAY, Repair
from utd_stream.adapters.loopback._sent import Sent, refuse_absent, refuse_answer
from utd_stream.adapters.loopback._server import NOBODY_THERE, Server
from utd_stream.adapters.loopback._sound import AnyFeed, Ears, Feed
from utd_stream.adapters.loopback._tokens import Entry
from utd_stream.adapters.loopback._view import Snapshot, View
from utd_stream.errors import (
    ClosedError,
    DisconnectedError,
    TransportError,
)
from utd_stream.models import room_events as events
from utd_stream.models.media import AudioFrame, VideoFrame, VideoQuality
from utd_stream.models.participants import (
    LocalParticipant,
    TrackPublication,
    TrackSource,
)
from utd_stream.models.room_events import RoomEvent
from utd_stream.models.rooms import DisconnectReason
from utd_stream.ports import AudioSource, RoomState, VideoSource

__all__ = ["LoopbackRoom"]

# How long things take, in seconds: half a connect, until one that failed is tried
# again, an answer, and until data is on its way.
_HALF_CONNECT = 0.03
_NEXT_CONNECT = 15.0
_CONNECTS = 4
_TIMED_OUT = "timed out"
_ANSWER_DELAY = 0.005
_SEND_DELAY = 0.002
# What LiveKit's client takes, with the names in the packet (T40).
_MAX_PACKET_BYTES = 64_000
_PACKET_BYTES = 40
_LEFT = "the room was left; open another one"

_BY_CLIENT = DisconnectReason.CLIENT_INITIATED

logger = logging.getLogger("utd_stream.adapters")


class LoopbackRoom:
    """`MediaRoom` in memory, as LiveKit's client would have it."""

    __slots__ = (
        "_ears",
        "_ended",
        "_has_left",
        "_is_over",
        "_lines",
        "_observer",
        "_over",
        "_pending",
        "_readers",
        "_server",
        "member",
        "repair",
        "sent",
        "view",
    )

    def __init__(self, server: Server, lines: Lines, *, is_adaptive: bool) -> None:
        self._server = server
        self._lines = lines
        self._over: asyncio.Future[None] | None = None
        self._observer: Callable[[RoomEvent], None] | None = None
        self._pending: dict[asyncio.Future[Any], None] = {}
        self._has_left = False
        self._is_over = False
        self.view: View = View(self.tell, self.end)
        self.repair: Repair = Repair(self, server)
        self._ears = Ears(lambda: not self.view.line.is_up)
        self._readers = Readers(self._choose)
        if is_adaptive:
            self.view.is_read = self._is_read
        self.member: Member | None = None
        self.sent: dict[str, Sent] = {}
        # Of tracks that ended with the connection.
        self._ended: list[AnyFeed] = []

    @property
    def native(self) -> LoopbackRoom:
        """The plane's own room object: this."""
        return self

    @property
    def is_there(self) -> bool:
        """Whether it is connected, or being repaired."""
        return self.member is not None and not self._is_over

    def isconnected(self) -> bool:
        """Whether it is connected, or being repaired; LiveKit's word for it."""
        return self.is_there

    def watch(self, observer: Callable[[RoomEvent], None]) -> None:
        """Tell *observer* of every event."""
        self._observer = observer

    async def connect(self, url: str, token: str, *, auto_subscribe: bool) -> None:
        """Enter the room the token names."""
        if self._has_left:
            raise ClosedError(_LEFT)
        if url.rstrip("/") != self._server.url:
            raise refusal(NOBODY_THERE)
        self.view.auto_subscribe = auto_subscribe
        self.view.entry = self._server.admit(token)
        await self._server.clock.sleep(_HALF_CONNECT)
        member, snapshot, lives = await self._come_in(self.view.entry)
        if self._has_left:
            self._server.leave(member, _BY_CLIENT)
            raise ClosedError(_LEFT)
        entered = self._future()
        self.view.line.release(self._enter, member, snapshot, lives, entered)
        await entered

    def state(self) -> RoomState:
        """Return what the room knows now."""
        me = self.view.me
        if me is None or not self.is_there:
            refuse_absent()
        return RoomState(
            metadata=self.view.metadata,
            local=LocalParticipant(
                identity=me.participant.identity,
                sid=me.participant.sid,
                name=me.participant.name,
                metadata=me.participant.metadata,
                permission=me.permission,
                publications=tuple(sent.shown() for sent in self.sent.values()),
            ),
            remotes=tuple(info.participant for info in self.view.others.values()),
        )

    async def publish_audio(
        self, source: AudioSource, *, name: str, track_source: TrackSource
    ) -> TrackPublication:
        """Announce a track fed from *source*, in place of the one before."""
        await self.unpublish(track_source)
        self._present()
        feed = Feed(source, self._server.clock, self._mute_ended)
        return await self._announce(feed, name, track_source)

    async def publish_video(
        self, source: VideoSource, *, name: str, track_source: TrackSource
    ) -> TrackPublication:
        """Announce a track fed from *source*, in place of the one before."""
        await self.unpublish(track_source)
        self._present()
        feed = PictureFeed(source, self._server.clock, self._mute_ended)
        return await self._announce(feed, name, track_source)

    async def _announce(
        self, feed: AnyFeed, name: str, track_source: TrackSource
    ) -> TrackPublication:
        try:
            await feed.ready()
            await self.repair.ended()
            sent = await self._publish(feed, name, track_source)
            self._present()  # or it was left meanwhile
        except BaseException:
            await feed.aclose()
            raise
        return sent

    async def switch(
        self, track_source: TrackSource, source: AudioSource | VideoSource
    ) -> None:
        """Feed what is published of *track_source* from *source* from now on."""
        for _, sent in self._sent_of(track_source):
            await sent.feed.switch(source)

    async def unpublish(self, track_source: TrackSource) -> None:
        """Withdraw what is published of *track_source* and stop its feed."""
        for sid, sent in self._sent_of(track_source):
            await sent.feed.aclose()
            if not self.is_there:
                return
            if self.member is not None and self.view.line.is_up:
                self._server.withdraw(self.member, sid)
            withdrawn = self._future()
            self.view.line.post(self._withdraw, sid)
            self.view.line.post(_resolve, withdrawn)
            try:
                await withdrawn
            except DisconnectedError:
                return  # gone with the connection

    def set_muted(self, track_source: TrackSource, *, muted: bool) -> None:
        """Stop or start sending what is published of *track_source*."""
        for sid, sent in self._sent_of(track_source):
            if sent.feed.is_muted is not muted:
                sent.feed.mute(muted=muted)
                self._say_muted(sid, muted=muted)

    async def send_data(
        self, data: bytes, *, reliable: bool, to: Sequence[str], topic: str
    ) -> None:
        """Send a data message."""
        self._present()
        names = (topic, *to)
        size = len(data) + sum(len(name.encode()) for name in names)
        if size + _PACKET_BYTES > _MAX_PACKET_BYTES:
            message = f"the data message was not sent: over {_MAX_PACKET_BYTES} bytes"
            raise TransportError(message)
        await self.repair.ended()
        sent = self._future()
        packet = partial(
            self._server.send_data, data=data, to=to, topic=topic, reliable=reliable
        )
        self._server.timers.after(_SEND_DELAY, _send, packet, self._present(), sent)
        await sent

    async def send_text(self, text: str, *, topic: str) -> str:
        """Send a text to everybody, and return its id."""
        self._present()
        await self.repair.ended()
        sent, text_id = self._future(), self._server.text_id()
        packet = partial(
            self._server.send_text, text=text, topic=topic, text_id=text_id
        )
        self._server.timers.after(_SEND_DELAY, _send, packet, self._present(), sent)
        await sent
        return text_id

    def audio(
        self, identity: str, track_source: TrackSource
    ) -> AsyncIterator[AudioFrame]:
        """Return the sound of *identity* while that track is subscribed."""
        return self._ears.hear(lambda: self.view.sound_of(identity, track_source))

    async def video(
        self, identity: str, track_source: TrackSource, quality: VideoQuality
    ) -> AsyncIterator[VideoFrame]:
        """Yield the pictures of *identity*, which are received while they are read."""
        seen = self._ears.see(lambda: self.view.sound_of(identity, track_source))
        with self._readers.reading(identity, track_source, quality):
            async with aclosing(seen):
                async for frame in seen:
                    best = self._readers.best(identity, track_source) or quality
                    yield smaller(frame, best)

    async def disconnect(self) -> None:
        """Leave and free everything."""
        self._has_left = True
        self._ears.end()
        if self.is_there:
            if self._over is None:
                self._over = asyncio.get_running_loop().create_future()
                if self.view.line.is_up and self.member is not None:
                    self._server.leave(self.member, _BY_CLIENT)
                self.view.line.post(self.end, _BY_CLIENT)
            await asyncio.shield(self._over)
        for feed in (*self._ended, *(sent.feed for sent in self.sent.values())):
            await feed.aclose()
        self._ended.clear()
        self._observer = None

    # For the plane.

    def tell(self, event: RoomEvent) -> None:
        """Tell the observer; it cannot harm the plane."""
        self._ears.refresh()
        if self._observer is None:
            return
        try:
            self._observer(event)
        except Exception:
            logger.exception("an observer of room events raised; it stays")

    def end(self, reason: DisconnectReason | None) -> None:
        """End for good and say so once; without a reason nobody is told."""
        if self._is_over:
            return
        self._is_over = True
        self.repair.stop()
        self._ears.end()
        if reason is not None:
            self._say_why(reason)
        self.view.line.close()
        self._lines.drop(self)
        if self._over is not None:
            self._over.set_result(None)
        pending, self._pending = self._pending, {}
        for waiting in pending:
            if not waiting.done():
                message = "the connection to the SFU ended"
                waiting.set_exception(DisconnectedError(message))

    # Inside.

    async def _come_in(self, entry: Entry) -> tuple[Member, Snapshot, int]:
        """Join, and wait until the SFU answers.

        Whoever is removed meanwhile does not hear of it, and joins again, three
        times, also when its owner has left by then (T58).
        """
        for _ in range(_CONNECTS):
            member = self._server.join(entry, self.view)
            lives = self._server.lives
            self.view.line.open()
            snapshot = Snapshot.of(member)
            try:
                await self._server.clock.sleep(_HALF_CONNECT)
                if member.is_present or lives != self._server.lives:
                    return member, snapshot, lives
                self.view.line.cut()
                await self._server.clock.sleep(_NEXT_CONNECT)
            except asyncio.CancelledError:
                # As with LiveKit (T34), whose process would not survive it either.
                logger.error("a connect was canceled; its ghost stays in the room")  # noqa: TRY400 -- no trace is wanted
                self._server.silence(member)
                raise
        raise refusal(_TIMED_OUT)

    def _enter(
        self,
        member: Member,
        snapshot: Snapshot,
        lives: int,
        entered: asyncio.Future[Any],
    ) -> None:
        error: Exception | None = None
        if self._has_left:
            self._server.leave(member, _BY_CLIENT)
            error = ClosedError(_LEFT)
        elif lives != self._server.lives:
            error = refusal(NOBODY_THERE)
        if error is not None:
            if not entered.done():
                entered.set_exception(error)
            return
        self.member = member
        self.view.enter(snapshot)
        self._lines.keep(self)
        self.tell(events.Connected())
        self.tell(events.ConnectionStateChanged("connected"))
        self._server.timers.after(READY_DELAY, self._server.activate, member)
        _resolve(entered)

    async def _publish(
        self, feed: AnyFeed, name: str, source: TrackSource
    ) -> TrackPublication:
        timers = self._server.timers
        answer: asyncio.Future[TrackPublication] = self._future()
        track = self._server.publish(self._present(), feed, name=name, source=source)
        if track is not None:
            line = self.view.line
            timers.after(_ANSWER_DELAY, line.send, self._take, track, answer)
        limit = timers.after(ANSWER_LIMIT, refuse_answer, answer)
        try:
            # A caller that is canceled leaves a ghost, as with LiveKit (T36).
            return await answer
        finally:
            limit.cancel()

    def _take(self, track: Track, answer: asyncio.Future[Any]) -> None:
        if not answer.done():
            self.sent[track.publication.sid] = Sent(track.publication, track.feed)
            self.tell(events.LocalTrackPublished(track.publication))
            answer.set_result(track.publication)
            if track.feed.is_over:
                self._mute_ended(track.feed)

    def _is_read(self, identity: str, source: TrackSource) -> bool:
        return self._readers.best(identity, source) is not None

    def _choose(self, identity: str, source: TrackSource) -> None:  # noqa: ARG002 -- LiveKit's wants it
        if self.view.is_read is None or self.member is None or not self.is_there:
            return
        self.view.choose(identity)
        if self.view.line.is_up:
            self._server.choose(self.member, identity)

    def _withdraw(self, sid: str) -> None:
        sent = self.sent.pop(sid, None)
        if sent is not None:
            self.tell(events.LocalTrackUnpublished(sent.shown()))

    def _say_muted(self, sid: str, *, muted: bool) -> None:
        self.view.line.post(self._tell_muted, sid)
        if self.member is not None and self.view.line.is_up:
            self._server.mute(self.member, sid, muted=muted)

    def _mute_ended(self, feed: AnyFeed) -> None:
        for sid, sent in self.sent.items():
            if sent.feed is feed and not feed.is_muted:
                feed.mute(muted=True)
                self._say_muted(sid, muted=True)

    def _tell_muted(self, sid: str) -> None:
        sent = self.sent.get(sid)
        if sent is not None and self.view.me is not None:
            kind = events.TrackMuted if sent.feed.is_muted else events.TrackUnmuted
            self.tell(kind(self.view.me.participant.identity, sent.shown()))

    def _say_why(self, reason: DisconnectReason) -> None:
        if reason is _BY_CLIENT:
            self._withdraw_all()
        self.tell(events.ConnectionStateChanged("disconnected"))
        self.tell(events.Disconnected(reason))
        self._withdraw_all()  # whom the SFU ended hears of its tracks after that

    def _withdraw_all(self) -> None:
        for sid, sent in tuple(self.sent.items()):
            self._ended.append(sent.feed)
            self._withdraw(sid)

    def _future(self) -> asyncio.Future[Any]:
        """Return a future that fails when the connection ends."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[future] = None
        future.add_done_callback(lambda done: self._pending.pop(done, None))
        return future

    def _present(self) -> Member:
        if self.member is None or self._is_over or self._has_left:
            refuse_absent()
        return self.member

    def _sent_of(self, source: TrackSource) -> list[tuple[str, Sent]]:
        # Looked up each time: a full reconnect gives tracks new sids.
        return [
            (sid, sent)
            for sid, sent in self.sent.items()
            if sent.publication.source is source
        ]


def _resolve(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(None)


def _send(
    packet: Callable[..., None], sender: Member, sent: asyncio.Future[Any]
) -> None:
    if sender.is_present:
        packet(sender.room, sender=sender)
    _resolve(sent)
