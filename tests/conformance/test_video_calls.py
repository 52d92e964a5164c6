"""Two people see each other: cameras, screens, and who may not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.pictures import CAMERA, PATTERN, SCREEN, in_order, seen
from tests.planes import heard_hz
from tests.world import World
from utd_stream.client.call import UTDCallSession
from utd_stream.errors import InvalidTransitionError, RefusedError
from utd_stream.media import FrameSource, TestPattern
from utd_stream.models import TrackSource, UTDStreamType, VideoFrame
from utd_stream.models.room_events import TrackUnsubscribed

VIDEO = UTDStreamType.VIDEO_CALL
WIDE = TestPattern(640, 360, 15)


def sent(session: UTDCallSession) -> set[TrackSource]:
    """Return what a session publishes."""
    return {each.source for each in session.local_participant.publications}


async def size_of(session: UTDCallSession, identity: str, width_px: int) -> VideoFrame:
    """Return the first picture of that width."""
    async for frame in session.video(identity):
        if frame.width_px == width_px:
            return frame
    pytest.fail("the pictures ended")


async def filmed(world: World) -> tuple[UTDCallSession, UTDCallSession]:
    """Return a video call of two people with cameras and screens."""
    ana = await world.caller("ana", 440, camera=PATTERN, screen=WIDE)
    ben = await world.caller("ben", 660, camera=PATTERN, screen=WIDE)
    return await world.talk(ana, ben, VIDEO)


async def test_two_people_see_and_hear_each_other(world: World) -> None:
    """Numbered pictures in order and tones, both ways; off once it is over."""
    calling, answering = await filmed(world)

    numbers = await asyncio.gather(
        seen(calling.video("ben")), seen(answering.video("ana"))
    )
    heard = await asyncio.gather(
        heard_hz(calling.audio("ben")), heard_hz(answering.audio("ana"))
    )
    await calling.end()

    assert all(map(in_order, numbers))
    assert heard == pytest.approx([660, 440], abs=5)
    for session in (calling, answering):
        await session.connected.until(lambda connected: not connected, 20)
        assert session.snapshot.value.camera.value == "off"


async def test_a_screen_is_shown_beside_the_camera(world: World) -> None:
    """Each has pictures of its own, and goes by itself."""
    calling, answering = await filmed(world)
    await calling.set_screen_share(True)

    looking = answering.video("ana", SCREEN)
    camera, screen = await asyncio.gather(seen(answering.video("ana")), seen(looking))
    gone = asyncio.create_task(
        answering.events.until(lambda e: isinstance(e, TrackUnsubscribed), 20)
    )
    await asyncio.sleep(0)  # it listens from now on
    await calling.set_screen_share(False)
    await gone

    assert in_order(camera)
    assert in_order(screen)
    assert sent(calling) == {TrackSource.MICROPHONE, CAMERA}
    assert in_order(await seen(answering.video("ana")))


async def test_a_camera_goes_and_comes(world: World) -> None:
    """Off withdraws the track, at the SFU as well; on again, it is seen anew."""
    calling, answering = await filmed(world)
    await seen(answering.video("ana"), 1)
    await calling.set_camera(False)
    assert sent(calling) == {TrackSource.MICROPHONE}
    await answering.remote_participants.until(
        lambda others: [len(other.publications) for other in others] == [1], 20
    )
    await calling.set_camera(True)
    assert in_order(await seen(answering.video("ana")))


async def test_a_programs_pictures_go_on_where_they_were(world: World) -> None:
    """Turned off and on again, its iterator is asked for the next one."""

    async def film() -> AsyncIterator[VideoFrame]:
        async for frame in PATTERN.open():
            yield frame
            await asyncio.sleep(1 / PATTERN.fps)

    ana = await world.caller("ana", 440, camera=FrameSource(film()))
    ben = await world.caller("ben", 660)
    calling, answering = await world.talk(ana, ben, VIDEO)
    before = await seen(answering.video("ana"))
    await calling.set_camera(False)
    await calling.set_camera(True)
    after = await seen(answering.video("ana"))

    assert in_order([*before, *after])


async def test_another_camera_is_seen_in_the_same_track(world: World) -> None:
    """L6: a switch flips the pictures; the track stays what it was."""
    calling, answering = await filmed(world)
    await seen(answering.video("ana"), 1)
    before = calling.local_participant.publications

    await calling.switch_camera(WIDE)
    frame = await size_of(answering, "ana", WIDE.width_px)

    assert frame.height_px == WIDE.height_px
    assert calling.local_participant.publications == before


async def test_what_was_on_is_on_again_after_a_reconnect(world: World) -> None:
    """L20: camera and screen are seen after LiveKit has made all anew."""
    calling, answering = await filmed(world)
    await calling.set_screen_share(True)
    await world.reconnect(calling)

    both = await asyncio.gather(
        seen(answering.video("ana")), seen(answering.video("ana", SCREEN))
    )

    assert all(map(in_order, both))
    assert sent(calling) == {TrackSource.MICROPHONE, CAMERA, SCREEN}


@pytest.mark.parametrize("kind", [UTDStreamType.AUDIO_CALL, VIDEO])
async def test_an_audio_call_refuses_cameras(world: World, kind: UTDStreamType) -> None:
    """L46: at once, in either kind of session; none is published by itself."""
    ana = await world.caller("ana", 440, camera=PATTERN, screen=WIDE)
    ben = await world.caller("ben", 660, camera=PATTERN, screen=WIDE)
    calling, answering = world.call_session(ana), world.call_session(ben, kind)
    await calling.start("ben")
    await ben.ringing_calls.until(bool, 20)
    await answering.accept(calling.room_name)

    for session in (calling, answering):
        assert sent(session) == {TrackSource.MICROPHONE}
        for method in (session.set_camera, session.set_screen_share):
            with pytest.raises(RefusedError) as refused:
                method(True).send(None)  # noqa: FBT003 -- the API
            assert refused.value.is_forbidden
        assert sent(session) == {TrackSource.MICROPHONE}


async def test_no_camera_before_a_call(world: World) -> None:
    """Refused at once; afterwards, too."""
    ana = await world.caller("ana", camera=PATTERN)
    session = world.call_session(ana, VIDEO)
    with pytest.raises((RefusedError, InvalidTransitionError)):
        session.set_camera(True).send(None)
