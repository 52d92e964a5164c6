"""The camera and the screen of a room: published, withdrawn, read."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from tests.client.people import Person
from tests.pictures import CAMERA, PATTERN, SCREEN, SENDER, in_order, seen
from tests.planes import LISTENER, MICROPHONE, Plane, eventually
from utd_stream.errors import InvalidArgumentError, RefusedError
from utd_stream.media import Silence, TestPattern, Tone
from utd_stream.models import Permission, TrackSource
from utd_stream.models.room_events import TrackUnsubscribed

ALL = Permission(can_publish=True, can_publish_sources=(MICROPHONE, CAMERA, SCREEN))
FILMER = Permission(can_publish=True, can_publish_sources=(MICROPHONE, CAMERA))


def published(person: Person) -> set[TrackSource]:
    """Return what is published of somebody."""
    return {each.source for each in person.room.state().local.publications}


async def test_a_camera_is_seen_withdrawn_and_seen_again(
    ana: Person, ben: Person
) -> None:
    """Off withdraws the track; on again, the same source is seen."""
    await ana.enter("ana", permission=SENDER)
    await ben.enter("ben", permission=LISTENER)
    looking = ben.room.video("ana")
    await ana.room.set_camera(True, PATTERN)  # noqa: FBT003 -- the API
    assert in_order(await seen(looking))
    await ana.room.set_camera(False)
    assert published(ana) == set()
    await ben.hears(TrackUnsubscribed)
    await ana.room.set_camera(True)
    assert published(ana) == {CAMERA}
    assert in_order(await seen(ben.room.video("ana")))


async def test_each_source_is_its_own(ana: Person, ben: Person) -> None:
    """Microphone, camera and screen come and go one by one."""
    await ana.enter("ana", permission=ALL)
    await ben.enter("ben", permission=LISTENER)
    await ana.room.set_microphone(True, Tone(440))  # noqa: FBT003 -- the API
    await ana.room.set_camera(True, PATTERN)  # noqa: FBT003 -- the API
    await ana.room.set_screen_share(True, PATTERN)  # noqa: FBT003 -- the API
    assert published(ana) == {MICROPHONE, CAMERA, SCREEN}
    assert in_order(await seen(ben.room.video("ana", SCREEN)))
    await ana.room.set_camera(False)
    assert published(ana) == {MICROPHONE, SCREEN}


async def test_a_right_is_asked_for_by_source(ana: Person) -> None:
    """Whoever may not show a screen is refused at once, and the camera stays."""
    await ana.enter("ana", permission=FILMER)
    await ana.room.set_camera(True, PATTERN)  # noqa: FBT003 -- the API
    with pytest.raises(RefusedError) as refused:
        ana.room.set_screen_share(True, PATTERN).send(None)  # noqa: FBT003 -- the API
    assert refused.value.is_forbidden
    assert published(ana) == {CAMERA}


async def test_a_lost_right_takes_its_source_alone(
    ana: Person, ben: Person, plane: Plane
) -> None:
    """Where the right to film goes, the camera goes; the microphone stays."""
    await ana.enter("ana", permission=FILMER)
    await ben.enter("ben", permission=LISTENER)
    await ana.room.publish(MICROPHONE, Silence())
    await ana.room.set_camera(True, PATTERN)  # noqa: FBT003 -- the API
    looking = ben.room.video("ana")
    assert await seen(looking)
    only_sound = Permission(can_publish=True, can_publish_sources=(MICROPHONE,))
    await plane.allow("ana", only_sound)
    await eventually(lambda: published(ana) == {MICROPHONE})
    await ben.hears(TrackUnsubscribed)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "no camera is set: give a source, such as TestPattern"),
        (TestPattern, "not the class TestPattern"),
        ("/dev/video0", "not a str"),
    ],
)
async def test_what_is_no_camera_is_refused(ana: Person, given: Any, said: str) -> None:
    """Before anything is asked; the message names what would do."""
    await ana.enter("ana", permission=SENDER)
    with pytest.raises(InvalidArgumentError, match=said):
        await ana.room.set_camera(True, given)  # noqa: FBT003 -- the API


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 10])
async def test_a_cancelled_camera_leaves_no_ghost(
    ana: Person, plane: Plane, turns: int
) -> None:
    """Cancelled anywhere, nothing is published, and the room still works."""
    await ana.enter("ana", permission=SENDER)
    turning = asyncio.ensure_future(ana.room.set_camera(True, PATTERN))  # noqa: FBT003 -- the API
    for _ in range(turns):
        await asyncio.sleep(0)
    turning.cancel()
    with suppress(asyncio.CancelledError):
        await turning
    await eventually(lambda: published(ana) == set())
    await ana.room.set_camera(True, PATTERN)  # noqa: FBT003 -- the API
    await plane.sees_tracks("ana", CAMERA)
