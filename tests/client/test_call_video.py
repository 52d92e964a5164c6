"""Cameras and screens of calls: who sends what, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from tests.client.telephone import Telephone, telephone
from tests.client.test_call_cancelled import STEPS, left_after
from tests.pictures import CAMERA, PATTERN, SCREEN
from tests.sources import Source
from utd_stream.client.call import UTDCallSession
from utd_stream.errors import InvalidArgumentError, PublishError, RefusedError
from utd_stream.machines.calling import CallingState
from utd_stream.machines.track import TrackState
from utd_stream.media import TestPattern
from utd_stream.models import TrackSource, UTDStreamType, VideoFrame
from utd_stream.models.names import sfu_room_name

__all__ = ["telephone"]

AUDIO, VIDEO = UTDStreamType.AUDIO_CALL, UTDStreamType.VIDEO_CALL
MICROPHONE = TrackSource.MICROPHONE


def sent(session: UTDCallSession) -> set[TrackSource]:
    """Return what a session publishes."""
    return {each.source for each in session.local_participant.publications}


async def _broken() -> AsyncIterator[VideoFrame]:
    message = "no such camera"
    raise OSError(message)
    yield VideoFrame(data=bytes(6), width_px=2, height_px=2)


BROKEN = Source(_broken)


def switch_on(session: UTDCallSession, source: TrackSource = CAMERA) -> Any:
    """Return the command that turns a source on."""
    method = {CAMERA: session.set_camera, SCREEN: session.set_screen_share}[source]
    return method(True)  # noqa: FBT003 -- the API


@pytest.mark.parametrize("kind", [AUDIO, VIDEO])
@pytest.mark.parametrize("camera", [None, PATTERN], ids=["none", "camera"])
def test_a_camera_is_sent_by_itself_in_video_calls(
    telephone: Telephone, kind: UTDStreamType, camera: TestPattern | None
) -> None:
    """Where the client has one; a call without cameras is no error."""
    ana, ben = telephone.phone("ana", camera=camera), telephone.phone("ben")
    calling, answering = telephone.talk(ana, ben, kind)
    is_seen = kind is VIDEO and camera is not None
    assert sent(calling) == ({MICROPHONE, CAMERA} if is_seen else {MICROPHONE})
    assert sent(answering) == {MICROPHONE}


@pytest.mark.parametrize("first", [AUDIO, VIDEO])
def test_glare_sends_no_camera_unasked(
    telephone: Telephone, first: UTDStreamType
) -> None:
    """L46: only what both the session and the call have, whoever was first."""
    ana, ben = (telephone.phone(name, camera=PATTERN) for name in ("ana", "ben"))
    audio, video = ana.session(AUDIO), ben.session(VIDEO)

    async def both() -> None:
        pairs = [(audio, "ben"), (video, "ana")]
        for session, callee in pairs if first is AUDIO else reversed(pairs):
            started.append(asyncio.ensure_future(session.start(callee)))
            await telephone.sim.clock.sleep(0.001)
        await asyncio.gather(*started)

    started: list[asyncio.Future[Any]] = []
    telephone.sim.run(both())
    telephone.sim.advance(2)

    (call,) = telephone.calls("ana")
    assert sent(audio) == {MICROPHONE}
    assert (CAMERA in sent(video)) == (call.type is VIDEO)
    assert {audio.snapshot.value.part, video.snapshot.value.part} == {CallingState.OPEN}
    with pytest.raises(RefusedError):
        telephone.sim.run(switch_on(audio))


def test_an_audio_call_stays_one_after_a_new_connection(telephone: Telephone) -> None:
    """L46: whoever has a camera sends none, and waits for no right."""
    ana, ben = (telephone.phone(name, camera=PATTERN) for name in ("ana", "ben"))
    calling, answering = ana.session(AUDIO), ben.session(VIDEO)
    telephone.sim.run(calling.start("ben"))
    telephone.sim.settle()
    telephone.sim.run(answering.accept(calling.room_name))
    replace(telephone, answering)

    assert sent(answering) == {MICROPHONE}
    assert answering.snapshot.value.camera is TrackState.OFF


def test_what_was_on_is_on_again_after_a_new_connection(telephone: Telephone) -> None:
    """Camera and screen, and no more than those."""
    ana = telephone.phone("ana", camera=PATTERN, screen=PATTERN)
    ben = telephone.phone("ben", camera=PATTERN, screen=PATTERN)
    calling, answering = telephone.talk(ana, ben, VIDEO)
    telephone.sim.run(switch_on(calling, SCREEN))
    telephone.sim.run(answering.set_camera(False))
    replace(telephone, calling)
    replace(telephone, answering)

    assert sent(calling) == {MICROPHONE, CAMERA, SCREEN}
    assert sent(answering) == {MICROPHONE}


def test_a_screen_is_shown_for_one_call(telephone: Telephone) -> None:
    """It is off in the next one; a camera that was turned off stays off."""
    ana = telephone.phone("ana", camera=PATTERN, screen=PATTERN)
    telephone.phone("ben")
    session = ana.session(VIDEO)
    telephone.sim.run(session.start("ben"))
    telephone.sim.run(switch_on(session, SCREEN))
    telephone.sim.run(session.set_camera(False))
    telephone.sim.run(session.end())
    telephone.sim.run(session.start("ben"))

    assert sent(session) == {MICROPHONE}


def test_a_camera_that_fails_ends_the_call(telephone: Telephone) -> None:
    """The error is the camera's; said off first, the call is made without it."""
    ana, ben = telephone.phone("ana", camera=BROKEN), telephone.phone("ben")
    session = ana.session(VIDEO)
    with pytest.raises(PublishError, match="no such camera"):
        telephone.sim.run(session.start("ben"))
    telephone.sim.advance(5)
    assert not ben.rings
    telephone.nobody_is_busy()

    telephone.sim.run(session.set_camera(False))
    telephone.sim.run(session.start("ben"))
    with pytest.raises(PublishError, match="no such camera"):
        telephone.sim.run(switch_on(session))
    assert sent(session) == {MICROPHONE}
    assert session.snapshot.value.part is CallingState.OPEN


def test_a_camera_needs_a_source(telephone: Telephone) -> None:
    """Without one the error names the choices, and the call goes on."""
    calling, _ = telephone.talk(telephone.phone("ana"), telephone.phone("ben"), VIDEO)
    for source, choice in ((CAMERA, "camera="), (SCREEN, "screen=")):
        with pytest.raises(InvalidArgumentError, match=choice):
            telephone.sim.run(switch_on(calling, source))
    assert sent(calling) == {MICROPHONE}


@pytest.mark.parametrize("wrong", [TestPattern, object()], ids=["class", "object"])
def test_what_cannot_be_opened_is_no_source(telephone: Telephone, wrong: Any) -> None:
    """It is refused when the client is made, or switched to; so is nothing at all."""
    for name in ("microphone", "camera", "screen"):
        sources: dict[str, Any] = {name: wrong}
        with pytest.raises(InvalidArgumentError, match=f"{name}="):
            telephone.sim.world.client(**sources)
    session = telephone.phone("ana").session(VIDEO)
    others: list[Any] = [wrong, None]
    for source in others:
        with pytest.raises(InvalidArgumentError, match="camera="):
            telephone.sim.run(session.switch_camera(source))


def test_a_switch_to_what_fails_changes_nothing(telephone: Telephone) -> None:
    """The pictures before go on, and are what is turned on later."""
    ana, ben = telephone.phone("ana", camera=PATTERN), telephone.phone("ben")
    calling, answering = telephone.talk(ana, ben, VIDEO)
    with pytest.raises(PublishError, match="no such camera"):
        telephone.sim.run(calling.switch_camera(BROKEN))
    assert telephone.sim.run(width_seen(answering)) == PATTERN.width_px
    telephone.sim.run(calling.set_camera(False))
    telephone.sim.run(switch_on(calling))
    assert telephone.sim.run(width_seen(answering)) == PATTERN.width_px


def test_a_switch_holds_while_the_camera_is_off(telephone: Telephone) -> None:
    """L6: what is not sent stays unsent, and is sent once it is turned on."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    calling, answering = telephone.talk(ana, ben, VIDEO)
    telephone.sim.run(calling.switch_camera(TestPattern(160, 90, 15)))
    assert sent(calling) == {MICROPHONE}
    telephone.sim.run(switch_on(calling))
    assert telephone.sim.run(width_seen(answering)) == 160


def test_a_switch_to_an_equal_camera_opens_it_anew(telephone: Telephone) -> None:
    """L6: it is no source that is there already; one that had ended is seen again."""
    once = Source(lambda: _pictures(2))
    ana, ben = telephone.phone("ana", camera=once), telephone.phone("ben")
    calling, answering = telephone.talk(ana, ben, VIDEO)
    reading = answering.video("ana")

    async def read() -> None:
        await anext(reading)

    telephone.sim.run(read())
    telephone.sim.advance(1)
    assert [p.muted for p in calling.local_participant.publications] == [False, True]

    telephone.sim.run(calling.switch_camera(once))
    telephone.sim.run(read())
    assert once.opened == 2


@pytest.mark.parametrize("command", ["camera", "screen", "off", "switch"])
@pytest.mark.parametrize("turns", STEPS)
def test_a_camera_that_is_left_leaves_nothing(
    telephone: Telephone, turns: int, command: str
) -> None:
    """Wherever it is cancelled, nothing is sent that nobody asked for."""
    ana = telephone.phone("ana", camera=PATTERN, screen=PATTERN)
    calling, answering = telephone.talk(ana, telephone.phone("ben"), VIDEO)
    other = Source(lambda: _pictures(9))
    before = {MICROPHONE, CAMERA}
    if command == "camera":
        telephone.sim.run(calling.set_camera(False))
        before = {MICROPHONE}
    commands: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "camera": lambda: switch_on(calling),
        "screen": lambda: switch_on(calling, SCREEN),
        "off": lambda: calling.set_camera(False),
        "switch": lambda: calling.switch_camera(other),
    }
    after = {
        "camera": {MICROPHONE, CAMERA},
        "screen": {MICROPHONE, CAMERA, SCREEN},
        "off": {MICROPHONE},
        "switch": before,
    }
    was_left = telephone.sim.run(left_after(turns, commands[command]()))
    telephone.sim.advance(15)  # longer than the SFU may take to answer

    if was_left and (command != "off" or turns == 0):
        assert sent(calling) == before
    else:
        assert sent(calling) == after[command]
    at_the_sfu = answering.remote_participants.value[0].publications
    assert {each.source for each in at_the_sfu} == sent(calling)
    telephone.sim.run(calling.dispose())
    telephone.sim.advance(100)
    assert not calling._owner._tasks


async def _pictures(count: int) -> AsyncIterator[VideoFrame]:
    for number in range(count):
        yield VideoFrame(data=bytes(24), width_px=4, height_px=4, at=number / 10)


async def width_seen(session: UTDCallSession) -> int:
    """Return the width of the next picture of ana."""
    async for frame in session.video("ana"):
        return frame.width_px
    pytest.fail("no picture")


def replace(telephone: Telephone, session: UTDCallSession) -> None:
    """Let the SFU lose a client, which connects anew."""
    sfu = telephone.sim.world.sfu
    identity = session.local_participant.identity
    room = sfu_room_name(telephone.sim.world.app.id, session.room_name)
    before = session.local_participant.sid

    async def lose() -> None:
        sfu.lines.cut(room, identity)
        await telephone.sim.clock.sleep(20)
        sfu.lines.mend(room, identity)

    telephone.sim.run(lose())
    telephone.sim.advance(20)
    assert session.local_participant.sid != before
    assert session.connected.value
