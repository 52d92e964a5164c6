"""A media plane, seen by clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol

import attrs

from utd_stream.models.media import AudioFrame, VideoFrame, VideoQuality
from utd_stream.models.participants import (
    LocalParticipant,
    RemoteParticipant,
    TrackPublication,
    TrackSource,
)
from utd_stream.models.room_events import RoomEvent

__all__ = ["AudioSource", "Media", "MediaRoom", "RoomState", "VideoSource"]


class AudioSource(Protocol):
    """Description of a sound; opened anew for each publication."""

    def open(self) -> AsyncIterator[AudioFrame]:
        """Return frames, 48 kHz and mono, for as long as they are asked for.

        The publication sets the pace, whether the iterator waits by itself
        or not.  Frames may have any length; an empty one is 10 ms of
        silence.  An iterator that has nothing to give waits, and silence is
        sent meanwhile.  It is closed, if it can be, when the publication ends.
        """
        ...


class VideoSource(Protocol):
    """Description of moving pictures; opened anew for each publication."""

    def open(self) -> AsyncIterator[VideoFrame]:
        """Return frames for as long as they are asked for.

        Their times set the pace, whether the iterator waits by itself or not.
        They may change their size.  It is closed, if it can be, when the
        publication ends.
        """
        ...


@attrs.frozen(kw_only=True)
class RoomState:
    """All that a connected room knows, read at once.

    Attributes:
        metadata: Of the room, as text; empty when the SFU forgot it.
        local: This client.
        remotes: The others announced, in order of announcement.
    """

    metadata: str
    local: LocalParticipant
    remotes: tuple[RemoteParticipant, ...]


class MediaRoom(Protocol):
    """One connection to one SFU room; never connected twice.

    The calls that await must not be cancelled: their effect at the SFU could
    not be undone, and LiveKit's native client may end the process.  A keeper
    owns them; see `utd_stream.client._keeper`.
    """

    @property
    def native(self) -> Any:
        """The plane's own room object."""
        ...

    def watch(self, observer: Callable[[RoomEvent], None]) -> None:
        """Tell *observer* of every event, in order, on the loop's thread.

        Called once, before `connect`.  Events of the room may come before
        `connect` returns, and none comes after `disconnect` returned.
        """
        ...

    async def connect(self, url: str, token: str, *, auto_subscribe: bool) -> None:
        """Enter the room the token names; `Connected` is told before it returns.

        Raises:
            ConnectError: If the SFU is not there, or refuses.  The code is
                ``unauthenticated`` for a token it does not take (not
                retryable by the same token), ``invalid`` for names it does
                not take, ``room_full``, or ``connect``.
            DescriptorLimitError: If too few descriptors are left.
            ClosedError: If `disconnect` was called before or meanwhile; then
                nobody is left in the room.
        """
        ...

    def state(self) -> RoomState:
        """Return what the room knows now.

        A local track that the SFU removed, with the right to publish it, stays
        listed until it is unpublished.

        Raises:
            DisconnectedError: If it is not connected, or no more.
        """
        ...

    async def publish_audio(
        self, source: AudioSource, *, name: str, track_source: TrackSource
    ) -> TrackPublication:
        """Announce a track fed from *source*, in place of what was published.

        The first frame is waited for, for half a second at most.  If the source
        ends or fails later the track is muted, and the log says why.

        Raises:
            PublishError: If the source cannot be opened, fails, ends or gives
                anything but frames of 48 kHz mono at once; or if the SFU did
                not take the track, within its own 10 s.
            DisconnectedError: If the room is not connected, or no more.
        """
        ...

    async def publish_video(
        self, source: VideoSource, *, name: str, track_source: TrackSource
    ) -> TrackPublication:
        """Announce a track fed from *source*, in place of what was published.

        The first frame is waited for, for half a second at most.  If the source
        ends or fails later the track is muted, and the log says why.

        Raises:
            PublishError: If the source cannot be opened, fails, ends or gives
                anything but `VideoFrame` at once; or if the SFU did not take the
                track, within its own 10 s.
            DisconnectedError: If the room is not connected, or no more.
        """
        ...

    async def switch(
        self, track_source: TrackSource, source: AudioSource | VideoSource
    ) -> None:
        """Feed what is published of *track_source* from *source* from now on.

        The first frame is waited for, for half a second at most; then the source
        before it is closed.  Nothing published is not an error.

        Raises:
            PublishError: If the source cannot be played; the one before goes on.
        """
        ...

    async def unpublish(self, track_source: TrackSource) -> None:
        """Withdraw what is published of *track_source* and stop its feed.

        Nothing published is not an error, nor is a track that the SFU
        removed first.
        """
        ...

    def set_muted(self, track_source: TrackSource, *, muted: bool) -> None:
        """Stop or start sending what is published of *track_source*.

        A source that has ended or failed is opened anew.

        Raises:
            PublishError: If it cannot be opened.
        """
        ...

    async def send_data(
        self, data: bytes, *, reliable: bool, to: Sequence[str], topic: str
    ) -> None:
        """Send a data message; to everybody when *to* is empty.

        Raises:
            TransportError: If it could not be sent; `DisconnectedError` if
                the room is not connected, or no more.
        """
        ...

    async def send_text(self, text: str, *, topic: str) -> str:
        """Send a text to everybody, and return its id.

        Unlike a data message it always names its sender (T45).

        Raises:
            TransportError: If it could not be sent; `DisconnectedError` if
                the room is not connected, or no more.
        """
        ...

    def video(
        self, identity: str, track_source: TrackSource, quality: VideoQuality
    ) -> AsyncIterator[VideoFrame]:
        """Return the pictures of *identity*.

        It waits for a track, goes on with the next one, and ends with the
        connection.  At most two frames wait for a slow reader; then the oldest are
        dropped.  `at` is in seconds since the first frame of each track that came.

        With adaptive stream a track is received from the first read on, until its
        last reader is closed.  It comes as sharp as the most demanding reader asks
        for, where its publisher sends several sizes.
        """
        ...

    def audio(
        self, identity: str, track_source: TrackSource
    ) -> AsyncIterator[AudioFrame]:
        """Return the sound of *identity* while that track is subscribed.

        Frames are 10 ms, 48 kHz, mono.  It waits for a track, goes on with
        the next one, and ends with the connection.  At most 100 frames wait
        for a slow reader; then the oldest are dropped.
        """
        ...

    async def disconnect(self) -> None:
        """Leave and free everything; idempotent, also never connected."""
        ...


class Media(Protocol):
    """A media plane, seen by clients."""

    def open(self, *, adaptive_stream: bool, dynacast: bool) -> MediaRoom:
        """Return a room that can be connected once."""
        ...
