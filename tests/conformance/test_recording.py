"""What a session receives, recorded and read back."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from tests.recorded import PATTERN, Film, Recorded, Siren, record
from tests.world import World
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
