"""Sound from those who publish to those who listen, at the pace of the clock."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import attrs

from utd_stream.adapters._app_sound import SILENCE, STEP_SECONDS, AppSound
from utd_stream.models.media import AudioFrame, VideoFrame
from utd_stream.models.participants import TrackKind
from utd_stream.ports import AudioSource, Clock

__all__ = ["AnyFeed", "Ear", "Ears", "Feed", "Sound"]

_T = TypeVar("_T")

_MAX_WAITING_FRAMES = 100
_MAX_WAITING_PICTURES = 2
# Somebody speaks whose sound is loud for so many of a hundred steps; a sample of
# 583 is 35 dB below the loudest.
_LOUD = 583
_LOUD_PERCENT = 40
# Steps after which that is judged, and so many where nobody listens.
_WHOLE_LOOK = 40
_SHORT_LOOK = 5
# Pauses between looks where nobody listens, in seconds; each is twice the last.
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
_SILENCE = AudioFrame(samples=SILENCE)


class AnyFeed(Protocol):
    """What one publication sends, of whatever kind.

    Attributes:
        is_cut: Whether what it sends gets lost.
    """

    is_cut: bool

    @property
    def kind(self) -> TrackKind:
        """Sound or pictures."""
        ...

    @property
    def is_muted(self) -> bool:
        """Whether it sends nothing."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether its source has ended or failed."""
        ...

    async def ready(self) -> None:
        """Wait for the first frame, for a limited time."""
        ...

    def add(self, ear: Ear[Any], /) -> None:
        """Let *ear* receive from now on."""
        ...

    def remove(self, ear: Ear[Any], /) -> None:
        """Let *ear* receive no more."""
        ...

    def mute(self, *, muted: bool) -> None:
        """Send nothing, or something again."""
        ...

    async def switch(self, source: Any) -> None:
        """Take frames from *source* from now on."""
        ...

    async def aclose(self) -> None:
        """Take no more, and close the source if it can be."""
        ...


class Feed:
    """The sound of one publication, taken step by step while somebody listens.

    While nobody does, a little is taken now and then: enough to tell who speaks,
    and that a source has ended, at next to no cost.

    Args:
        source: Where the sound comes from.
        clock: Time.
        ended: Called when the source has ended or failed.

    Attributes:
        is_muted: Whether it sends silence.
        is_cut: Whether what it sends gets lost, so that silence is heard.
        is_speaking: Whether it was loud of late.

    Raises:
        PublishError: If the source cannot be opened.
    """

    kind = TrackKind.AUDIO

    def __init__(
        self, source: AudioSource, clock: Clock, ended: Callable[[Feed], None]
    ) -> None:
        self._source = source
        self._clock = clock
        self._ended = ended
        self._sound = self._opened(source)
        self.is_muted: bool = False
        self.is_cut = False
        self.is_speaking: bool = False
        self._told: Callable[[Feed], None] | None = None
        self._ears: dict[Ear[AudioFrame], None] = {}
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._is_closed = False
        # Of the look under way, and the pause that comes after it.
        self._look = _Look(_WHOLE_LOOK)
        self._pause = _FIRST_PAUSE

    @property
    def is_over(self) -> bool:
        """Whether its source has ended or failed."""
        return self._sound.is_over

    async def ready(self) -> None:
        """Wait for the first sound, for a limited time.

        Raises:
            PublishError: If the source failed or ended before it.
        """
        await self._sound.ready()

    def add(self, ear: Ear[AudioFrame], /) -> None:
        """Let *ear* hear from now on."""
        self._ears[ear] = None
        self._wake()

    def publish(self, told: Callable[[Feed], None]) -> None:
        """Tell *told* from now on when its owner begins to speak, or ends."""
        self._told, self.is_speaking = told, False
        self._wake()

    def mute(self, *, muted: bool) -> None:
        """Send silence, or sound again.

        Raises:
            PublishError: If the source had ended, and cannot be opened anew.
        """
        if not muted and self.is_over:
            self._sound = self._opened(self._source, again=True)
        self.is_muted = muted
        self._wake()

    async def switch(self, source: AudioSource) -> None:
        """Take sound from *source* from now on, once its first sound is there.

        Raises:
            PublishError: If it cannot be played; the one before goes on.
        """
        sound = self._opened(source)
        await sound.ready_or_closed()
        if self._is_closed:
            await sound.aclose()
            return
        before, self._sound, self._source = self._sound, sound, source
        self._wake()
        await before.aclose()

    def remove(self, ear: Ear[AudioFrame], /) -> None:
        """Let *ear* hear no more."""
        self._ears.pop(ear, None)

    async def aclose(self) -> None:
        """Take no more sound, and close the source if it can be."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self._sound.aclose()

    def _opened(self, source: AudioSource, *, again: bool = False) -> AppSound:
        return AppSound(source, self._clock, lambda: self._ended(self), again=again)

    def _wake(self) -> None:
        """Look whole again, now."""
        self._look, self._pause = _Look(_WHOLE_LOOK), _FIRST_PAUSE
        self._woken.set()
        if self._task is None and not self._is_closed:
            self._task = asyncio.create_task(self._run(), name="loopback sound")

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            due = self._clock.monotonic()
            while self._ears:
                self._take_step()
                due += STEP_SECONDS
                await self._clock.sleep(max(due - self._clock.monotonic(), 0))
            if self._look.is_over:
                await self._rest()
            else:
                await self._look_once()

    async def _look_once(self) -> None:
        """Take all steps of a look at once, after the time that they last."""
        self._sound.read_ahead(self._look.steps)
        is_woken = await self._is_woken(self._look.steps * STEP_SECONDS)
        self._sound.read_ahead(1)
        if is_woken:  # another look has begun; what was read for this one is old
            self._sound.skip()
            return
        while not self._look.is_over:
            self._judge(self._sent())

    async def _rest(self) -> None:
        # What is muted or over stays as it is until somebody does something.
        is_still = self.is_muted or self.is_over
        if not await self._is_woken(None if is_still else self._pause):
            self._look = _Look(_SHORT_LOOK)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    async def _is_woken(self, limit: float | None) -> bool:
        try:
            async with self._clock.timeout(limit):
                await self._woken.wait()
        except TimeoutError:
            return False
        return True

    def _sent(self) -> bytes:
        taken = self._sound.take()
        return SILENCE if taken is None or self.is_muted or self.is_cut else taken

    def _take_step(self) -> None:
        samples = self._sent()
        frame = _SILENCE if samples is SILENCE else AudioFrame(samples=samples)
        for ear in tuple(self._ears):
            ear.put(frame)
        self._judge(samples)

    def _judge(self, samples: bytes) -> None:
        if self._look.is_over:  # somebody listens: the next look begins at once
            self._look = _Look(_WHOLE_LOOK)
        self._look.take(samples)
        is_speaking = self._look.is_loud
        if is_speaking is not None and is_speaking is not self.is_speaking:
            self.is_speaking = is_speaking
            if self._told is not None:
                self._told(self)


@attrs.define
class _Look:
    """A few steps of sound, and whether somebody speaks in them."""

    steps: int
    _taken: int = 0
    _loud: int = 0

    @property
    def is_over(self) -> bool:
        """Whether all of its steps were taken."""
        return self._taken >= self.steps

    @property
    def is_loud(self) -> bool | None:
        """Whether somebody spoke; None before it is over."""
        if not self.is_over:
            return None
        return 100 * self._loud >= _LOUD_PERCENT * self.steps

    def take(self, samples: bytes) -> None:
        """Take one step."""
        self._taken += 1
        if samples is not SILENCE:
            self._loud += max(memoryview(samples).cast("h")) >= _LOUD


@attrs.define(eq=False)
class Sound:
    """A track that one client receives; received again, it is another one.

    Attributes:
        feed: Where it comes from.
        is_lost: Whether nothing comes of it any more; the client was not told.
    """

    feed: AnyFeed
    is_lost: bool = False


_Find: TypeAlias = Callable[[], Sound | None]


class Ear(Generic[_T]):
    """One reader of one track.

    Args:
        sound: The track.
        is_cut: Whether what is sent to this client gets lost.
        most: How many frames wait to be read.
        nothing: What is read of what gets lost; None for no frame.
    """

    def __init__(
        self,
        sound: Sound,
        is_cut: Callable[[], bool],
        most: int,
        nothing: _T | None,
    ) -> None:
        self._frames: deque[_T] = deque(maxlen=most)
        self._sound = sound
        self._is_cut = is_cut
        self._nothing = nothing
        self._news: asyncio.Future[None] | None = None
        self._is_closed = False

    def put(self, frame: _T) -> None:
        """Take one frame; the oldest of too many is dropped."""
        came = self._nothing if self._is_cut() else frame
        if came is not None and not self._sound.is_lost:
            self._frames.append(came)
            self._wake()

    def close(self) -> None:
        """Hear nothing any more, not even what waits."""
        self._is_closed = True
        self._wake()

    async def next(self) -> _T | None:
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
        self._open: dict[Ear[Any], tuple[Sound, _Find]] | None = None
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

    def hear(self, find: _Find) -> AsyncIterator[AudioFrame]:
        """Yield the sound of the track that *find* returns, then of the next."""
        return self._read(find, _MAX_WAITING_FRAMES, _SILENCE)

    def see(self, find: _Find) -> AsyncGenerator[VideoFrame, None]:
        """Yield the pictures of the track that *find* returns, then of the next."""
        nothing: VideoFrame | None = None
        return self._read(find, _MAX_WAITING_PICTURES, nothing)

    async def _read(
        self, find: _Find, most: int, nothing: _T | None
    ) -> AsyncGenerator[_T, None]:
        ended = None
        while not self._is_closed:
            sound = find()
            if sound is None or sound is ended:
                self._news = self._news or asyncio.Event()
                await self._news.wait()
                continue
            ended = sound
            ear = Ear(sound, self._is_cut, most, nothing)
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
