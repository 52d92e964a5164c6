"""A session over the repairs of its connection: nothing is lost, nothing is old."""

from __future__ import annotations

import asyncio

import pytest

from tests.planes import LISTENER, SPEAKER, eventually, heard_hz
from tests.world import World
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.engine.rules.audio_room import grid_of
from utd_stream.models import SeatOccupancy, UTDConnectionState


async def begin_reconnect(
    world: World, session: UTDAudioRoomSession
) -> asyncio.Task[None]:
    """Let a client begin to connect anew; return who waits for its end."""
    back = asyncio.create_task(world.reconnect(session))
    lost = UTDConnectionState.RECONNECTING
    await session.connection_state.until(lambda state: state is lost, 10)
    return back


async def sid_of(world: World, identity: str) -> str:
    listed = await world.listed(identity)
    assert listed is not None
    return listed.sid


async def test_a_resumed_connection_is_the_same_one(world: World) -> None:
    """A lost signal connection alone changes neither seat nor track (T29)."""
    speaker = await world.join("speaker")
    await speaker.take_seat(1)

    async def connection() -> tuple[str, object]:
        sent = speaker.local_participant.publications
        return await sid_of(world, "speaker"), sent

    # On a busy machine LiveKit's client may fail to resume, and connects anew.
    for _ in range(3):
        before = await connection()
        await world.reconnect(speaker, fully=False)
        if await connection() == before:
            break
    else:
        pytest.fail("it was never resumed")

    assert speaker.occupancy.value is SeatOccupancy.SPEAKING
    assert await world.seat_of("speaker") == 1


async def test_who_connected_anew_is_heard_again(world: World) -> None:
    """After a full reconnect the voice is back by itself, under a new sid (T29)."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    (before,) = speaker.local_participant.publications

    await world.reconnect(speaker)

    await speaker.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)
    (after,) = speaker.room.state().local.publications
    assert after.sid != before.sid
    assert await heard_hz(host.audio("speaker")) == pytest.approx(440, rel=0.1)


async def test_what_changed_meanwhile_is_known_when_back(world: World) -> None:
    """Who connected anew knows grid and people, whatever changed meanwhile (T13)."""
    host = await world.join("host", as_host=True)
    guest = await world.join("guest")
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    await guest.take_seat(2)
    back = await begin_reconnect(world, speaker)

    await host.lock_seat(8)
    await guest.leave()
    await back

    grid = grid_of(await world.room())
    await speaker.seats.until(lambda seen: seen == grid, 10)
    await speaker.remote_participants.until(
        lambda all_: "guest" not in {each.identity for each in all_}, 10
    )
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)


async def test_a_right_taken_meanwhile_stays_taken(world: World) -> None:
    """Neither token nor memory bring back what was taken meanwhile (T9, T13)."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    back = await begin_reconnect(world, speaker)

    await host.mute_seat(1)
    await back

    await speaker.occupancy.until(lambda s: s is SeatOccupancy.SILENT, 10)
    await world.permitted("speaker", LISTENER)
    await eventually(lambda: not speaker.room.state().local.publications)
    assert speaker.seat.value == 1


async def test_a_right_given_meanwhile_is_used(world: World) -> None:
    """Who is unmuted while away speaks when back, by itself (T9, T13)."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await host.mute_seat(1)
    await speaker.take_seat(1)
    back = await begin_reconnect(world, speaker)

    await host.unmute_seat(1)
    await back

    await speaker.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)
    await world.permitted("speaker", SPEAKER)


async def test_a_seat_lost_meanwhile_is_not_spoken_from(world: World) -> None:
    """Who was unseated while away listens when back, and sends nothing (T13, L16)."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    back = await begin_reconnect(world, speaker)

    await host.kick_from_seat(1)
    await back

    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 10)
    await world.nothing_is_left("speaker")
    assert speaker.connected.value
