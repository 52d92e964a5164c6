"""Who leaves gives up the seat, who is only away for a moment does not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from livekit import rtc

from tests.e2e.entering import entering
from tests.planes import eventually
from tests.relay import Registration
from tests.world import ROOM, World
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.errors import NotFoundError, PermissionDeniedError
from utd_stream.models import SeatOccupancy, UTDConnectionState

pytestmark = pytest.mark.livekit


async def start_member(
    world: World, identity: str, *, seat: int
) -> asyncio.subprocess.Process:
    """Start a process of its own that joins, sits down and says so."""
    member = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.e2e.member"),
        *(world.base_url, world.app.id, world.app.key, identity, str(seat)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert member.stdout is not None
    async with asyncio.timeout(30):
        assert await member.stdout.readline() == b"speaking\n"
    return member


async def seat_of(world: World, identity: str) -> int | None:
    return (await world.room()).seat_index_of(identity)


async def until_unseated(world: World, identity: str) -> None:
    """Wait until the engine has freed somebody's seat."""
    async with asyncio.timeout(15):
        while await seat_of(world, identity) is not None:
            await world.reconcile()


async def reconnect_fully(session: UTDAudioRoomSession) -> None:
    native: rtc.Room = session.room.room
    await native.simulate_scenario(rtc.SimulateScenarioKind.SIMULATE_FULL_RECONNECT)


async def test_leaving_frees_the_seat_at_once_without_webhooks(world: World) -> None:
    """session.leave() tells the engine before it disconnects."""
    world.webhooks.drop()
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(2)

    await speaker.leave()

    assert await seat_of(world, "speaker") is None
    await world.gone("speaker")
    assert speaker.connection_state.value is UTDConnectionState.DISCONNECTED
    assert speaker.seat.value is None
    await host.take_seat(2)


async def test_a_session_that_left_can_come_back(world: World) -> None:
    """L8, L9: the object stays usable, and hears everything once."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.leave()

    await speaker.rejoin()
    await speaker.rejoin()

    revisions: list[int] = []
    told = speaker.seats.subscribe(lambda grid: revisions.append(grid.rev))
    await host.lock_seat(8)
    await speaker.seats.until(lambda g: g.seats[8].locked, 10)
    told.dispose()
    assert len(revisions) == 2
    assert (await world.present()).count("speaker") == 1


async def test_a_full_reconnect_keeps_the_seat(hasty_world: World) -> None:
    """T29, T38: left, then joined 60 ms later with new sids, is no departure."""
    world = hasty_world
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    before = await world.listed("speaker")
    assert before is not None

    await reconnect_fully(speaker)
    async with asyncio.timeout(10):
        while (now := await world.listed("speaker")) is None or now.sid == before.sid:
            pass  # each look is a request, and so a pause
    await world.webhooks.arrival(lambda w: w.event == "participant_left")
    await world.reconcile()

    assert await seat_of(world, "speaker") == 1
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)
    await host.remote_participants.until(
        lambda all_: any(p.publications for p in all_ if p.identity == "speaker"), 10
    )


async def test_the_device_that_was_replaced_cannot_free_the_seat(
    hasty_world: World,
) -> None:
    """T25: the newest connection of an identity wins and keeps the seat."""
    world = hasty_world
    old = await world.join("speaker")
    await old.take_seat(1)

    new = await world.join("speaker")

    await old.connected.until(lambda is_connected: not is_connected, 10)
    assert old.snapshot.value.reason == "duplicate_identity"
    await old.leave()
    await old.dispose()
    stale = await world.client()
    await stale.authenticate("speaker")
    await stale.api.leave_room(ROOM, connection=1)
    await world.reconcile()
    assert await seat_of(world, "speaker") == 1
    await new.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)


async def test_a_late_notice_of_an_old_connection_unseats_nobody(
    hasty_world: World,
) -> None:
    """T15, T25: a participant_left that arrives after the join of a newer one."""
    world = hasty_world
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    world.webhooks.hold(lambda w: w.event == "participant_left")

    await reconnect_fully(speaker)
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)
    await world.webhooks.arrival(lambda w: w.event == "participant_left")
    await world.webhooks.release()
    await world.reconcile()

    assert await seat_of(world, "speaker") == 1
    assert speaker.seat.value == 1


async def test_a_kicked_member_does_not_come_back_by_a_reconnect(
    hasty_world: World,
) -> None:
    """T8: removal ends the session, a held token does not bring it back."""
    world = hasty_world
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    client = await world.client()
    token = await client.api.create_token(entering("speaker"))

    await host.kick("speaker")

    await speaker.connected.until(lambda is_connected: not is_connected, 10)
    assert speaker.snapshot.value.reason == "participant_removed"
    assert speaker.occupancy.value is SeatOccupancy.LISTENING
    assert await seat_of(world, "speaker") is None
    intruder = rtc.Room()
    removed = asyncio.Event()
    intruder.on("disconnected", lambda *_: removed.set())
    await intruder.connect(token.url, token.token)
    async with asyncio.timeout(10):
        await removed.wait()
    await world.gone("speaker")
    with pytest.raises(PermissionDeniedError):
        await client.api.create_token(entering("speaker", resume=True))


async def test_a_killed_process_loses_its_seat(hasty_world: World) -> None:
    """T12, T38: LiveKit notices a dead process late; then the grace runs."""
    world = hasty_world
    member = await start_member(world, "speaker", seat=1)
    assert await seat_of(world, "speaker") == 1

    member.kill()
    await member.wait()

    assert await seat_of(world, "speaker") == 1
    notice = await world.webhooks.arrival(
        lambda w: w.event == "participant_left", timeout=45
    )
    assert notice.payload["participant"]["identity"] == "speaker"
    await until_unseated(world, "speaker")


async def test_an_engine_that_was_away_unseats_nobody_who_is_there(
    livekit: LiveKitProcess,
    app_id: str,
    register_engine: Callable[[str], Registration],
    tmp_path: Path,
) -> None:
    """Down for longer than the grace: overdue ones are judged by a listing."""
    async with World(
        livekit,
        app_id,
        register_engine,
        database=tmp_path / "engine.db",
        seat_grace=0.2,
        reconcile_period=0.2,
    ) as world:
        speaker = await world.join("speaker")
        await speaker.take_seat(3)
        await world.stop_engine()
        await reconnect_fully(speaker)
        await eventually(lambda: speaker.connected.value)

        await world.start_engine()
        await world.reconcile()
        await world.reconcile()

        assert await seat_of(world, "speaker") == 3
        await speaker.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)


async def test_a_room_that_ends_removes_everybody(world: World) -> None:
    """end_room disconnects all, and the name may live again."""
    host = await world.join("host", as_host=True)
    guest = await world.join("guest")
    await guest.take_seat(0)

    await host.end_room()

    for session in (host, guest):
        await session.connected.until(lambda is_connected: not is_connected, 10)
        assert session.snapshot.value.reason == "room_deleted"
    with pytest.raises(NotFoundError):
        await host.get_seats()
    again = await world.join("guest", as_host=True)
    assert again.is_host
    assert again.seats.value.seats[0].occupant_identity is None
