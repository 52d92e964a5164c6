"""Pictures over the loopback plane: when they are made, and when they come.

Time is virtual.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import count

import attrs
import pytest

from tests.planes import LISTENER, Guest, Plane
from utd_stream.adapters.loopback import Loopback
from utd_stream.media import TestPattern, read_pattern
from utd_stream.models import Permission, TrackSource, VideoFrame

pytestmark = pytest.mark.asyncio(loop_factories=["loopback"])

CAMERA = TrackSource.CAMERA
SENDER = Permission(can_publish=True, can_publish_sources=(CAMERA,))
BLANK = bytes(80 * 80 * 3 // 2)


@attrs.define
class Counted:
    """Pictures at times that a test chooses; how many were made."""

    step: float
    made: int = 0

    async def open(self) -> AsyncIterator[VideoFrame]:
        """Yield them without waiting."""
        for number in count():
            self.made += 1
            yield VideoFrame(
                data=BLANK, width_px=80, height_px=80, at=number * self.step
            )


async def two(plane: Plane, source: Counted | TestPattern) -> tuple[Guest, Guest]:
    """Return one who sends *source*, and one who may look."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_video(source, name="camera", track_source=CAMERA)
    return ana, ben


async def look(guest: Guest, frames: int) -> list[VideoFrame]:
    """Return the next frames of ana's camera."""
    seen: list[VideoFrame] = []
    async with aclosing(guest.video("ana", CAMERA)) as looking:  # type: ignore[type-var]  # a generator
        async for frame in looking:
            seen.append(frame)
            if len(seen) == frames:
                break
    return seen


async def test_pictures_that_nobody_sees_are_not_made(plane: Plane) -> None:
    """One waits for whoever looks; looked at no more, no others are made."""
    source = Counted(0.1)
    _, ben = await two(plane, source)
    await plane.clock.sleep(60)
    assert source.made == 1
    await look(ben, 10)
    made = source.made
    assert made <= 13
    await plane.clock.sleep(60)
    assert source.made <= made + 1


@pytest.mark.parametrize(("step", "lasts"), [(0.1, 0.9), (0.0, 9 / 120), (11.0, 0.075)])
async def test_times_set_the_pace(plane: Plane, step: float, lasts: float) -> None:
    """No faster than 120 a second, and no pause of more than ten seconds."""
    _, ben = await two(plane, Counted(step))
    looking = ben.video("ana", CAMERA)
    await anext(looking)
    began = plane.clock.monotonic()
    for _ in range(9):
        await anext(looking)

    assert plane.clock.monotonic() - began == pytest.approx(lasts, abs=0.02)


async def test_whoever_is_slow_misses_the_oldest(plane: Plane) -> None:
    """Two pictures wait; a reader that comes back sees the newest."""
    _, ben = await two(plane, TestPattern(80, 80, 10))
    looking = ben.video("ana", CAMERA)
    first = read_pattern(await anext(looking))
    await plane.clock.sleep(5)
    numbers = [read_pattern(await anext(looking)) for _ in range(2)]

    assert first is not None
    assert numbers[0] is not None
    assert numbers[0] >= first + 45
    assert numbers[1] == numbers[0] + 1


async def test_a_cut_line_shows_nothing(plane: Plane, sfu: Loopback) -> None:
    """Mended, the pictures go on where they are by then."""
    _, ben = await two(plane, TestPattern(80, 80, 10))
    looking = ben.video("ana", CAMERA)
    before = read_pattern(await anext(looking))
    sfu.lines.cut(plane.room(), "ben")
    await plane.clock.sleep(3)
    sfu.lines.mend(plane.room(), "ben")
    numbers = [read_pattern(await anext(looking)) for _ in range(4)]

    assert before is not None
    assert numbers[-1] is not None
    assert numbers[-1] >= before + 28
