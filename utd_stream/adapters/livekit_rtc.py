"""The media plane of LiveKit, seen by clients: its native client for Python."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Any, NoReturn, TypeVar, get_args

from livekit import rtc
from livekit.rtc.participant import (
    PublishDataError,
    PublishTrackError,
    UnpublishTrackError,
)
from livekit.rtc.room import EventTypes

from utd_stream.adapters._livekit_audio import Ears, SoundFeed
from utd_stream.adapters._livekit_events import (
    local_publication,
    publication,
    remote_participant,
    room_event,
)
from utd_stream.adapters._livekit_exit import end_quietly, until_quiet
from utd_stream.adapters._livekit_feed import Feed
from utd_stream.adapters._livekit_fork import refuse_fork
from utd_stream.adapters._livekit_negotiation import Negotiation
from utd_stream.adapters._livekit_proxy import proxy_variable
from utd_stream.adapters._livekit_refusals import refusal
from utd_stream.adapters._livekit_subscriptions import Subscriptions
from utd_stream.adapters._livekit_texts import Texts
from utd_stream.adapters._livekit_video import Eyes, PictureFeed
from utd_stream.adapters._livekit_words import (
    Redaction,
    permission,
    proto_source,
    track_source,
)
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.descriptors import check_descriptors
from utd_stream.errors import (
    ClosedError,
    DisconnectedError,
    PublishError,
    TransportError,
)
from utd_stream.models.media import AudioFrame, VideoFrame, VideoQuality
from utd_stream.models.participants import (
    LocalParticipant,
    TrackPublication,
    TrackSource,
)
from utd_stream.models.room_events import (
    Connected,
    Disconnected,
    LocalTrackPublished,
    LocalTrackRepublished,
    LocalTrackUnpublished,
    RoomEvent,
    TextReceived,
)
from utd_stream.ports import AudioSource, RoomState, VideoSource

__all__ = ["LiveKitMedia", "LiveKitRoom"]

_R = TypeVar("_R")

logger: logging.Logger = logging.getLogger("utd_stream.adapters")

_redaction = Redaction()


class LiveKitMedia:
    """`Media` over LiveKit's native client.

    From the first one on, tokens are taken out of what that client logs.
    """

    def __init__(self) -> None:
        logging.getLogger("livekit").addFilter(_redaction)  # once, however often
        end_quietly()

    def open(
        self,
        *,
        adaptive_stream: bool,
        dynacast: bool,
    ) -> LiveKitRoom:
        """Return a room that can be connected once; inside the loop."""
        refuse_fork()
        return LiveKitRoom(adaptive_stream=adaptive_stream, dynacast=dynacast)


class LiveKitRoom:
    """`MediaRoom` over LiveKit's native client."""

    def __init__(self, *, adaptive_stream: bool, dynacast: bool) -> None:
        self._room = rtc.Room()
        self._subscriptions = Subscriptions(self._room, is_adaptive=adaptive_stream)
        self._dynacast = dynacast
        self._clock = AsyncioClock()
        self._observer: Callable[[RoomEvent], None] | None = None
        self._feeds: dict[TrackSource, Feed[Any]] = {}
        self._ears = Ears()
        self._eyes = Eyes()
        self._texts = Texts(self._room, self._tell_text)
        self._negotiation = Negotiation(
            self._room, self._feeds, self._subscriptions.wants
        )
        # What the native client would wait for in vain ends with this.
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._leaving = asyncio.Lock()
        self._has_left = False
        self._was_told_connected = False
        self._last_told = 0.0
        # The sids of this client's tracks that were told to be published.
        self._sent: set[str] = set()
        # Those that its list keeps for ever, though they are there no more.
        self._ghosts: set[str] = set()
        self._callbacks = {name: self._callback(name) for name in get_args(EventTypes)}
        for name, told in self._callbacks.items():
            # LiveKit's emitter leaves the types of its callbacks open.
            self._room.on(name, told)  # pyright: ignore[reportUnknownMemberType]

    @property
    def native(self) -> rtc.Room:
        """LiveKit's own room object."""
        return self._room

    def watch(self, observer: Callable[[RoomEvent], None]) -> None:
        """Tell *observer* of every event."""
        self._observer = observer

    async def connect(self, url: str, token: str, *, auto_subscribe: bool) -> None:
        """Enter the room the token names."""
        if self._has_left:
            _refuse_left()
        check_descriptors()
        self._subscriptions.receives = auto_subscribe
        options = rtc.RoomOptions(
            auto_subscribe=auto_subscribe, dynacast=self._dynacast
        )
        refused = None
        try:
            await self._room.connect(url, token, options)
        except rtc.ConnectError as error:
            proxy = proxy_variable(url, os.environ)
            refused = refusal(error.message, proxy=proxy)
        # Out here neither the cause nor the context is LiveKit's error, which
        # quotes the token.
        if self._has_left:
            await self._room.disconnect()
            _refuse_left()
        if refused is not None:
            raise refused
        self._tell_connected()

    def state(self) -> RoomState:
        """Return what the room knows now."""
        local = self._local()
        return RoomState(
            metadata=self._room.metadata,
            local=LocalParticipant(
                identity=local.identity,
                sid=local.sid,
                name=local.name,
                metadata=local.metadata,
                permission=permission(local.permissions),
                publications=tuple(map(local_publication, self._own_tracks(local))),
            ),
            remotes=tuple(
                map(remote_participant, self._room.remote_participants.values())
            ),
        )

    async def publish_audio(
        self, source: AudioSource, *, name: str, track_source: TrackSource
    ) -> TrackPublication:
        """Announce a track fed from *source*, in place of the one before."""
        await self.unpublish(track_source)
        self._local()
        return await self._publish(SoundFeed(source, name, self._clock), track_source)

    async def publish_video(
        self, source: VideoSource, *, name: str, track_source: TrackSource
    ) -> TrackPublication:
        """Announce a track fed from *source*, in place of the one before."""
        await self.unpublish(track_source)
        self._local()
        is_screen = track_source is TrackSource.SCREEN_SHARE
        feed = PictureFeed(source, name, self._clock, is_screen=is_screen)
        return await self._publish(feed, track_source)

    async def _publish(
        self, feed: Feed[Any], track_source: TrackSource
    ) -> TrackPublication:
        options = rtc.TrackPublishOptions(source=_client_source(track_source))
        try:
            await feed.ready()
            publishing = self._local().publish_track(feed.track, options)
            sent = await self._unless_gone(publishing)
        except PublishTrackError as error:
            await feed.aclose()
            message = f"the track was not published: {error.message}"
            raise PublishError(message) from error
        except BaseException:
            await feed.aclose()
            raise
        if self._has_left:
            await feed.aclose()
            message = "the room was left while the track was published"
            raise DisconnectedError(message)
        self._feeds[track_source] = feed
        feed.start()
        self._negotiation.look()
        # LiveKit's client tells it some turns later; whoever publishes must
        # find it published.
        self._tell("local_track_published", (sent, feed.track))
        return publication(sent)

    async def switch(
        self, track_source: TrackSource, source: AudioSource | VideoSource
    ) -> None:
        """Feed what is published of *track_source* from *source* from now on."""
        feed = self._feeds.get(track_source)
        if feed is not None:
            await feed.switch(source)

    async def unpublish(self, track_source: TrackSource) -> None:
        """Withdraw what is published of *track_source* and stop its feed."""
        feed = self._feeds.pop(track_source, None)
        if feed is not None:
            await feed.stop()
        try:
            for sent in self._publications_of(track_source):
                await self._withdraw(sent)
        finally:
            if feed is not None:
                await feed.aclose()

    def set_muted(self, track_source: TrackSource, *, muted: bool) -> None:
        """Stop or start sending what is published of *track_source*."""
        feed = self._feeds.get(track_source)
        if feed is not None:
            feed.mute(muted=muted)

    async def send_data(
        self, data: bytes, *, reliable: bool, to: Sequence[str], topic: str
    ) -> None:
        """Send a data message."""
        sending = self._local().publish_data(
            data, reliable=reliable, destination_identities=list(to), topic=topic
        )
        try:
            await self._unless_gone(sending)
        except PublishDataError as error:
            message = f"the data message was not sent: {error.message}"
            raise TransportError(message) from error

    async def send_text(self, text: str, *, topic: str) -> str:
        """Send a text to everybody, and return its id."""
        try:
            sent = await self._unless_gone(self._local().send_text(text, topic=topic))
        except rtc.StreamError as error:
            message = f"the text was not sent: {error.description}"
            raise TransportError(message) from error
        return sent.stream_id

    def audio(
        self, identity: str, track_source: TrackSource
    ) -> AsyncIterator[AudioFrame]:
        """Return the sound of *identity* while that track is subscribed."""
        return self._ears.hear(lambda: self._track_of(identity, track_source))

    async def video(
        self, identity: str, track_source: TrackSource, quality: VideoQuality
    ) -> AsyncIterator[VideoFrame]:
        """Yield the pictures of *identity*, which are received while they are read."""
        seen = self._eyes.see(lambda: self._track_of(identity, track_source))
        with self._subscriptions.readers.reading(identity, track_source, quality):
            async with aclosing(seen):
                async for frame in seen:
                    yield frame

    async def disconnect(self) -> None:
        """Leave and free everything."""
        self._has_left = True
        async with self._leaving:
            feeds = tuple(self._feeds.values())
            self._feeds.clear()
            for feed in feeds:
                await feed.stop()
            await self._ears.aclose()
            await self._eyes.aclose()
            await self._negotiation.aclose()
            self._last_told = asyncio.get_running_loop().time()
            await until_quiet(self._room.isconnected, lambda: self._last_told)
            await self._room.disconnect()
            self._tell_disconnected()
            self._end()
            for feed in feeds:
                await feed.aclose()
            self._forget()

    def _callback(self, name: str) -> Callable[..., None]:
        # LiveKit looks at a callback's signature on every event and wants a
        # plain function.
        def told(*arguments: Any) -> None:
            self._tell(name, arguments)

        return told

    def _tell(self, name: str, arguments: tuple[Any, ...]) -> None:
        self._last_told = asyncio.get_running_loop().time()
        self._choose(name, arguments)
        if name in _TRACK_CHANGES:
            self._ears.refresh()
            self._eyes.refresh()
        if name in _NEW_TRACKS:
            self._negotiation.look()
        event = room_event(name, arguments)
        if event is None or not self._is_news(event):
            return
        if isinstance(event, Connected):
            self._was_told_connected = True
        elif isinstance(event, Disconnected):
            self._end()
        self._pass_on(event)

    def _tell_text(self, event: TextReceived) -> None:
        self._last_told = asyncio.get_running_loop().time()
        self._pass_on(event)

    def _pass_on(self, event: RoomEvent) -> None:
        if self._observer is None:
            return
        try:
            self._observer(event)
        except Exception:
            logger.exception("an observer of room events raised; it stays")

    def _choose(self, name: str, arguments: tuple[Any, ...]) -> None:
        """Receive of what was announced that which is read."""
        match name, arguments:
            case (("connected" | "reconnected"), _):
                self._subscriptions.look_at_all()
            case "track_published", (sent, who):
                self._subscriptions.look_at(who.identity, sent)
            case "track_subscribed", (_, sent, who):
                self._subscriptions.subscribed(who.identity, sent)
            case "track_unpublished", (sent, _):
                self._subscriptions.forget(sent)
            case "track_unsubscribed", (_, sent, who):
                self._subscriptions.unsubscribed(who.identity, sent)
            case _:
                pass

    def _is_news(self, event: RoomEvent) -> bool:
        """Whether *event* has not been told; each track begins and ends once."""
        match event:
            case LocalTrackPublished(sent):
                is_news = sent.sid not in self._sent
                self._sent.add(sent.sid)
            case LocalTrackUnpublished(sent):
                is_news = sent.sid in self._sent
                self._sent.discard(sent.sid)
            case LocalTrackRepublished(sent, previous_sid):
                is_news = True
                self._sent.discard(previous_sid)
                self._sent.add(sent.sid)
            case _:
                is_news = True
        return is_news

    def _tell_connected(self) -> None:
        # LiveKit's client names this event but never tells it.
        if not self._was_told_connected:
            self._tell("connected", ())

    def _tell_disconnected(self) -> None:
        # LiveKit's client sometimes swallows the end that it was asked for.
        if self._was_told_connected and not self._gone.done():
            self._tell("disconnected", (rtc.DisconnectReason.CLIENT_INITIATED,))

    def _forget(self) -> None:
        # Breaks the circle with LiveKit's room, whose descriptors are freed
        # only with the object.
        for name, told in self._callbacks.items():
            # As in `__init__`, of a type that LiveKit leaves open.
            self._room.off(name, told)  # pyright: ignore[reportUnknownMemberType]
        self._callbacks.clear()
        self._texts.forget()
        self._observer = None

    def _end(self) -> None:
        self._texts.end()
        self._ears.end()
        self._eyes.end()
        if not self._gone.done():
            self._gone.set_result(None)

    async def _unless_gone(self, work: Coroutine[Any, Any, _R]) -> _R:
        """Await *work*, which never ends by itself once the room is gone."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self._gone), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                message = "the connection to the SFU ended"
                raise DisconnectedError(message)
            return task.result()
        finally:
            task.cancel()

    async def _withdraw(self, sent: rtc.LocalTrackPublication) -> None:
        try:
            await self._unless_gone(self._local().unpublish_track(sent.sid))
        except (UnpublishTrackError, DisconnectedError) as error:
            # Not published again on a reconnect, or gone with the connection.
            self._ghosts.add(sent.sid)
            logger.debug("track %s was gone already: %r", sent.sid, error)
        # LiveKit's client tells it or not, as its answer and its event race.
        self._tell("local_track_unpublished", (sent,))

    def _local(self) -> rtc.LocalParticipant:
        if not self._room.isconnected():
            message = "the room is not connected"
            raise DisconnectedError(message)
        return self._room.local_participant

    def _publications_of(self, source: TrackSource) -> list[rtc.LocalTrackPublication]:
        # Looked up each time: a full reconnect gives tracks new sids.
        if not self._room.isconnected():
            return []
        sent = self._own_tracks(self._room.local_participant)
        return [each for each in sent if track_source(each.source) is source]

    def _own_tracks(
        self, local: rtc.LocalParticipant
    ) -> list[rtc.LocalTrackPublication]:
        sent = local.track_publications.values()
        return [each for each in sent if each.sid not in self._ghosts]

    def _track_of(self, identity: str, source: TrackSource) -> rtc.Track | None:
        participant = self._room.remote_participants.get(identity)
        if participant is None:
            return None
        for sent in participant.track_publications.values():
            if track_source(sent.source) is source and sent.track:
                return sent.track
        return None


_TRACK_CHANGES = frozenset(
    {
        "participant_connected",
        "participant_disconnected",
        "reconnected",
        "track_subscribed",
        "track_unpublished",
        "track_unsubscribed",
    }
)

_NEW_TRACKS = frozenset(
    {"connected", "participant_connected", "reconnected", "track_published"}
)


def _refuse_left() -> NoReturn:
    message = "the room was left; open another one"
    raise ClosedError(message)


def _client_source(source: TrackSource) -> rtc.TrackSource.ValueType:
    # The client's numbers are those of the server API; a test says so.
    return rtc.TrackSource.ValueType(proto_source(source))
