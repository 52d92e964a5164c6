"""Sound into and out of LiveKit's native client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from livekit import rtc

from utd_stream.adapters._app_sound import CHANNELS, RATE_HZ, AppSound
from utd_stream.adapters._livekit_feed import Feed
from utd_stream.adapters._livekit_streams import Find, Streams
from utd_stream.models.media import AudioFrame
from utd_stream.ports import AudioSource, Clock

__all__ = ["Ears", "SoundFeed"]

# What the native source may hold: enough for a loop that is late now and then,
# little enough that a track falls silent at once when its feed stops.
_QUEUE_MS = 80
_FRAME_MS = 10
_MAX_WAITING_FRAMES = 100
# A capture ends at once where nothing waits to be sent; in seconds.
_CAPTURE_LIMIT = 0.5

logger = logging.getLogger("utd_stream.adapters")


class SoundFeed(Feed[AppSound]):
    """Sound of a source on its way into a track, at the track's pace.

    Raises:
        PublishError: If the source cannot be opened.
    """

    def __init__(self, source: AudioSource, name: str, clock: Clock) -> None:
        self._clock = clock
        super().__init__(source)
        self._native = rtc.AudioSource(RATE_HZ, CHANNELS, queue_size_ms=_QUEUE_MS)
        self._track = rtc.LocalAudioTrack.create_audio_track(name, self._native)

    @property
    def track(self) -> rtc.LocalAudioTrack:
        """The track that is published."""
        return self._track

    def _open(self, source: AudioSource, *, again: bool) -> AppSound:
        return AppSound(source, self._clock, again=again)

    async def _free(self) -> None:
        await self._native.aclose()

    async def _run(self) -> None:
        try:
            while (samples := await self._frames.next()) is not None:
                await self._capture(samples)
            await self._native.wait_for_playout()
        except asyncio.CancelledError:
            self._native.clear_queue()
            raise
        except Exception:
            logger.exception("LiveKit's client takes no more sound; its track is muted")
            await self._frames.aclose()
        self.track.mute()

    async def _capture(self, samples: bytes) -> None:
        # LiveKit's client answers each capture.  One that was cancelled would be
        # answered when the client is gone: it prints an error at the process's end.
        frame = _native_frame(samples)
        captured = asyncio.ensure_future(self._native.capture_frame(frame))
        try:
            await asyncio.shield(captured)
        except asyncio.CancelledError:
            self._native.clear_queue()
            await asyncio.wait([captured], timeout=_CAPTURE_LIMIT)
            if not captured.cancel():
                captured.exception()  # nobody is left to be told
            raise


def _native_frame(samples: bytes) -> rtc.AudioFrame:
    return rtc.AudioFrame(samples, RATE_HZ, CHANNELS, len(samples) // 2)


class Ears(Streams[rtc.AudioStream]):
    """Streams of sound."""

    async def hear(self, find: Find) -> AsyncIterator[AudioFrame]:
        """Yield the frames of the track that *find* returns, then of the next."""
        ended = None
        while not self._is_closed:
            track = find()
            if track is None or track is ended:
                await self._news.wait()
                continue
            stream = rtc.AudioStream.from_track(
                track=track,
                capacity=_MAX_WAITING_FRAMES,
                sample_rate=RATE_HZ,
                num_channels=CHANNELS,
                frame_size_ms=_FRAME_MS,
            )
            self._open[stream] = (track, find)
            try:
                async for event in stream:
                    yield _our_frame(event.frame)
            finally:
                del self._open[stream]
                self._close(stream)
            ended = track


def _our_frame(frame: rtc.AudioFrame) -> AudioFrame:
    return AudioFrame(
        samples=bytes(frame.data.cast("B")),
        sample_rate_hz=frame.sample_rate,
        channels=frame.num_channels,
    )
