"""The Media port: which videos are received, and how sharp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise

import attrs
import pytest

from tests.contract.faults import reconnect
from tests.patience import patiently
from tests.pictures import CAMERA, PATTERN, SENDER, in_order, seen
from tests.planes import LISTENER, MICROPHONE, Guest, Plane, eventually
from utd_stream.adapters.livekit_rtc import LiveKitRoom
from utd_stream.media import Silence, TestPattern
from utd_stream.models import Permission, TrackSource, VideoFrame, VideoQuality
from utd_stream.models.room_events import (
    TrackPublished,
    TrackSubscribed,
    TrackUnmuted,
    TrackUnsubscribed,
)

LARGE = TestPattern(1280, 720, 15)
BOTH = Permission(can_publish=True, can_publish_sources=(MICROPHONE, CAMERA))
LOW, MEDIUM, HIGH = VideoQuality


@attrs.define
class Counted:
    """Pictures, and how many were made."""

    made: int = 0

    async def open(self) -> AsyncIterator[VideoFrame]:
        """Yield them."""
        async for frame in LARGE.open():
            self.made += 1
            yield frame


class Camera:
    """A camera that is published, and how much of it leaves its client."""

    def __init__(self, owner: Guest) -> None:
        self._owner = owner
        self._source = Counted()

    async def publish(self) -> None:
        """Publish it."""
        await self._owner.room.publish_video(
            self._source, name="camera", track_source=CAMERA
        )

    async def sent(self) -> int:
        """Return how much was sent: bytes on LiveKit, pictures in memory."""
        room = self._owner.room
        if not isinstance(room, LiveKitRoom):
            return self._source.made
        stats = await room._feeds[CAMERA].track.get_stats()
        return sum(each.outbound_rtp.sent.bytes_sent for each in stats)

    async def rests(self, plane: Plane) -> None:
        """Wait until nothing is sent for a whole second."""

        async def is_at_rest() -> bool:
            before = await self.sent()
            await plane.clock.sleep(1)
            return await self.sent() == before

        await plane.until(is_at_rest, timeout=30)


async def turned_away(reading: asyncio.Task[list[int]]) -> None:
    """End a reader that may have begun only."""
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait((reading,))


async def look(frames: AsyncIterator[VideoFrame], width_px: int) -> None:
    """Read until a picture is that wide."""
    async with patiently(20):
        async for frame in frames:
            if frame.width_px == width_px:
                return
    pytest.fail("the pictures ended")


async def test_what_nobody_reads_is_not_sent(plane: Plane) -> None:
    """Before the first read and after the last; whoever reads again sees it."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    camera = Camera(ana)
    await camera.publish()
    await ben.hears(TrackPublished)
    await camera.rests(plane)
    assert not ben.of(TrackSubscribed)

    before = await camera.sent()
    assert in_order(await seen(ben.video("ana", CAMERA)))
    assert await camera.sent() > before

    await ben.hears(TrackUnsubscribed)
    await camera.rests(plane)
    assert in_order(await seen(ben.video("ana", CAMERA)))


async def test_who_looks_away_and_back_at_once_sees_on(plane: Plane) -> None:
    """A track asked for again before it has gone is received again."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_video(PATTERN, name="camera", track_source=CAMERA)
    for pictures in (2, 0, 1, 0, 0, 2, 0, 2):
        async with aclosing(ben.video("ana", CAMERA)) as looking:  # type: ignore[type-var]  # a generator
            reading = asyncio.create_task(seen(looking, pictures or 1))
            if pictures:
                assert len(await reading) == pictures
            await turned_away(reading)


async def test_who_enters_and_looks_at_once_sees(plane: Plane) -> None:
    """A track that comes although it was refused is received once it is read."""
    ana = await plane.enter("ana", permission=SENDER)
    await ana.room.publish_video(PATTERN, name="camera", track_source=CAMERA)
    for number in range(6):
        ben = await plane.enter(f"ben{number}", permission=SENDER)
        await ben.room.publish_video(PATTERN, name="camera", track_source=CAMERA)
        assert len(await seen(ana.video(f"ben{number}", CAMERA), 1)) == 1
        assert len(await seen(ben.video("ana", CAMERA), 2)) == 2
        assert len(await seen(ben.video("ana", CAMERA), 1)) == 1
        await ben.room.disconnect()


async def test_one_reader_of_two_goes(plane: Plane) -> None:
    """The other one sees on."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_video(PATTERN, name="camera", track_source=CAMERA)
    async with aclosing(ben.video("ana", CAMERA)) as looking:  # type: ignore[type-var]  # a generator
        await seen(looking, 1)
        await seen(ben.video("ana", CAMERA), 1)
        assert in_order(await seen(looking))
    assert len(ben.of(TrackSubscribed)) == 1


async def test_sound_comes_unasked(plane: Plane) -> None:
    """Only video waits for a reader."""
    ana = await plane.enter("ana", permission=BOTH)
    ben = await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_video(PATTERN, name="camera", track_source=CAMERA)
    await ana.room.publish_audio(Silence(), name="mic", track_source=MICROPHONE)
    told = await ben.hears(TrackSubscribed)
    assert told.publication.source is MICROPHONE


async def test_without_adaptive_stream_all_is_received(plane: Plane) -> None:
    """Whoever wants no adaptive stream receives what nobody reads."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = Guest(plane.media.open(adaptive_stream=False, dynacast=True))
    plane.guests.append(ben)
    token = plane.token("ben", permission=LISTENER)
    await ben.room.connect(plane.url, token, auto_subscribe=True)
    await ana.room.publish_video(PATTERN, name="camera", track_source=CAMERA)

    told = await ben.hears(TrackSubscribed)
    assert told.publication.source is CAMERA
    assert in_order(await seen(ben.video("ana", CAMERA)))
    assert not ben.of(TrackUnsubscribed)


async def test_who_comes_late_sees_what_it_reads(plane: Plane) -> None:
    """A track that is there already is received once it is read, not before."""
    ana = await plane.enter("ana", permission=SENDER)
    camera = Camera(ana)
    await camera.publish()
    ben = await plane.enter("ben", permission=LISTENER)
    await ben.sees(lambda now: now.remotes and now.remotes[0].publications)
    await camera.rests(plane)
    assert in_order(await seen(ben.video("ana", CAMERA)))


async def test_the_most_demanding_reader_decides(plane: Plane) -> None:
    """A camera comes as sharp as somebody asks for, and no sharper."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_video(LARGE, name="camera", track_source=CAMERA)
    async with aclosing(ben.video("ana", CAMERA, LOW)) as looking:  # type: ignore[type-var]  # a generator
        await look(looking, 320)
        sharp = ben.video("ana", CAMERA, HIGH)
        await asyncio.gather(look(sharp, 1280), look(looking, 1280))
        del sharp
        await look(looking, 320)
        middle = ben.video("ana", CAMERA, MEDIUM)
        await asyncio.gather(look(middle, 640), look(looking, 640))


async def test_a_reader_that_comes_later_asks_anew(plane: Plane) -> None:
    """What one asked for that is gone does not hold for the next."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_video(LARGE, name="camera", track_source=CAMERA)
    for quality, width_px in ((LOW, 320), (HIGH, 1280), (LOW, 320)):
        async with aclosing(ben.video("ana", CAMERA, quality)) as looking:  # type: ignore[type-var]  # a generator
            await look(looking, width_px)
        await eventually(
            lambda: len(ben.of(TrackSubscribed)) == len(ben.of(TrackUnsubscribed))
        )


@pytest.mark.parametrize("who", ["ana", "ben"])
async def test_a_reader_sees_on_after_a_full_reconnect(plane: Plane, who: str) -> None:
    """Whoever's it is; what nobody reads is not received afterwards either."""
    guests = {
        "ana": await plane.enter("ana", permission=SENDER),
        "ben": await plane.enter("ben", permission=LISTENER),
    }
    ben, camera = guests["ben"], Camera(guests["ana"])
    await camera.publish()
    looking = ben.video("ana", CAMERA, LOW)
    await look(looking, 320)
    await reconnect(plane, guests[who])
    async with patiently(30):
        numbers = await seen(looking, 10)
    # The old track and the new one may both show the picture between them, and the
    # first one of the new may be torn.
    assert sum(other < one for one, other in pairwise(numbers)) <= 1
    assert len(set(numbers)) >= 7
    await look(looking, 320)
    del looking
    await camera.rests(plane)


@pytest.mark.parametrize("source", [MICROPHONE, CAMERA])
async def test_a_track_that_is_muted_at_once_is_announced(
    plane: Plane, source: TrackSource
) -> None:
    """T46: with LiveKit's client for Python it is, as muted; and then as unmuted."""
    ana = await plane.enter("ana", permission=BOTH)
    ben = await plane.enter("ben", permission=LISTENER)
    if source is CAMERA:
        await ana.room.publish_video(PATTERN, name="it", track_source=source)
    else:
        await ana.room.publish_audio(Silence(), name="it", track_source=source)
    ana.room.set_muted(source, muted=True)
    await ben.hears(TrackPublished)
    await eventually(lambda: ben.state.remotes[0].publications[0].muted)
    ana.room.set_muted(source, muted=False)
    await ben.hears(TrackUnmuted)
    assert not ben.state.remotes[0].publications[0].muted
