"""A program's own frames as a source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from utd_stream.errors import InvalidArgumentError
from utd_stream.media import FrameSource, TestPattern, read_pattern
from utd_stream.models import VideoFrame
from utd_stream.testing import run

PATTERN = TestPattern(320, 180, 10)


async def film(count: int = 100) -> AsyncIterator[VideoFrame]:
    """Numbered pictures, ten a second."""
    async for frame in PATTERN.open():
        yield frame
        await asyncio.sleep(0.1)
        count -= 1
        if not count:
            return


class Anew:
    """What begins anew each time, and how often it was left."""

    left = 0

    async def __aiter__(self) -> AsyncIterator[VideoFrame]:
        """Yield the first pictures."""
        try:
            async for frame in film():
                yield frame
        finally:
            self.left += 1


async def read(source: FrameSource[Any], seconds: float) -> list[int | None]:
    """Read for some time, then leave in the middle of whatever is under way."""
    numbers: list[int | None] = []

    async def reading() -> None:
        frames: Any = source.open()
        try:
            async for frame in frames:
                numbers.append(read_pattern(frame))  # noqa: PERF401 -- kept when cancelled
        finally:
            await frames.aclose()

    task = asyncio.create_task(reading())
    await asyncio.wait((task,), timeout=seconds)
    task.cancel()
    await asyncio.wait((task,))
    return numbers


def test_a_source_goes_on_where_it_was_left() -> None:
    """No frame is lost and none comes twice, wherever its reader was cancelled."""

    async def program() -> None:
        source = FrameSource(film(12))
        first = await read(source, 0.25)
        await asyncio.sleep(1)
        second = await read(source, 0.35)
        assert (first, second[:1]) == ([0, 1, 2], [3])
        last = await read(source, 60)
        assert first + second + last == list(range(12))
        assert await read(source, 60) == []

    run(program())


@pytest.mark.parametrize("turns", range(8))
def test_whoever_is_cancelled_ends_nothing(turns: int) -> None:
    """At any await."""

    async def program() -> None:
        source = FrameSource(film(3))
        task = asyncio.create_task(read(source, 60))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        assert (await read(source, 60))[-1] == 2

    run(program())


def test_what_can_be_iterated_is_iterated_anew() -> None:
    """Each time from its beginning, and it is left each time."""

    async def program() -> None:
        frames = Anew()
        source = FrameSource(frames)
        for _ in range(2):
            assert await read(source, 0.25) == [0, 1, 2]
        assert frames.left == 2

    run(program())


def test_an_iterator_that_raises_says_so_once() -> None:
    """To whoever reads then; afterwards it is at its end."""

    async def failing() -> AsyncIterator[VideoFrame]:
        async for frame in film(2):
            yield frame
        message = "no film left"
        raise LookupError(message)

    async def program() -> None:
        source = FrameSource(failing())
        with pytest.raises(LookupError, match="no film left"):
            [frame async for frame in source.open()]
        assert [frame async for frame in source.open()] == []

    run(program())


def test_an_iterator_that_stalls_keeps_nobody() -> None:
    """Its reader can leave, and what comes later is the next one's."""

    async def program() -> None:
        hold = asyncio.Event()

        async def stalling() -> AsyncIterator[VideoFrame]:
            await hold.wait()
            async for frame in film(1):
                yield frame

        source = FrameSource(stalling())
        assert await read(source, 5) == []
        hold.set()
        await asyncio.sleep(1)
        assert await read(source, 5) == [0]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(program())


def test_two_loops_read_one_after_the_other() -> None:
    """What was asked for in a loop that has ended is forgotten with it."""
    source = FrameSource(Later())
    assert run(read(source, 1.5)) == [0]
    assert run(read(source, 1.5)) == [1]


class Later:
    """An iterator that gives a picture a second, and outlives its loop."""

    number = -1

    def __aiter__(self) -> Later:
        """Return itself."""
        return self

    async def __anext__(self) -> VideoFrame:
        """Return the next one after a second."""
        await asyncio.sleep(1)
        self.number += 1
        pictures = [frame async for frame in film(self.number + 1)]
        return pictures[-1]


@pytest.mark.parametrize("frames", [None, [], 7, "film"])
def test_what_is_no_iterator_is_refused(frames: Any) -> None:
    """When it is described; the error says what would do."""
    with pytest.raises(InvalidArgumentError, match="async generator"):
        FrameSource(frames)
