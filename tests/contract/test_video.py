"""The Media port: pictures, in order, of cameras and screens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import attrs
import pytest

from tests.patience import patiently
from tests.pictures import CAMERA, PATTERN, SCREEN, SENDER, in_order, seen
from tests.planes import LISTENER, Guest, Plane
from utd_stream.errors import PublishError
from utd_stream.media import read_pattern
from utd_stream.models import TrackKind, TrackSource, VideoFrame
from utd_stream.models.room_events import (
    TrackMuted,
    TrackPublished,
    TrackSubscribed,
    TrackUnsubscribed,
)


async def film(guest: Guest, source: TrackSource = CAMERA) -> None:
    """Publish numbered pictures."""
    await guest.room.publish_video(PATTERN, name=source.value, track_source=source)


async def test_pictures_arrive_in_order(plane: Plane) -> None:
    """Whoever looks sees what was sent, as it was announced, and its times rise."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    await film(ana)
    frames: list[VideoFrame] = []
    async with patiently(20), aclosing(ben.room.video("ana", CAMERA)) as looking:  # type: ignore[type-var]  # a generator
        async for frame in looking:
            frames.append(frame)
            if len(frames) == 8:
                break

    told = await ben.hears(TrackPublished)
    assert (told.publication.kind, told.publication.source) == (
        TrackKind.VIDEO,
        CAMERA,
    )
    numbers = [n for n in map(read_pattern, frames) if n is not None]
    assert len(numbers) >= 5
    assert in_order(numbers)
    assert all(one.at < other.at for one, other in pairwise(frames))
    assert frames[-1].width_px / frames[-1].height_px == pytest.approx(16 / 9, rel=0.1)


async def test_a_screen_beside_a_camera(plane: Plane) -> None:
    """Each is a track of its own, and one may go while the other stays."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    await film(ana)
    await film(ana, SCREEN)
    both = [ben.room.video("ana", source) for source in (CAMERA, SCREEN)]
    for numbers in await asyncio.gather(*(seen(each) for each in both)):
        assert in_order(numbers)

    await ana.room.unpublish(CAMERA)
    await ben.hears(TrackUnsubscribed)
    assert in_order(await seen(ben.room.video("ana", SCREEN)))
    (left,) = ana.state.local.publications
    assert left.source is SCREEN


async def test_pictures_go_on_with_the_next_track(plane: Plane) -> None:
    """A reader outlives the track it reads, and sees the one that follows."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    async with aclosing(ben.room.video("ana", CAMERA)) as looking:  # type: ignore[type-var]  # a generator
        await film(ana)
        assert in_order(await seen(looking))
        await ana.room.unpublish(CAMERA)
        await ben.hears(TrackUnsubscribed)
        await film(ana)
        assert in_order(await seen(looking))


async def test_pictures_end_with_the_connection(plane: Plane) -> None:
    """Readers, of tracks that came and that never came, end on leaving."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)

    async def count(identity: str) -> int:
        return len([frame async for frame in ben.room.video(identity, CAMERA)])

    looking = asyncio.create_task(count("ana"))
    waiting = asyncio.create_task(count("nobody"))
    await film(ana)
    await ben.hears(TrackSubscribed)
    await ben.room.disconnect()
    async with patiently(10):
        await asyncio.wait((looking, waiting))

    assert waiting.result() == 0


async def test_a_muted_camera_is_told(plane: Plane) -> None:
    """The others hear of it; unmuted, it is seen again."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    await film(ana)
    assert await seen(ben.room.video("ana", CAMERA))
    ana.room.set_muted(CAMERA, muted=True)
    await ben.hears(TrackMuted)
    ana.room.set_muted(CAMERA, muted=False)
    await ben.sees(
        lambda now: (
            not any(sent.muted for each in now.remotes for sent in each.publications)
        )
    )
    assert await seen(ben.room.video("ana", CAMERA))


@attrs.frozen
class Given:
    """A source that gives some frames."""

    frames: tuple[Any, ...]

    async def open(self) -> AsyncIterator[Any]:
        """Yield them."""
        for frame in self.frames:
            yield frame


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (Given(()), "ended without a picture"),
        (Given(("no frame",)), "must give VideoFrame, not str"),
        (object(), "cannot be opened"),
    ],
)
async def test_what_is_no_picture_is_refused(
    plane: Plane, source: Any, said: str
) -> None:
    """The error says what is wrong, and the next one may be published."""
    ana = await plane.enter("ana", permission=SENDER)
    with pytest.raises(PublishError, match=said):
        await ana.room.publish_video(source, name="camera", track_source=CAMERA)
    assert ana.state.local.publications == ()
    await film(ana)
    assert len(ana.state.local.publications) == 1
