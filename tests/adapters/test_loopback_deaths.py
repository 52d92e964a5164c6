"""What becomes of clients when the loopback plane dies, restarts or closes.

The times are LiveKit's; they pass on virtual time.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.planes import LISTENER, MICROPHONE, Plane
from utd_stream.adapters.loopback import Loopback
from utd_stream.errors import ConnectError, DisconnectedError, TransportError
from utd_stream.models.room_events import Reconnected

pytestmark = pytest.mark.asyncio(loop_factories=["loopback"])


@pytest.mark.parametrize("times", [1, 3])
async def test_restarts_are_survived(plane: Plane, sfu: Loopback, times: int) -> None:
    """However often it dies, whoever was there is there again (T29, T39)."""
    people = [await plane.enter(name) for name in ("ana", "ben")]
    for _ in range(times):
        sfu.restart()
        await plane.clock.sleep(1.05)  # in the middle of coming back
    await plane.sees("ana", "ben")
    for guest in people:
        await guest.hears(Reconnected)
        await guest.sees(lambda now: len(now.remotes) == 1)
        assert guest.state.local.sid in (await plane.listed()).values()


async def test_restart_while_entering_is_a_failed_connect(
    plane: Plane, sfu: Loopback
) -> None:
    """Nobody believes to be in a room that the SFU forgot."""
    entering = asyncio.create_task(plane.enter("ana"))
    await plane.clock.sleep(0.04)
    sfu.restart()

    with pytest.raises(ConnectError):
        await entering
    assert await plane.listed() == {}


@pytest.mark.parametrize("after", [0.0, 0.01, 0.045], ids=["at once", "soon", "late"])
@pytest.mark.parametrize("ends", ["kill", "aclose"])
async def test_whoever_is_on_the_way_in_is_refused(
    plane: Plane, sfu: Loopback, after: float, ends: str
) -> None:
    """At whatever point of the way it dies or closes, there is no room to be in."""
    entering = asyncio.create_task(plane.enter("ana"))
    await plane.clock.sleep(after)
    if ends == "kill":
        sfu.kill()
    else:
        await sfu.aclose()
    async with plane.clock.timeout(5):
        with pytest.raises(ConnectError, match="is LiveKit running"):
            await entering

    assert sfu.participants(plane.room()) == ()
    with pytest.raises(ConnectError):
        sfu.enter(plane.token("ben"))
    with pytest.raises(ConnectError, match="is down"):
        await sfu.list_rooms()


async def test_what_waits_for_a_plane_that_closes_ends(
    plane: Plane, sfu: Loopback
) -> None:
    """A publish without an answer, a message on a cut line, a reader."""
    ana = await plane.enter("ana", permission=LISTENER)
    ben = await plane.enter("ben")
    sfu.lines.cut(plane.room(), "ben")

    async def read() -> None:
        async for _ in ana.room.audio("nobody", MICROPHONE):
            pass

    publishing = asyncio.create_task(ana.publish_tone())
    sending = asyncio.create_task(
        ben.room.send_data(b"late", reliable=True, to=[], topic="")
    )
    reading = asyncio.create_task(read())
    await plane.clock.sleep(1)
    told = len(ana.told) + len(ben.told)
    await sfu.aclose()
    await sfu.aclose()
    async with plane.clock.timeout(1):
        for waiting in (publishing, sending):
            with pytest.raises(DisconnectedError):
                await waiting
        await reading

    await plane.clock.sleep(600)
    assert len(ana.told) + len(ben.told) == told


async def test_cut_line_stays_cut_when_the_plane_lives_again(
    plane: Plane, sfu: Loopback
) -> None:
    """What was broken apart is mended apart, in either order."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben")
    sfu.lines.cut(plane.room(), "ana")
    sfu.kill()
    await plane.clock.sleep(2.5)
    sfu.start()
    await ben.hears(Reconnected)
    await plane.clock.sleep(5)
    assert set(await plane.listed()) == {"ben"}
    sfu.lines.mend(plane.room(), "ana")
    await ana.hears(Reconnected)
    assert set(await plane.listed()) == {"ana", "ben"}

    for guest in (ana, ben):
        guest.told.clear()
    sfu.kill()
    sfu.lines.cut(plane.room(), "ana")
    await plane.clock.sleep(2.5)
    sfu.lines.mend(plane.room(), "ana")
    await plane.clock.sleep(2.5)
    assert not ana.of(Reconnected)
    sfu.start()
    for guest in (ana, ben):
        await guest.hears(Reconnected)


async def test_starting_a_plane_that_lives_changes_nothing(
    plane: Plane, sfu: Loopback
) -> None:
    """It mends no line, and forgets nobody."""
    await plane.enter("ana")
    ben = await plane.enter("ben")
    sfu.lines.cut(plane.room(), "ben")
    sfu.start()
    await plane.clock.sleep(5)

    assert set(await plane.listed()) == {"ana", "ben"}
    assert not ben.of(Reconnected)


async def test_outages_may_overlap_with_each_other_and_with_a_death(
    plane: Plane, sfu: Loopback
) -> None:
    """The end of one fault is not the end of another."""
    async with sfu.outage():
        async with sfu.outage():
            pass
        with pytest.raises(ConnectError):
            await sfu.list_rooms()
        sfu.kill()
    with pytest.raises(ConnectError):
        await sfu.list_rooms()
    async with sfu.outage():
        sfu.start()
        with pytest.raises(ConnectError):
            await sfu.list_rooms()
    assert await sfu.list_rooms() == ()
    await sfu.create_room(plane.room(), metadata="", empty_timeout=300)
    async with sfu.failing(plane.room()):
        async with sfu.failing(plane.room()):
            pass
        with pytest.raises(TransportError):
            await sfu.list_participants(plane.room())
    assert await sfu.list_participants(plane.room()) == ()
