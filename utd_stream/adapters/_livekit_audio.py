"""Sound into and out of LiveKit's native client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Generic, Protocol, TypeAlias, TypeVar

from livekit import rtc

from utd_stream.adapters._app_sound import CHANNELS, RATE_HZ, AppSound
from utd_stream.models.media import AudioFrame
from utd_stream.ports import AudioSource, Clock

__all__ = ["Ears", "Feed", "Find", "Streams"]

# What the native source may hold: enough for a loop that is late now and then,
# little enough that a track falls silent at once when its feed stops.
_QUEUE_MS = 80
_FRAME_MS = 10
_MAX_WAITING_FRAMES = 100
# A capture ends at once where nothing waits to be sent; in seconds.
_CAPTURE_LIMIT = 0.5

Find: TypeAlias = Callable[[], rtc.Track | None]

logger = logging.getLogger("utd_stream.adapters")


class Feed:
    """Sound of a source on its way into a track, at the track's pace.

    Raises:
        PublishError: If the source cannot be opened.
    """

    def __init__(self, source: AudioSource, name: str, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._sound = AppSound(source, clock)
        self._native = rtc.AudioSource(RATE_HZ, CHANNELS, queue_size_ms=_QUEUE_MS)
        self.track = rtc.LocalAudioTrack.create_audio_track(name, self._native)
        self._task: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Wait for the first sound, for a limited time.

        Raises:
            PublishError: If the source failed or ended before it.
        """
        await self._sound.ready()

    def start(self) -> None:
        """Begin to take sound."""
        self._task = asyncio.create_task(self._run(), name="audio feed")

    def mute(self, *, muted: bool) -> None:
        """Stop or start sending; sound is taken all the same.

        Raises:
            PublishError: If the source had ended, and cannot be opened anew.
        """
        if muted:
            self.track.mute()
            return
        if self._task is not None and self._task.done():
            self._sound = AppSound(self._source, self._clock, again=True)
            self.start()
        self.track.unmute()

    async def stop(self) -> None:
        """Take no more sound and throw away what waits to be sent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self._sound.aclose()

    async def aclose(self) -> None:
        """Stop, then free the native source."""
        await self.stop()
        await self._native.aclose()

    async def _run(self) -> None:
        try:
            while (samples := await self._sound.next()) is not None:
                await self._capture(samples)
            await self._native.wait_for_playout()
        except asyncio.CancelledError:
            self._native.clear_queue()
            raise
        except Exception:
            logger.exception("LiveKit's client takes no more sound; its track is muted")
            await self._sound.aclose()
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


class _Stream(Protocol):
    """LiveKit's own stream of a track; it outlives the track, and its room."""

    async def aclose(self) -> None:
        """End it."""
        ...


_S = TypeVar("_S", bound=_Stream)


class Streams(Generic[_S]):
    """Streams of remote tracks that are being read, so that all can be ended."""

    def __init__(self) -> None:
        self._open: dict[_S, tuple[rtc.Track, Find]] = {}
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

    def _close(self, stream: _S) -> None:
        # A task of its own: whoever stopped reading may have been cancelled.
        task = asyncio.create_task(stream.aclose(), name="stream closing")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


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
