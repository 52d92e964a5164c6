"""What a session receives, recorded and read back."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from statistics import median

import av
import pytest

from tests.patience import patiently
from tests.planes import eventually, heard_hz
from tests.recorded import PATTERN, Film, Recorded, Siren, pictures, record
from tests.world import World
from utd_stream.client.call import UTDCallSession
from utd_stream.media import FileSource, Recorder, TestPattern
from utd_stream.models import UTDStreamType
from utd_stream.testing import VirtualLoop


async def recorded(world: World, path: Path) -> Recorded:
    """Record 30 s of a video call."""
    siren, film = Siren(), Film()
    ana = await world.caller("ana", microphone=siren, camera=film)
    ben = await world.caller("ben")
    _, answering = await world.talk(ana, ben, UTDStreamType.VIDEO_CALL)
    return await record(answering, siren, film, path)


async def test_a_recording_is_what_was_seen_and_heard(
    world: World, tmp_path: Path
) -> None:
    """30 s: as long, tone and pictures right, and both where they belong.

    Where time is virtual they are within 80 ms of each other and of the clock.  Where
    it is real, a busy machine holds some back: `make bench` says by how much.
    """
    got = await recorded(world, tmp_path / "it.mp4")
    if isinstance(asyncio.get_running_loop(), VirtualLoop):
        check(got)
        return

    assert got.length == pytest.approx(got.lasted, abs=5)
    rises = [other - one for one, other in pairwise(got.rises)]
    assert median(rises) == pytest.approx(2, abs=0.2)
    numbers = [number for _, number in got.shown]
    rising = sum(one <= other for one, other in pairwise(numbers))
    assert rising > 0.9 * (len(numbers) - 1)
    assert len(set(numbers)) > 0.2 * 30 * PATTERN.fps


async def test_a_recording_outlasts_mutes_reconnects_and_another_size(
    world: World, tmp_path: Path
) -> None:
    """One file: what came is in it, in order, and where nothing came it goes on.

    Pictures of another shape are fitted in between black bars.
    """
    ana = await world.caller("ana", 440, camera=PATTERN)
    ben = await world.caller("ben")
    calling, answering = await world.talk(ana, ben, UTDStreamType.VIDEO_CALL)
    recorder = Recorder(tmp_path / "it.mp4", size=(320, 180))
    loop = asyncio.get_running_loop()
    recording = asyncio.ensure_future(
        recorder.run(audio=answering.audio("ana"), video=answering.video("ana"))
    )
    await goes_on(recorder)
    began = loop.time() - recorder.progress.seconds

    await turn(calling, answering, on=False)
    await turn(calling, answering, on=True)
    await goes_on(recorder)
    for each in (calling, answering):
        await world.reconnect(each)
        await goes_on(recorder)
    await calling.switch_camera(TestPattern(320, 320, 15))
    async with patiently(20):
        async for frame in answering.video("ana"):
            if frame.width_px == frame.height_px:
                break
    await goes_on(recorder)
    lasted = loop.time() - began
    await calling.end()
    done = await recording

    is_virtual = isinstance(loop, VirtualLoop)
    assert done.seconds == pytest.approx(lasted, abs=0.2 if is_virtual else 5)
    numbers = [number for _, number in pictures(recorder.path)]
    rising = sum(one <= other for one, other in pairwise(numbers))
    assert rising >= len(numbers) - 1 - 2  # a reconnect and a switch begin anew
    assert has_bars(recorder.path)
    heard = FileSource(recorder.path).audio.open()
    assert await heard_hz(heard) == pytest.approx(440, abs=5)


async def goes_on(recorder: Recorder) -> None:
    """Wait until ten more pictures, and as many sounds, are recorded."""
    before = recorder.progress

    def has_more() -> bool:
        now = recorder.progress
        return min(now.pictures - before.pictures, now.sounds - before.sounds) >= 10

    await eventually(has_more, timeout=20)


async def turn(sender: UTDCallSession, viewer: UTDCallSession, *, on: bool) -> None:
    """Mute or unmute all that *sender* sends, until *viewer* knows."""
    await sender.set_microphone(on)
    await sender.set_camera(on)
    who = sender.local_participant.identity

    def is_turned() -> bool:
        (someone,) = (
            each for each in viewer.remote_participants.value if each.identity == who
        )
        return all(each.muted is not on for each in someone.publications)

    await eventually(is_turned)


def has_bars(path: Path) -> bool:
    """Whether a picture is black at its left side, and not in the middle.

    Not the last one: LiveKit's client sends a black picture as a camera is muted.
    """
    with av.open(str(path)) as container:
        return any(
            luma[:, :40].max() < 32 < luma[:, 160].max()
            for luma in (
                picture.to_ndarray(format="gray")
                for picture in container.decode(video=0)
            )
        )


@pytest.mark.asyncio(loop_factories=["loopback"])
async def test_a_webm_is_what_was_seen_and_heard(world: World, tmp_path: Path) -> None:
    """Likewise; one format is enough where time is real."""
    check(await recorded(world, tmp_path / "it.webm"))


def check(got: Recorded) -> None:
    """Fail if a recording is not what was sent."""
    assert got.length == pytest.approx(got.lasted, abs=0.1)
    assert len(got.rises) in {13, 14, 15}
    for one, other in pairwise(got.rises):
        assert other - one == pytest.approx(2, abs=0.05)
    numbers = [number for _, number in got.shown]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) > 0.95 * 30 * PATTERN.fps
    assert abs(got.apart) < 0.08
