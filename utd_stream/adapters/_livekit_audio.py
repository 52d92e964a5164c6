"""Sound into and out of LiveKit's native client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from livekit import rtc

from utd_stream.errors import PublishError
from utd_stream.models.media import AudioFrame
from utd_stream.ports import AudioSource

__all__ = ["Ears", "Feed"]

SAMPLE_RATE_HZ = 48_000
CHANNELS = 1
# What the native source may hold: enough for a loop that is late now and then,
# little enough that a track falls silent at once when its feed stops.
_QUEUE_MS = 80
_FRAME_MS = 10
_MAX_WAITING_FRAMES = 100

_Find: TypeAlias = Callable[[], rtc.Track | None]

logger = logging.getLogger("utd_stream.adapters")


class Feed:
    """Frames of a source on their way into a track, at the track's pace.

    Raises:
        PublishError: If the source cannot be opened.
    """

    def __init__(self, source: AudioSource, name: str) -> None:
        try:
            self._frames: AsyncIterator[AudioFrame] | None = source.open()
        except Exception as error:  # the app's own code
            message = (
                f"the audio source cannot be opened: {type(error).__name__}, {error}"
            )
            raise PublishError(message) from error
        self._native = rtc.AudioSource(
            SAMPLE_RATE_HZ, CHANNELS, queue_size_ms=_QUEUE_MS
        )
        self.track = rtc.LocalAudioTrack.create_audio_track(name, self._native)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to pull frames."""
        if self._frames is not None:
            task = asyncio.create_task(self._run(self._frames), name="audio feed")
            self._task = task

    def mute(self, *, muted: bool) -> None:
        """Stop or start sending; frames are pulled all the same."""
        if muted:
            self.track.mute()
        else:
            self.track.unmute()

    async def stop(self) -> None:
        """Pull no more frames and throw away those that wait to be sent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        # Nothing has run of a task that was cancelled in its first turn.
        await self._close_frames()

    async def aclose(self) -> None:
        """Stop, then free the native source."""
        await self.stop()
        await self._native.aclose()

    async def _run(self, frames: AsyncIterator[AudioFrame]) -> None:
        try:
            async for frame in frames:
                await self._native.capture_frame(_native_frame(frame))
        except asyncio.CancelledError:
            self._native.clear_queue()
            raise
        except Exception:
            # The source is the app's own code; the track stays, silent.
            logger.exception("an audio source failed; its track is silent now")
        await self._close_frames()

    async def _close_frames(self) -> None:
        frames, self._frames = self._frames, None
        close = getattr(frames, "aclose", None)
        if close is None:
            return
        try:
            await close()
        except Exception:
            logger.exception("an audio source failed when it was closed")


def _native_frame(frame: AudioFrame) -> rtc.AudioFrame:
    if (frame.sample_rate_hz, frame.channels) != (SAMPLE_RATE_HZ, CHANNELS):
        message = "an audio source must give 48 kHz mono frames"
        raise ValueError(message)
    return rtc.AudioFrame(
        frame.samples, frame.sample_rate_hz, frame.channels, frame.samples_per_channel
    )


class Ears:
    """Streams of remote tracks that are being read, so that all can be ended.

    LiveKit's own stream of a track outlives the track, and its room.
    """

    def __init__(self) -> None:
        self._open: dict[rtc.AudioStream, tuple[rtc.Track, _Find]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._is_closed = False

    def refresh(self) -> None:
        """Look again for tracks: some came, or are gone."""
        news, self._news = self._news, asyncio.Event()
        news.set()
        for stream, (track, find) in tuple(self._open.items()):
            if self._is_closed or find() is not track:
                self._close(stream)

    async def aclose(self) -> None:
        """End every reader; later ones end at once."""
        self.end()
        if self._closing:
            await asyncio.wait(tuple(self._closing))

    def end(self) -> None:
        """End every reader, without waiting until the streams are freed."""
        self._is_closed = True
        self.refresh()

    async def hear(self, find: _Find) -> AsyncIterator[AudioFrame]:
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
                sample_rate=SAMPLE_RATE_HZ,
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

    def _close(self, stream: rtc.AudioStream) -> None:
        # A task of its own: whoever stopped reading may have been cancelled.
        task = asyncio.create_task(stream.aclose(), name="audio stream closing")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _our_frame(frame: rtc.AudioFrame) -> AudioFrame:
    return AudioFrame(
        samples=bytes(frame.data.cast("B")),
        sample_rate_hz=frame.sample_rate,
        channels=frame.num_channels,
    )
