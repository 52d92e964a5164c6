"""The Media port: whatever an app gives as its sound harms nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.planes import LISTENER, MICROPHONE, Guest, Plane, heard_hz
from tests.sources import BEGINS_WRONG, ENDS_LATER, GOES_ON, Source, frame
from utd_stream.errors import PublishError
from utd_stream.ports import RoomState


async def publish(guest: Guest, source: Source) -> None:
    """Publish a sound as the microphone."""
    await guest.room.publish_audio(source, name="mic", track_source=MICROPHONE)


def is_muted(of: str) -> Callable[[RoomState], bool]:
    """Whether the microphone of somebody else is muted."""
    return lambda now: any(
        sent.muted
        for each in now.remotes
        if each.identity == of
        for sent in each.publications
    )


async def test_what_is_no_sound_is_refused_when_published(plane: Plane) -> None:
    """The error says what is wrong, nothing is published, and the next one may be."""
    ana = await plane.enter("ana")
    for give, said in BEGINS_WRONG.values():
        with pytest.raises(PublishError, match=said):
            await publish(ana, Source(give))
        assert ana.state.local.publications == ()

    await ana.publish_tone()
    assert len(ana.state.local.publications) == 1


@pytest.mark.parametrize(("give", "hz"), GOES_ON.values(), ids=GOES_ON)
async def test_a_sound_of_any_pace_leaves_the_others_theirs(
    plane: Plane, give: Callable[[], Any], hz: float | None
) -> None:
    """Frames of any length are heard, and neither haste nor silence stops a room."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben")
    cem = await plane.enter("cem", permission=LISTENER)
    await publish(ana, Source(give))
    await ben.publish_tone(880)

    assert await heard_hz(cem.room.audio("ben", MICROPHONE)) == pytest.approx(
        880, rel=0.1
    )
    if hz is not None:
        assert await heard_hz(cem.room.audio("ana", MICROPHONE)) == pytest.approx(
            hz, rel=0.1
        )
    assert not ana.state.local.publications[0].muted


@pytest.mark.parametrize("give", ENDS_LATER.values(), ids=ENDS_LATER)
async def test_a_sound_that_ends_is_muted(
    plane: Plane, give: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Its owner and the others see it, the log says it; unmuted, it is opened anew."""
    caplog.set_level("INFO", "utd_stream")
    ana = await plane.enter("ana")
    ben = await plane.enter("ben", permission=LISTENER)
    source = Source(give)
    await publish(ana, source)

    for opened in (1, 2):
        await ana.sees(lambda now: now.local.publications[0].muted)
        await ben.sees(is_muted("ana"))
        assert source.opened == opened
        ana.room.set_muted(MICROPHONE, muted=False)
    assert caplog.text.count("its track is muted now") >= 2


async def test_a_sound_that_cannot_be_opened_anew_stays_muted(plane: Plane) -> None:
    """Whoever unmutes it is told why."""

    async def once() -> AsyncIterator[Any]:
        yield frame()

    def give() -> Any:
        if source.opened > 1:
            raise OSError
        return once()

    source = Source(give)
    ana = await plane.enter("ana")
    await publish(ana, source)
    await ana.sees(lambda now: now.local.publications[0].muted)

    with pytest.raises(PublishError, match="OSError"):
        ana.room.set_muted(MICROPHONE, muted=False)
    assert ana.state.local.publications[0].muted


async def test_a_sound_that_will_not_stop_keeps_nobody(
    plane: Plane, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever leaves has left, though the source ignores that it is closed."""
    waits, stop = asyncio.Event(), asyncio.Event()

    async def stubborn() -> AsyncIterator[Any]:
        yield frame()
        while not stop.is_set():
            waits.set()
            with suppress(asyncio.CancelledError):
                await stop.wait()

    ana = await plane.enter("ana")
    await publish(ana, Source(stubborn))
    await waits.wait()
    await ana.room.disconnect()

    await plane.sees()
    assert "it is left behind" in caplog.text
    stop.set()


class Hangs:
    """A sound whose `aclose` never returns by itself."""

    def __init__(self) -> None:
        self.was_cancelled = asyncio.Event()

    def __aiter__(self) -> Hangs:
        return self

    async def __anext__(self) -> Any:
        await asyncio.sleep(0)
        return frame()

    async def aclose(self) -> None:
        """Wait for ever."""
        try:
            await asyncio.Event().wait()
        finally:
            self.was_cancelled.set()


async def test_a_sound_that_does_not_close_is_cancelled(
    plane: Plane, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever leaves has left, and no task of the source lives on."""
    sound = Hangs()
    ana = await plane.enter("ana")
    await publish(ana, Source(lambda: sound))

    await ana.room.disconnect()

    await plane.sees()
    await sound.was_cancelled.wait()
    assert "the audio source Source did not close" in caplog.text
    assert "left behind" not in caplog.text
