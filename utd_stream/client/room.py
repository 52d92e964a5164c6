"""The room at the SFU: connecting, publishing, data, events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Any, NoReturn, Self

from utd_stream._border import HomeLoop, border
from utd_stream.client._arguments import checked_kind
from utd_stream.client._connection import Connection
from utd_stream.client._data import (
    check_data,
    check_receivers,
    check_text,
    check_topic,
    is_system_message,
)
from utd_stream.client._keeper import CONNECT_LIMIT
from utd_stream.client._sources import check_source
from utd_stream.client._turns import turn_to_connect
from utd_stream.errors import (
    ClosedError,
    DisconnectedError,
    InvalidArgumentError,
    RefusedError,
    UTDErrorCode,
)
from utd_stream.models.media import AudioFrame, VideoFrame, VideoQuality
from utd_stream.models.participants import TrackPublication, TrackSource
from utd_stream.models.room_events import (
    DataReceived,
    Disconnected,
    ParticipantPermissionsChanged,
    RoomEvent,
)
from utd_stream.ports import AudioSource, Clock, Media, RoomState, VideoSource
from utd_stream.reactive import Events, EventsSource
from utd_stream.snapshots.session import json_object

__all__ = ["UTDRoom"]

_SOUNDS = (TrackSource.MICROPHONE, TrackSource.SCREEN_SHARE_AUDIO)
_PICTURES = (TrackSource.CAMERA, TrackSource.SCREEN_SHARE)

logger: logging.Logger = logging.getLogger("utd_stream.client")


@border
class UTDRoom:
    """One room at the SFU at a time; may be connected again and again.

    Nothing that is asked of LiveKit is ever cancelled: cancelling a method
    here ends its waiting, and what was asked is undone when it has ended.

    Args:
        adaptive_stream: Take remote video at the quality its readers ask for,
            and not at all while nobody reads it.
        dynacast: Send no video layer that nobody receives.
        media: The media plane.
        clock: Time.
    """

    def __init__(
        self,
        adaptive_stream: bool = True,  # noqa: FBT001, FBT002 -- as in the other SDKs
        dynacast: bool = True,  # noqa: FBT001, FBT002 -- as in the other SDKs
        *,
        media: Media,
        clock: Clock,
    ) -> None:
        self._adaptive_stream = adaptive_stream
        self._dynacast = dynacast
        self._media = media
        self._clock = clock
        self._home = HomeLoop()
        self._events: EventsSource[RoomEvent] = EventsSource(clock, self._home)
        self._observers: tuple[Callable[[int, RoomEvent], None], ...] = ()
        self._connection: Connection | None = None
        self._count = 0
        self._is_closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def room(self) -> Any:
        """The plane's own room, LiveKit's; None before the first connect."""
        return None if self._connection is None else self._connection.media.native

    @property
    def connection(self) -> int:
        """The number of the present or last connection, from 1; 0 before it."""
        return self._count

    @property
    def events(self) -> Events[RoomEvent]:
        """What happens in the room, over all its connections.

        Completes:
            With `aclose`.
        """
        return self._events.events

    @property
    def video_effects_entitled(self) -> bool:
        """Whether the app's plan has video effects; yes unless the token says no."""
        try:
            told = json_object(self.state().local.metadata)
        except DisconnectedError:
            return True  # nothing is known
        return told.get("videoEffects") is not False

    def watch(self, observer: Callable[[int, RoomEvent], None]) -> None:
        """Tell *observer* of every event, with the number of its connection.

        It is told at once, before the subscribers of `events`, and in order.
        """
        self._observers = (*self._observers, observer)

    async def connect(
        self,
        url: str,
        token: str,
        auto_subscribe: bool = True,  # noqa: FBT001, FBT002 -- as in the other SDKs
    ) -> None:
        """Enter the room that *token* names; a live connection is ended first.

        Cancelling is safe at any point and leaves nobody in the room.  If another
        connect of the same identity is under way in this process, this one
        waits for its end, so that the later one stays.

        Args:
            url: Of the SFU; begins with ``ws://`` or ``wss://``.
            token: A media token; it never shows up in an error.
            auto_subscribe: Whether to receive every track as it comes.

        Raises:
            ConnectError: If the SFU is not there, or refuses; its code says why.
            DescriptorLimitError: If too few descriptors are left for a room.
            DisconnectedError: If the SFU ended it at once.
            ClosedError: If the room was left, or connected anew, meanwhile.
        """
        if self._is_closed:
            message = "the room is closed; make a new one"
            raise ClosedError(message)
        previous, mine = self._connection, self._open()
        self._connection = mine
        try:
            if previous is not None:
                await self._end(previous)
            await mine.keeper.run(
                "connect",
                lambda: mine.media.connect(url, token, auto_subscribe=auto_subscribe),
                lambda _: mine.media.disconnect(),
                # LiveKit's client ends the process if this one is cancelled.
                may_abandon=False,
                limit=CONNECT_LIMIT,
                turn=turn_to_connect(url, token),
            )
        except BaseException as error:
            self._own(mine.end_soon())
            if isinstance(error, Exception):
                await mine.end()
            raise
        if mine.lost is not None:
            message = "the SFU ended the connection at once"
            raise DisconnectedError(message, mine.lost.value)
        if mine.is_ending:
            message = "the room was left, or connected anew, while it connected"
            raise ClosedError(message)

    def state(self) -> RoomState:
        """Return what the room knows now, read at once.

        Raises:
            DisconnectedError: If it is not connected.
        """
        return self._present().media.state()

    async def set_microphone(
        self,
        on: bool,  # noqa: FBT001 -- as in the other SDKs
        source: AudioSource | None = None,
    ) -> None:
        """Let oneself be heard, or not.

        On: the microphone is published if it is not, and sends.  Off: it sends
        nothing, but stays published.

        Args:
            on: Whether to be heard.
            source: What is heard, in place of what was; needed where nothing
                was before.

        Raises:
            RefusedError: If the engine has not granted the right; at once.
            InvalidArgumentError: If a source is needed and none is given, or
                *source* is not an audio source.
            PublishError: If the source cannot be played, or the SFU did not take
                the track.
            DisconnectedError: If the room is not connected.
        """
        await self._set("set_microphone", TrackSource.MICROPHONE, source, on=on)

    async def set_camera(
        self,
        on: bool,  # noqa: FBT001 -- as in the other SDKs
        source: VideoSource | None = None,
    ) -> None:
        """Let oneself be seen, or not; off, the track is withdrawn.

        Args:
            on: Whether to be seen.
            source: What is seen, in place of what was; needed where nothing was
                before.

        Raises:
            RefusedError: If the engine has not granted the right; at once.
            InvalidArgumentError: If a source is needed and none is given, or
                *source* is not a video source.
            PublishError: If the source cannot be played, or the SFU did not take
                the track.
            DisconnectedError: If the room is not connected.
        """
        await self._set("set_camera", TrackSource.CAMERA, source, on=on)

    async def set_screen_share(
        self,
        on: bool,  # noqa: FBT001 -- as in the other SDKs
        source: VideoSource | None = None,
    ) -> None:
        """Show a screen, or no more; as `set_camera`."""
        kind = TrackSource.SCREEN_SHARE
        await self._set("set_screen_share", kind, source, on=on)

    async def publish(
        self, kind: TrackSource, source: AudioSource | VideoSource
    ) -> TrackPublication:
        """Publish *source* as *kind*, in place of what was.

        The track is muted when the source ends or fails later; unmuting it opens
        the source anew.  Cancelling withdraws it.

        Args:
            kind: Microphone, camera or screen share.
            source: What is sent.

        Raises:
            InvalidArgumentError: If *source* is none of that kind; at once.
            RefusedError: If the engine has not granted the right; at once.
            PublishError: If the source cannot be played, or the SFU did not take
                the track.
            DisconnectedError: If the room is not connected, or was left.
        """
        check_source(kind, source)
        connection = self._present()
        _check_right(connection, "publish", kind)
        return await connection.outlets[kind].publish(source)

    async def switch(
        self, kind: TrackSource, source: AudioSource | VideoSource
    ) -> None:
        """Send *source* in the track of *kind* that is published, or in the next one.

        Cancelled before it began, it does not happen.

        Raises:
            InvalidArgumentError: If *source* is none of that kind.
            PublishError: If it cannot be played; what was sent before goes on.
            DisconnectedError: If the room is not connected.
        """
        check_source(kind, source)
        await self._present().outlets[kind].switch(source)

    async def unpublish(self, kind: TrackSource) -> None:
        """Withdraw what is published of *kind*, after what was asked of it before.

        Nothing published is not an error.  Cancelled before it began, it does
        not happen.

        Raises:
            DisconnectedError: If the room is not connected.
        """
        check_source(kind, None)
        await self._present().outlets[kind].unpublish()

    def mute(self, kind: TrackSource, muted: bool) -> None:  # noqa: FBT001 -- a verb's object
        """Stop or start sending at once what is published of *kind*.

        A source that has ended is opened anew.

        Raises:
            PublishError: If it cannot be opened; the track stays muted.
            DisconnectedError: If the room is not connected.
        """
        self._present().media.set_muted(kind, muted=muted)

    def video(
        self,
        identity: str,
        source: TrackSource = TrackSource.CAMERA,
        quality: VideoQuality = VideoQuality.HIGH,
    ) -> AsyncIterator[VideoFrame]:
        """Return the pictures of *identity*.

        It waits for a track, goes on with the next one, and ends with the
        connection.  Two frames wait for a slow reader; then the oldest are dropped.
        With adaptive stream nothing is received before the first read, nor after
        the iterator is closed; an iterator that nobody holds closes by itself.  As a
        camera is muted or withdrawn, LiveKit's client may send a black picture.

        Args:
            identity: Whose.
            source: The camera, or ``TrackSource.SCREEN_SHARE``.
            quality: How sharp, where the publisher sends several sizes, as it does
                from 480 pixels on; the most demanding reader of a track decides.

        Raises:
            InvalidArgumentError: If *source* has no pictures.
            DisconnectedError: If the room is not connected.
        """
        _check_kind("video", source, _PICTURES)
        checked_kind("quality", quality, VideoQuality)
        return self._present().media.video(identity, source, quality)

    async def send_data(
        self,
        data: bytes,
        reliable: bool = True,  # noqa: FBT001, FBT002 -- as in the other SDKs
        destination_identities: Sequence[str] | None = None,
        topic: str | None = None,
    ) -> None:
        """Send a data message.

        Those of one kind arrive in the order they were sent.

        Args:
            data: At most 60,000 bytes.
            reliable: Whether lost packets are sent again.
            destination_identities: Who gets it; everybody if None.
            topic: For receivers to tell messages apart.

        Raises:
            InvalidArgumentError: If *data* is no bytes, too long or of a type
                reserved for the engine, or the receivers are none.
            RefusedError: If the right to send data is missing.
            TransportError: If it could not be sent.
        """
        check_data(data)
        to, under = check_receivers(destination_identities), check_topic(topic)
        connection = self._present()
        if not connection.media.state().local.permission.can_publish_data:
            _forbid("send_data")
        await connection.keeper.run(
            ("data", reliable),
            lambda: connection.media.send_data(
                data, reliable=reliable, to=to, topic=under
            ),
        )

    async def send_text(self, text: str, topic: str) -> str:
        """Send a text to everybody, and return its id.

        Texts arrive in the order they were sent, and name their sender.

        Args:
            text: At most 60,000 bytes of UTF-8.
            topic: For receivers to tell texts apart.

        Raises:
            InvalidArgumentError: If *text* is no text or too long, or *topic* none.
            RefusedError: If the right to send data is missing.
            DisconnectedError: If the room is not connected.
            TransportError: If it could not be sent.
        """
        check_text(text)
        under = check_topic(topic)
        connection = self._present()
        if not connection.media.state().local.permission.can_publish_data:
            _forbid("send_text")
        return await connection.keeper.run(
            ("text",), lambda: connection.media.send_text(text, topic=under)
        )

    def audio(
        self, identity: str, source: TrackSource = TrackSource.MICROPHONE
    ) -> AsyncIterator[AudioFrame]:
        """Return the sound of *identity* while that track is subscribed.

        Frames are 10 ms, 48 kHz, mono.  It waits for a track, goes on with the
        next one, and ends with the connection.  At most 100 frames wait for a
        slow reader; then the oldest are dropped.

        Args:
            identity: Whose.
            source: The microphone, or ``TrackSource.SCREEN_SHARE_AUDIO``.

        Raises:
            InvalidArgumentError: If *source* has no sound.
            DisconnectedError: If the room is not connected.
        """
        _check_kind("audio", source, _SOUNDS)
        return self._present().media.audio(identity, source)

    async def disconnect(self) -> None:
        """Leave; return when nothing of the connection is left.

        New calls are refused at once; those that run are given a limited time
        to end: a publish 12 s, a connect 75 s.  Idempotent, and safe during any
        other call; the room may be connected again.
        """
        connection = self._connection
        if connection is not None:
            self._own(connection.end_soon())
            # The one whose place it takes may be ending, too.
            await asyncio.wait(self._tasks)
            await connection.end()

    async def aclose(self) -> None:
        """Leave for good and complete `events`; idempotent."""
        self._is_closed = True
        try:
            await self.disconnect()
        finally:
            self._events.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _set(
        self,
        trigger: str,
        kind: TrackSource,
        source: AudioSource | VideoSource | None,
        *,
        on: bool,
    ) -> None:
        check_source(kind, source)
        connection = self._present()
        outlet = connection.outlets[kind]
        if on:
            _check_right(connection, trigger, kind)
            await outlet.turn_on(source)
        else:
            await outlet.turn_off()

    def _open(self) -> Connection:
        media = self._media.open(
            adaptive_stream=self._adaptive_stream, dynacast=self._dynacast
        )
        self._count += 1
        connection = Connection(self._count, media, self._clock, self._connection)
        media.watch(lambda event: self._told(connection, event))
        return connection

    def _told(self, connection: Connection, event: RoomEvent) -> None:
        if connection is not self._connection or connection.has_ended:
            logger.debug("an event of connection %d came late", connection.number)
            return
        if isinstance(event, DataReceived) and _is_forged(event):
            logger.warning("a message of %r posed as the engine's", event.identity)
            return
        if isinstance(event, ParticipantPermissionsChanged):
            self._obey(connection, event)
        for observer in self._observers:
            try:
                observer(connection.number, event)
            except Exception:
                logger.exception("an observer of the room raised; it stays")
        self._events.emit(event)
        if isinstance(event, Disconnected):
            connection.lost = event.reason
            self._own(connection.end_soon())

    def _obey(
        self, connection: Connection, event: ParticipantPermissionsChanged
    ) -> None:
        # The SFU takes the track away with the right and tells its owner no
        # more than that.
        try:
            me = connection.media.state().local.identity
        except DisconnectedError:
            return  # nothing is sent that could be withdrawn
        if event.identity != me:
            return
        for outlet in connection.outlets.values():
            if not event.permission.may_publish(outlet.kind):
                self._own(asyncio.create_task(outlet.give_up()))

    def _present(self) -> Connection:
        connection = self._connection
        if connection is None or connection.is_ending:
            message = "the room is not connected"
            raise DisconnectedError(message)
        return connection

    async def _end(self, connection: Connection) -> None:
        self._own(connection.end_soon())
        await connection.end()

    def _own(self, task: asyncio.Task[None]) -> None:
        # A loop keeps no task alive by itself.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _is_forged(event: DataReceived) -> bool:
    return event.identity is not None and is_system_message(event.data)


def _check_right(connection: Connection, trigger: str, source: TrackSource) -> None:
    # The SFU would not answer, and LiveKit's client give up after 10 s.
    permission = connection.media.state().local.permission
    if not permission.may_publish(source):
        _forbid(trigger)


def _check_kind(
    method: str, source: TrackSource, kinds: tuple[TrackSource, ...]
) -> None:
    if source not in kinds:
        names = " or ".join(kind.name for kind in kinds)
        message = f"{method}() reads {names}, not {source!r}"
        raise InvalidArgumentError(message)


def _forbid(trigger: str) -> NoReturn:
    code = UTDErrorCode.FORBIDDEN.value
    hint = "the engine grants the right with a seat, on stage or in a call"
    raise RefusedError(code, "room", trigger, "connected", hint)
