"""What is acknowledged survives: the engine killed, LiveKit killed, both back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.planes import heard_hz
from tests.relay import Registration
from tests.world import World
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.models import SeatMode, SeatOccupancy, UTDConnectionState

pytestmark = pytest.mark.livekit


async def test_livekit_restarted_is_no_departure(
    own_livekit: LiveKitProcess,
    app_id: str,
    register_engine: Callable[[str], Registration],
    tmp_path: Path,
) -> None:
    """T13, T29, T39: clients come back, metadata and rights are written again."""
    async with World(
        own_livekit, app_id, register_engine, database=tmp_path / "engine.db"
    ) as world:
        host = await world.join("host", as_host=True, seat_mode=SeatMode.REQUEST)
        speaker = await world.join("speaker")
        await host.take_seat(0)
        await host.invite_to_speak("speaker", 5)
        await speaker.invitation.until(lambda i: i is not None, 10)
        await speaker.accept_invitation()
        grid = (await world.room()).grid

        await asyncio.to_thread(own_livekit.kill)
        lost = UTDConnectionState.RECONNECTING
        await speaker.connection_state.until(lambda s: s is lost, 20)
        await asyncio.to_thread(own_livekit.start)

        for session in (host, speaker):
            await session.connected.until(lambda is_connected: is_connected, 60)
            await session.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 30)
        assert (await world.room()).grid == grid
        assert host.seats.value == speaker.seats.value == grid
        assert await heard_hz(host.audio("speaker")) == pytest.approx(440, abs=5)
        await until_told_again(world, grid.rev)


async def until_told_again(world: World, rev: int) -> None:
    """Wait until the SFU's room tells the grid that it had forgotten."""
    async with asyncio.timeout(15):
        while True:
            rooms = await world.sfu.list_rooms()
            told = [room.metadata for room in rooms if room.name == world.sfu_room]
            if told and f'"rev":{rev},' in told[0]:
                return
