"""What becomes of an app's sound on its way to LiveKit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Self

import pytest

from utd_stream.adapters._livekit_audio import SoundFeed
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.errors import PublishError
from utd_stream.models import AudioFrame


class Tape:
    """A source, and its own iterator, that holds something until it is closed."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.opened = 0
        self.closed = 0
        self.is_read = asyncio.Event()

    def open(self) -> AsyncIterator[AudioFrame]:
        self.opened += 1
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AudioFrame:
        self.is_read.set()
        return AudioFrame(samples=bytes(960))

    async def aclose(self) -> None:
        self.closed += 1
        if self.fails:
            raise OSError


class Missing:
    """A source that cannot be opened."""

    def open(self) -> AsyncIterator[AudioFrame]:
        raise FileNotFoundError(2, "No such file", "song.wav")


async def test_frames_are_closed_when_the_publication_ends() -> None:
    """What was opened is closed, once, when nothing more is sent."""
    tape = Tape()
    feed = SoundFeed(tape, "tape", AsyncioClock())
    feed.start()
    await tape.is_read.wait()

    await feed.aclose()

    assert (tape.opened, tape.closed) == (1, 1)


async def test_frames_never_sent_are_closed_too() -> None:
    """A publication that the SFU refuses leaves nothing open."""
    tape = Tape()
    feed = SoundFeed(tape, "tape", AsyncioClock())

    await feed.aclose()

    assert tape.opened == tape.closed


async def test_frames_are_closed_before_the_first_was_read() -> None:
    """Withdrawn in the very turn in which it was published, it is closed."""
    tape = Tape()
    feed = SoundFeed(tape, "tape", AsyncioClock())
    feed.start()

    await feed.aclose()

    assert tape.opened == tape.closed


async def test_a_source_that_fails_to_close_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its error is logged: whoever leaves the room must get on with it."""
    tape = Tape(fails=True)
    feed = SoundFeed(tape, "tape", AsyncioClock())
    feed.start()
    await tape.is_read.wait()

    await feed.aclose()

    assert tape.closed == 1
    assert "failed when it was closed" in caplog.text


async def test_a_source_that_cannot_be_opened_is_told() -> None:
    """Nothing is announced, and the error says why."""
    with pytest.raises(PublishError, match=r"song\.wav"):
        SoundFeed(Missing(), "missing", AsyncioClock())
