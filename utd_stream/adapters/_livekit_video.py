"""Pictures into and out of LiveKit's native client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import TypeAlias, cast

from livekit import rtc

from utd_stream.adapters._app_pictures import AppPictures
from utd_stream.adapters._livekit_feed import Feed
from utd_stream.adapters._livekit_streams import Find, Streams
from utd_stream.models.media import VideoFrame
from utd_stream.ports import Clock, VideoSource

__all__ = ["Eyes", "PictureFeed"]

_MAX_WAITING_FRAMES = 2
# Where the first picture is late; LiveKit's client takes any size afterwards.
_USUAL_PX = (640, 360)
_I420 = rtc.VideoBufferType.I420
_Rotation: TypeAlias = rtc.VideoRotation.ValueType
_TURNS: dict[int, _Rotation] = {
    0: rtc.VideoRotation.VIDEO_ROTATION_0,
    90: rtc.VideoRotation.VIDEO_ROTATION_90,
    180: rtc.VideoRotation.VIDEO_ROTATION_180,
    270: rtc.VideoRotation.VIDEO_ROTATION_270,
}
_DEGREES = {turn: degrees for degrees, turn in _TURNS.items()}

logger = logging.getLogger("utd_stream.adapters")


class PictureFeed(Feed[AppPictures]):
    """Pictures of a source on their way into a track; the clock sets their pace.

    Raises:
        PublishError: If the source cannot be opened.
    """

    def __init__(
        self, source: VideoSource, name: str, clock: Clock, *, is_screen: bool
    ) -> None:
        self._name = name
        self._clock = clock
        self._is_screen = is_screen
        self._native: rtc.VideoSource | None = None
        self._track: rtc.LocalVideoTrack | None = None
        super().__init__(source)

    @property
    def track(self) -> rtc.LocalVideoTrack:
        """The track that is published; only after `ready`."""
        assert self._track is not None  # noqa: S101 -- asked for then
        return self._track

    async def ready(self) -> None:
        """Wait for the first picture, and make a track of its size."""
        await super().ready()
        first = self._frames.waiting
        width, height = (
            _USUAL_PX if first is None else (first.width_px, first.height_px)
        )
        self._native = rtc.VideoSource(width, height, is_screencast=self._is_screen)
        self._track = rtc.LocalVideoTrack.create_video_track(self._name, self._native)

    def _open(self, source: VideoSource, *, again: bool) -> AppPictures:
        return AppPictures(source, self._clock, again=again)

    async def _free(self) -> None:
        if self._native is not None:
            await self._native.aclose()

    async def _run(self) -> None:
        assert self._native is not None  # noqa: S101 -- ready by then
        try:
            while (frame := await self._frames.due()) is not None:
                self._native.capture_frame(
                    rtc.VideoFrame(frame.width_px, frame.height_px, _I420, frame.data),
                    timestamp_us=round(self._clock.monotonic() * 1_000_000),
                    rotation=_TURNS[frame.rotation],
                )
        except Exception:
            logger.exception("LiveKit's client takes no more video; its track is muted")
            await self._frames.aclose()
        self.track.mute()


class Eyes(Streams[rtc.VideoStream]):
    """Streams of pictures."""

    def __init__(self) -> None:
        super().__init__()
        # LiveKit's reader hangs for ever once its stream is closed (T53).
        self._ends: dict[rtc.VideoStream, asyncio.Future[None]] = {}

    async def see(self, find: Find) -> AsyncGenerator[VideoFrame, None]:
        """Yield the frames of the track that *find* returns, then of the next."""
        ended = None
        while not self._is_closed:
            track = find()
            if track is None or track is ended:
                await self._news.wait()
                continue
            stream = rtc.VideoStream.from_track(
                track=track, format=_I420, capacity=_MAX_WAITING_FRAMES
            )
            end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._open[stream], self._ends[stream] = (track, find), end
            began = None
            try:
                while (event := await _next(stream, end)) is not None:
                    began = event.timestamp_us if began is None else began
                    yield _our_frame(event, began)
            finally:
                del self._open[stream]
                self._close(stream)
            ended = track

    def _close(self, stream: rtc.VideoStream) -> None:
        end = self._ends.pop(stream, None)
        if end is not None:
            end.set_result(None)
            super()._close(stream)


async def _next(
    stream: rtc.VideoStream, end: asyncio.Future[None]
) -> rtc.VideoFrameEvent | None:
    """Return the next frame; None once the stream is at its end."""
    reading = asyncio.ensure_future(anext(stream, None))
    try:
        await asyncio.wait((reading, end), return_when=asyncio.FIRST_COMPLETED)
        return reading.result() if reading.done() else None
    finally:
        reading.cancel()


def _our_frame(event: rtc.VideoFrameEvent, began: int) -> VideoFrame:
    frame = event.frame
    data = bytes(frame.data)
    width, height = frame.width - frame.width % 2, frame.height - frame.height % 2
    if (width, height) != (frame.width, frame.height):
        data = _evened(data, frame.width, frame.height)
    return VideoFrame(
        data=data,
        width_px=width,
        height_px=height,
        at=max(0, event.timestamp_us - began) / 1_000_000,
        rotation=_DEGREES.get(cast("_Rotation", event.rotation), 0),
    )


def _evened(data: bytes, width: int, height: int) -> bytes:
    """Return I420 of odd sides without its last column, or row, or both."""
    kept: list[bytes] = []
    start = 0
    half = ((width + 1) // 2, (height + 1) // 2)
    for (wide, high), few in (((width, height), 2), (half, 1), (half, 1)):
        side = width // 2 * few
        rows = height // 2 * few
        kept += [data[start + y * wide : start + y * wide + side] for y in range(rows)]
        start += wide * high
    return b"".join(kept)
