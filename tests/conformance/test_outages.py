"""The SFU or the engine goes away: repair, mint again, come back, give up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from tests.planes import SPEAKER, eventually, heard_hz
from tests.world import World
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.engine.rules.audio_room import grid_of
from utd_stream.errors import ConnectError, DisconnectedError, TransportError
from utd_stream.models import (
    DisconnectReason,
    SeatMode,
    SeatOccupancy,
    UTDConnectionState,
)
from utd_stream.models.room_events import Disconnected, RoomEvent
from utd_stream.ports import HttpAnswer


async def speaks_again(*sessions: UTDAudioRoomSession) -> None:
    """Wait until all are back and heard."""
    for session in sessions:
        await session.connected.until(lambda is_connected: is_connected, 60)
        await session.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 30)


async def until_told_again(world: World, rev: int) -> None:
    """Wait until the SFU's room tells the grid that it had forgotten."""

    async def is_told() -> bool:
        rooms = await world.sfu.list_rooms()
        told = [room.metadata for room in rooms if room.name == world.sfu_room]
        return bool(told) and f'"rev":{rev},' in told[0]

    await world.until(is_told, timeout=15)


async def test_a_restarted_sfu_is_no_departure(mortal_world: World) -> None:
    """A restarted SFU has its people, metadata and rights again (T13, T29, T39)."""
    world = mortal_world
    host = await world.join("host", as_host=True, seat_mode=SeatMode.REQUEST)
    speaker = await world.join("speaker")
    await host.take_seat(0)
    await host.invite_to_speak("speaker", 5)
    await speaker.invitation.until(lambda i: i is not None, 10)
    await speaker.accept_invitation()
    grid = grid_of(await world.room())

    await world.kill_sfu()
    lost = UTDConnectionState.RECONNECTING
    await speaker.connection_state.until(lambda s: s is lost, 20)
    await world.start_sfu()

    await speaks_again(host, speaker)
    assert grid_of(await world.room()) == grid
    assert host.seats.value == speaker.seats.value == grid
    assert await heard_hz(host.audio("speaker")) == pytest.approx(440, rel=0.1)
    await until_told_again(world, grid.rev)


async def test_a_minute_away_is_force_exit(mortal_world: World) -> None:
    """A minute after the loss a session is over, and rejoin works (L10)."""
    world = mortal_world
    session = await world.join("speaker", client=world.hurried_client())
    await session.take_seat(0)

    await world.kill_sfu()

    gone = UTDConnectionState.FORCE_EXIT
    await session.connection_state.until(lambda s: s is gone, 90)
    assert session.occupancy.value is SeatOccupancy.LISTENING
    assert session.seat.value is None
    with pytest.raises(DisconnectedError):
        await session.take_seat(1)
    with pytest.raises(ConnectError):
        await session.rejoin()
    await world.start_sfu()
    await session.rejoin()
    await session.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 20)


async def test_given_up_by_its_client_is_minted_again(mortal_world: World) -> None:
    """The SFU's client gives up after 23 s; the session mints and is back (T41)."""
    world = mortal_world
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(2)
    first = speaker.room.connection
    told: list[RoomEvent] = []
    speaker.events.subscribe(told.append)

    await world.kill_sfu()
    await eventually(lambda: speaker.room.connection > first, timeout=50)
    await world.start_sfu()

    (gone,) = [each for each in told if isinstance(each, Disconnected)]
    assert gone.reason is DisconnectReason.UNKNOWN_REASON
    await host.connected.until(lambda is_connected: is_connected, 60)
    await speaks_again(speaker)
    assert await world.seat_of("speaker") == 2


async def test_a_killed_engine_has_lost_nothing_it_said(mortal_world: World) -> None:
    """What a killed engine acknowledged is there again, and who sat still speaks."""
    world = mortal_world
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    client = world.client()
    await world.join("late", client=client)
    world.grants.delivers = False
    answer = await client.api.take_seat(speaker.room_name, 6)

    await world.kill_engine()
    with pytest.raises(TransportError):
        await client.api.get_seats(speaker.room_name)
    world.grants.delivers = True
    await world.start_engine()

    assert await client.api.get_seats(speaker.room_name) == answer.grid
    assert answer.grid.seats[6].occupant_identity == "late"
    assert speaker.occupancy.value is SeatOccupancy.SPEAKING
    await world.permitted("late", SPEAKER)


class FatalLine:
    """A line to an engine that is killed by the first take it is asked."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._http = world.http()
        self.killed = 0

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> HttpAnswer:
        """Send a request; nobody hears what became of a fatal one."""
        asking = self._http.request(method, url, headers=headers, body=body)
        if self.killed or not url.endswith("/take"):
            return await asking
        self.killed += 1
        asked = asyncio.create_task(asking)
        await asyncio.sleep(0)  # it is on its way
        await self._world.kill_engine()
        await asyncio.wait([asked])
        await self._world.start_engine()
        message = "the engine died"
        raise TransportError(message) from asked.exception()

    async def aclose(self) -> None:
        """Close the line."""
        await self._http.aclose()


async def test_a_take_that_kills_the_engine_is_served_once(
    mortal_world: World,
) -> None:
    """A take is asked again with its key when the engine is back."""
    world = mortal_world
    line = FatalLine(world)
    speaker = await world.join("speaker", client=world.client(http=line))

    await speaker.take_seat(3)

    assert line.killed == 1
    assert speaker.occupancy.value is SeatOccupancy.SPEAKING
    assert await world.seat_of("speaker") == 3
    assert (await world.room()).rev == 1
