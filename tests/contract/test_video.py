"""The Media port: pictures, in order, of cameras and screens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import attrs
import numpy as np
import pytest

from tests.patience import patiently
from tests.pictures import CAMERA, PATTERN, SCREEN, SENDER, in_order, seen
from tests.planes import LISTENER, Guest, Plane, eventually
from utd_stream.errors import PublishError
from utd_stream.media import TestPattern, read_pattern
from utd_stream.models import TrackKind, TrackSource, VideoFrame
from utd_stream.models.room_events import (
    TrackMuted,
    TrackPublished,
    TrackSubscribed,
    TrackUnmuted,
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
    async with patiently(20), aclosing(ben.video("ana", CAMERA)) as looking:  # type: ignore[type-var]  # a generator
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
    both = [ben.video("ana", source) for source in (CAMERA, SCREEN)]
    for numbers in await asyncio.gather(*(seen(each) for each in both)):
        assert in_order(numbers)

    await ana.room.unpublish(CAMERA)
    await ben.hears(TrackUnsubscribed)
    assert in_order(await seen(ben.video("ana", SCREEN)))
    (left,) = ana.state.local.publications
    assert left.source is SCREEN


async def test_pictures_go_on_with_the_next_track(plane: Plane) -> None:
    """A reader outlives the track it reads, and sees the one that follows."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    async with aclosing(ben.video("ana", CAMERA)) as looking:  # type: ignore[type-var]  # a generator
        await film(ana)
        assert in_order(await seen(looking))
        await ana.room.unpublish(CAMERA)
        await ben.hears(TrackUnsubscribed)
        await film(ana)
        assert in_order(await seen(looking))


async def test_a_camera_goes_with_its_right(plane: Plane) -> None:
    """The screen stays; with the right again, what is published anew is seen (T24)."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    await film(ana)
    await film(ana, SCREEN)
    async with aclosing(ben.video("ana", CAMERA)) as looking:  # type: ignore[type-var]  # a generator
        assert in_order(await seen(looking))
        narrowed = attrs.evolve(SENDER, can_publish_sources=(SCREEN,))
        await plane.allow("ana", narrowed)
        await ben.hears(TrackUnsubscribed)
        await plane.sees_tracks("ana", SCREEN)
        await ana.room.unpublish(CAMERA)  # its owner is not told, and says so itself
        assert in_order(await seen(ben.video("ana", SCREEN)))

        await plane.allow("ana", SENDER)
        await eventually(lambda: ana.state.local.permission == SENDER)
        await film(ana)
        assert in_order(await seen(looking))


async def test_pictures_end_with_the_connection(plane: Plane) -> None:
    """Readers, of tracks that came and that never came, end on leaving."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)

    async def count(identity: str) -> int:
        return len([frame async for frame in ben.video(identity, CAMERA)])

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
    assert await seen(ben.video("ana", CAMERA))
    ana.room.set_muted(CAMERA, muted=True)
    await ben.hears(TrackMuted)
    ana.room.set_muted(CAMERA, muted=False)
    await ben.sees(
        lambda now: (
            not any(sent.muted for each in now.remotes for sent in each.publications)
        )
    )
    assert await seen(ben.video("ana", CAMERA))


@attrs.frozen
class Turned:
    """Pictures that are bright at their left side, and must be turned to be shown."""

    degrees: int

    async def open(self) -> AsyncIterator[VideoFrame]:
        """Yield one again and again."""
        row = bytes([235]) * 160 + bytes([16]) * 160
        data = row * 180 + bytes([128]) * (160 * 90 * 2)
        number = 0
        while True:
            yield VideoFrame(
                data=data,
                width_px=320,
                height_px=180,
                at=number / 15,
                rotation=self.degrees,
            )
            number += 1


def bright_side(frame: VideoFrame) -> str:
    """Return which side of a picture is bright, once it is turned to be shown."""
    luma = np.frombuffer(frame.data, np.uint8, frame.width_px * frame.height_px)
    upright = np.rot90(
        luma.reshape(frame.height_px, frame.width_px), -frame.rotation // 90
    )
    height, width = upright.shape
    sides = {
        "left": upright[:, : width // 4],
        "right": upright[:, -width // 4 :],
        "top": upright[: height // 4],
        "bottom": upright[-height // 4 :],
    }
    return max(sides, key=lambda side: float(sides[side].mean()))


@pytest.mark.parametrize(
    ("degrees", "side"), [(0, "left"), (90, "top"), (180, "right"), (270, "bottom")]
)
async def test_a_picture_is_shown_as_it_was_turned(
    plane: Plane, degrees: int, side: str
) -> None:
    """Whoever receives it turns it by what it says, and sees it upright."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_video(Turned(degrees), name="camera", track_source=CAMERA)
    async with patiently(20), aclosing(ben.video("ana", CAMERA)) as looking:  # type: ignore[type-var]  # a generator
        frame = await anext(looking)

    assert bright_side(frame) == side


@attrs.frozen
class Late:
    """Pictures of one size after another, the first after a while."""

    async def open(self) -> AsyncIterator[VideoFrame]:
        """Yield them."""
        await asyncio.sleep(1)
        for side in (160, 320):
            async for frame in TestPattern(2 * side, side, 15).open():
                yield attrs.evolve(frame, at=0.0)
                await asyncio.sleep(1 / 15)
                if side == 160 and frame.at > 1:
                    break


async def test_pictures_may_come_late_and_change_their_size(plane: Plane) -> None:
    """A source that says nothing at first is published, and each size is seen."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_video(Late(), name="camera", track_source=CAMERA)
    wider: set[bool] = set()
    async with patiently(30), aclosing(ben.video("ana", CAMERA)) as looking:  # type: ignore[type-var]  # a generator
        async for frame in looking:
            if read_pattern(frame) is not None:
                wider.add(frame.width_px > 400)
            if wider == {True, False}:
                break


async def test_a_camera_that_ends_is_muted(plane: Plane) -> None:
    """The others hear of it; unmuted, its source is opened anew."""
    ana = await plane.enter("ana", permission=SENDER)
    ben = await plane.enter("ben", permission=LISTENER)
    frames = [frame async for frame in _first(PATTERN, 45)]
    await ana.room.publish_video(
        Given(tuple(frames)), name="camera", track_source=CAMERA
    )
    assert await seen(ben.video("ana", CAMERA))
    looking = asyncio.create_task(seen(ben.video("ana", CAMERA), 999))
    await ben.hears(TrackMuted)
    ana.room.set_muted(CAMERA, muted=False)
    await ben.hears(TrackUnmuted)
    looking.cancel()
    assert await seen(ben.video("ana", CAMERA))


async def _first(pattern: TestPattern, count: int) -> AsyncIterator[VideoFrame]:
    async for frame in pattern.open():
        yield frame
        if frame.at * pattern.fps >= count:
            return


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
