"""Sound from those who publish to those who listen, at the pace of the clock."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

import attrs

from utd_stream.errors import PublishError
from utd_stream.models.media import AudioFrame
from utd_stream.ports import AudioSource, Clock

__all__ = ["Ears", "Feed", "Sound"]

_RATE_HZ = 48_000
_FRAME_BYTES = 2 * _RATE_HZ // 100  # 10 ms
_FRAME_SECONDS = 0.01
_MAX_WAITING_FRAMES = 100
# Somebody speaks who is loud in so many of so many frames; a sample of 583 is 35 dB
# below the loudest.
_LOUD = 583
_LOUD_FRAMES = 16
_JUDGED_FRAMES = 40
_SILENCE = AudioFrame(samples=bytes(_FRAME_BYTES))

logger = logging.getLogger("utd_stream.adapters")


class Feed:
    """The sound of one publication; its source is asked only while somebody listens.

    Attributes:
        is_muted: Whether it sends silence; frames are pulled all the same.
        is_cut: Whether what it sends gets lost, so that silence is heard.
        is_speaking: Whether it was loud of late, for those who heard it.

    Raises:
        PublishError: If the source cannot be opened.
    """

    def __init__(self, source: AudioSource, clock: Clock) -> None:
        try:
            self._frames: AsyncIterator[AudioFrame] | None = source.open()
        except Exception as error:  # the app's own code
            message = (
                f"the audio source cannot be opened: {type(error).__name__}, {error}"
            )
            raise PublishError(message) from error
        self.is_muted = False
        self.is_cut = False
        self.is_speaking = False
        self._told: Callable[[Feed], None] | None = None
        self._frames_judged = self._frames_loud = 0
        self._clock = clock
        self._rest = b""
        self._ears: dict[Ear, None] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    def add(self, ear: Ear) -> None:
        """Let *ear* hear from now on."""
        self._ears[ear] = None
        if not self._is_closed and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run(), name="loopback sound")

    def publish(self, told: Callable[[Feed], None]) -> None:
        """Tell *told* from now on when its owner begins to speak, or ends."""
        self._told, self.is_speaking = told, False

    def remove(self, ear: Ear) -> None:
        """Let *ear* hear no more."""
        # With the last one the task ends by itself: canceling it while it asks
        # the source would end the source.
        self._ears.pop(ear, None)

    async def aclose(self) -> None:
        """Pull no more frames, and close the source if it can be."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self._close_frames()

    async def _run(self) -> None:
        due = self._clock.monotonic()
        while self._ears:
            samples = await self._next()
            is_silent = self.is_muted or self.is_cut or not samples
            frame = _SILENCE if is_silent else AudioFrame(samples=samples)
            self._judge(frame)
            for ear in tuple(self._ears):
                ear.put(frame)
            due += _FRAME_SECONDS
            await self._clock.sleep(max(due - self._clock.monotonic(), 0))

    def _judge(self, frame: AudioFrame) -> None:
        self._frames_judged += 1
        self._frames_loud += max(memoryview(frame.samples).cast("h")) >= _LOUD
        if self._frames_judged == _JUDGED_FRAMES:
            is_speaking = self._frames_loud >= _LOUD_FRAMES
            self._frames_judged = self._frames_loud = 0
            if is_speaking is not self.is_speaking and self._told is not None:
                self.is_speaking = is_speaking
                self._told(self)

    async def _next(self) -> bytes:
        """Return the next 10 ms, or nothing once the source has ended."""
        try:
            while self._frames is not None and len(self._rest) < _FRAME_BYTES:
                self._rest += _checked(await anext(self._frames))
        except StopAsyncIteration:
            await self._close_frames()
        except Exception:
            # The source is the app's own code; the track stays, silent.
            logger.exception("an audio source failed; its track is silent now")
            await self._close_frames()
        samples, self._rest = self._rest[:_FRAME_BYTES], self._rest[_FRAME_BYTES:]
        return samples if len(samples) == _FRAME_BYTES else b""

    async def _close_frames(self) -> None:
        frames, self._frames = self._frames, None
        close = getattr(frames, "aclose", None)
        if close is not None:
            try:
                await close()
            except Exception:
                logger.exception("an audio source failed to close")


@attrs.define(eq=False)
class Sound:
    """A track that one client receives; received again, it is another one.

    Attributes:
        feed: Where it comes from.
        is_lost: Whether nothing comes of it any more; the client was not told.
    """

    feed: Feed
    is_lost: bool = False


_Find: TypeAlias = Callable[[], Sound | None]


class Ear:
    """One reader of one track."""

    def __init__(self, sound: Sound, is_cut: Callable[[], bool]) -> None:
        self._frames: deque[AudioFrame] = deque(maxlen=_MAX_WAITING_FRAMES)
        self._sound = sound
        self._is_cut = is_cut
        self._news: asyncio.Future[None] | None = None
        self._is_closed = False

    def put(self, frame: AudioFrame) -> None:
        """Hear one frame; the oldest of too many is dropped."""
        if not self._sound.is_lost:
            self._frames.append(_SILENCE if self._is_cut() else frame)
            self._wake()

    def close(self) -> None:
        """Hear nothing any more, not even what waits."""
        self._is_closed = True
        self._wake()

    async def next(self) -> AudioFrame | None:
        """Return the next frame, or None when there are no more."""
        while not self._is_closed:
            if self._frames:
                return self._frames.popleft()
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        return None

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


class Ears:
    """Every reader of one client.

    Args:
        is_cut: Whether what is sent to this client gets lost.
    """

    __slots__ = ("_is_closed", "_is_cut", "_news", "_open")

    def __init__(self, is_cut: Callable[[], bool]) -> None:
        self._is_cut = is_cut
        self._open: dict[Ear, tuple[Sound, _Find]] | None = None
        self._news: asyncio.Event | None = None
        self._is_closed = False

    def refresh(self) -> None:
        """Look again for tracks: some came, or are gone."""
        news, self._news = self._news, None
        if news is not None:
            news.set()
        for ear, (sound, find) in tuple((self._open or {}).items()):
            if self._is_closed or find() is not sound:
                ear.close()

    def end(self) -> None:
        """End every reader; later ones end at once."""
        self._is_closed = True
        self.refresh()

    async def hear(self, find: _Find) -> AsyncIterator[AudioFrame]:
        """Yield the frames of the track that *find* returns, then of the next."""
        ended = None
        while not self._is_closed:
            sound = find()
            if sound is None or sound is ended:
                self._news = self._news or asyncio.Event()
                await self._news.wait()
                continue
            ended = sound
            ear = Ear(sound, self._is_cut)
            if self._open is None:
                self._open = {}
            self._open[ear] = (sound, find)
            sound.feed.add(ear)
            try:
                while (frame := await ear.next()) is not None:
                    yield frame
            finally:
                del self._open[ear]
                sound.feed.remove(ear)


def _checked(frame: AudioFrame) -> bytes:
    if (frame.sample_rate_hz, frame.channels) != (_RATE_HZ, 1):
        message = "an audio source must give 48 kHz mono frames"
        raise ValueError(message)
    return frame.samples
