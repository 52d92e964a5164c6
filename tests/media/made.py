"""Media files that tests make, sound ones and broken ones."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TypeVar

import av
import pytest
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from utd_stream.media import FileSource, Recorder, TestPattern, Tone
from utd_stream.media._av import their_picture
from utd_stream.models import AudioFrame, VideoFrame
from utd_stream.ports import AudioSource, VideoSource

__all__ = [
    "lasting",
    "make",
    "make_pictures",
    "make_sound",
    "nothing_left",
    "paced",
    "pictures_of",
    "sound_of",
]

_T = TypeVar("_T")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Each test leaves no thread of a file, and no open file."""
    handles = Path("/proc/self/fd")
    before = sum(1 for _ in handles.iterdir()) if handles.is_dir() else 0
    yield
    for thread in threading.enumerate():
        if thread.name.startswith(("media file", "recorder", "camera")):
            thread.join(5)
            assert not thread.is_alive()
    if before:
        assert sum(1 for _ in handles.iterdir()) <= before


async def paced(frames: AsyncIterator[_T], step: float) -> AsyncIterator[_T]:
    """Yield a frame every *step* seconds of the loop's time."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    async for frame in frames:
        due += step
        await asyncio.sleep(due - loop.time())
        yield frame


async def lasting(frames: AsyncIterator[_T], count: int) -> AsyncIterator[_T]:
    """Yield the first *count* frames."""
    if count == 0:
        return
    async for frame in frames:
        yield frame
        count -= 1
        if count == 0:
            return


async def make(
    path: Path,
    *,
    seconds: float = 2.0,
    sound: AudioSource | None = Tone(440),  # noqa: B008 -- frozen
    pictures: VideoSource | None = None,
    size: tuple[int, int] = (320, 180),
) -> Path:
    """Record a file; pictures come 15 a second."""
    audio: AsyncIterator[AudioFrame] | None = None
    video: AsyncIterator[VideoFrame] | None = None
    if sound is not None:
        audio = paced(lasting(sound.open(), round(seconds * 100)), 0.01)
    if pictures is not None:
        video = paced(lasting(pictures.open(), round(seconds * 15)), 1 / 15)
    await Recorder(path, size=size).run(audio=audio, video=video)
    return path


def make_pictures(
    path: Path, codec: str, size: tuple[int, int], count: int = 10
) -> Path:
    """Encode numbered pictures of any size with any codec."""
    frames = islice(TestPattern(320, 180, 10)._frames(), count)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number, frame in enumerate(frames):
            made = their_picture(frame).reformat(*size, format=stream.pix_fmt)
            made.pts, made.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(made))
        container.mux(stream.encode(None))
    return path


def make_sound(path: Path, samples: int, rate_hz: int) -> Path:
    """Write so many samples of a stereo wave."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=rate_hz, layout="stereo")
        assert isinstance(stream, AudioStream)
        frame = av.AudioFrame("s16", "stereo", samples)
        frame.sample_rate = rate_hz
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


async def sound_of(path: Path) -> list[AudioFrame]:
    """Return all the sound of a file."""
    return [frame async for frame in FileSource(path).audio.open()]


async def pictures_of(path: Path) -> list[VideoFrame]:
    """Return all the pictures of a file."""
    return [frame async for frame in FileSource(path).video.open()]
