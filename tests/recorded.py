"""Half a minute of a call, recorded and read back."""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import AsyncIterator
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import median

import attrs
import av

from utd_stream.client.call import UTDCallSession
from utd_stream.media import FileSource, Recorder, TestPattern, Tone, read_pattern
from utd_stream.media._av import our_picture
from utd_stream.models import AudioFrame, VideoFrame
from utd_stream.testing import VirtualLoop

__all__ = ["PATTERN", "Film", "Recorded", "Siren", "record"]

LOW_HZ, HIGH_HZ = 400.0, 1000.0
PATTERN = TestPattern(320, 180, 15)


@attrs.define
class Siren:
    """A tone that changes every second.

    Attributes:
        began: When its first sound was sent, as far as the last one tells: in memory
            some are left out before somebody listens.
    """

    began: float = -math.inf

    async def open(self) -> AsyncIterator[AudioFrame]:
        """Yield it."""
        low, high = Tone(LOW_HZ).open(), Tone(HIGH_HZ).open()
        step = 0
        while True:
            yield await anext(high if step // 100 % 2 else low)
            loop = asyncio.get_running_loop()
            began = loop.time() - step / 100
            # LiveKit's client takes the next sounds before it sends the last ones.
            is_ahead = not isinstance(loop, VirtualLoop)
            self.began = max(self.began, began) if is_ahead else began
            step += 1


@attrs.define
class Film:
    """Numbered pictures, and when the first one was taken."""

    began: float | None = None

    async def open(self) -> AsyncIterator[VideoFrame]:
        """Yield them."""
        async for frame in PATTERN.open():
            yield frame
            if self.began is None:
                self.began = asyncio.get_running_loop().time()


def changes(samples: bytes) -> list[float]:
    """Return when the tone turns high, in seconds."""
    sound = array("h", samples)
    signs = ((one < 0) is not (other < 0) for one, other in pairwise(sound))
    turns = list(accumulate(signs, initial=0))
    width, hop = 4800, 240  # a tenth of a second: 80 or 200 changes of sign
    middle = width / 48_000 * (LOW_HZ + HIGH_HZ)
    counted = [turns[i + width] - turns[i] for i in range(0, len(turns) - width, hop)]
    rises: list[float] = []
    for i, (one, other) in enumerate(pairwise(counted)):
        at = ((i + 1) * hop + width / 2) / 48_000
        if one <= middle < other and (not rises or at > rises[-1] + 1):
            rises.append(at)
    return rises


def pictures(path: Path) -> list[tuple[float, int]]:
    """Return when each numbered picture is shown, and which it is."""
    with av.open(str(path)) as container:
        shown = [
            (frame.time or 0.0, read_pattern(our_picture(frame, 0.0)))
            for frame in container.decode(video=0)
        ]
    return [(at, number) for at, number in shown if number is not None]


@attrs.frozen
class Recorded:
    """What became of half a minute.

    Attributes:
        lasted: How long it was recorded, in seconds.
        length: How long the sound of the file is.
        rises: When the tone turns high in it.
        shown: When which picture is shown.
        apart: How much later the sound is than the pictures, against how they were
            sent, in seconds.
        delay: From a picture's sending to its reading, in seconds.
    """

    lasted: float
    length: float
    rises: list[float]
    shown: list[tuple[float, int]]
    apart: float
    delay: float


async def record(
    session: UTDCallSession, siren: Siren, film: Film, path: Path
) -> Recorded:
    """Record 30 s of ana, who sends these, as *session* receives them."""
    recorder = Recorder(path, size=(320, 180))
    loop = asyncio.get_running_loop()
    recording = asyncio.ensure_future(
        recorder.run(audio=session.audio("ana"), video=session.video("ana"))
    )
    while not recorder.progress.seconds:  # noqa: ASYNC110 -- on request
        await asyncio.sleep(0.005)
    began = loop.time() - recorder.progress.seconds
    await asyncio.sleep(began + 30 - loop.time())
    recording.cancel()
    await asyncio.wait([recording])
    lasted = loop.time() - began

    source = FileSource(path).audio.open()
    samples = b"".join([frame.samples async for frame in source])
    rises = [at for at in changes(samples) if at > 2]  # codecs begin rough
    shown = pictures(path)
    assert film.began is not None
    behind = median(at - film.began - number / PATTERN.fps for at, number in shown)
    # The tone turns high after every odd second.
    late = [(at - behind - siren.began - 1) % 2 for at in rises]
    apart = median(each if each < 1 else each - 2 for each in late)
    return Recorded(lasted, len(samples) / 96_000, rises, shown, apart, began + behind)
