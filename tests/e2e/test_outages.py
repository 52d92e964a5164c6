"""What a client does while the SFU is away: repair, mint again, give up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.planes import eventually
from tests.relay import Registration
from tests.world import World
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.http import AiohttpHttp
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.client.timeouts import Timeouts
from utd_stream.compose import Ports
from utd_stream.errors import ConnectError, DisconnectedError
from utd_stream.models import SeatOccupancy, UTDConnectionState

pytestmark = pytest.mark.livekit


class HastyClock(AsyncioClock):
    """A clock on which a minute lasts a second."""

    HASTE = 60.0

    def monotonic(self) -> float:
        """Return seconds, which pass sixty times as fast."""
        return super().monotonic() * self.HASTE

    async def sleep(self, seconds: float) -> None:
        """Wait a sixtieth of *seconds*."""
        await super().sleep(seconds / self.HASTE)


@pytest.fixture
def make_world(
    own_livekit: LiveKitProcess,
    app_id: str,
    register_engine: Callable[[str], Registration],
    tmp_path: Path,
) -> Callable[[], World]:
    """Make a world over a server of its own."""
    return lambda: World(
        own_livekit, app_id, register_engine, database=tmp_path / "engine.db"
    )


async def test_a_minute_away_is_force_exit(
    make_world: Callable[[], World], own_livekit: LiveKitProcess
) -> None:
    """L10: one timer runs from the loss; then it is over, and rejoin works."""
    async with make_world() as world:
        ports = Ports(http=AiohttpHttp(), clock=HastyClock())
        # Ten seconds for a take, as everywhere, on a clock that is in a hurry.
        patience = Timeouts(seat=10 * HastyClock.HASTE)
        client = await world.client(ports=ports, timeouts=patience)
        session = await world.join("speaker", client=client)
        await session.take_seat(0)

        await asyncio.to_thread(own_livekit.kill)

        gone = UTDConnectionState.FORCE_EXIT
        await session.connection_state.until(lambda s: s is gone)
        assert session.occupancy.value is SeatOccupancy.LISTENING
        assert session.seat.value is None
        with pytest.raises(DisconnectedError):
            await session.take_seat(1)
        with pytest.raises(ConnectError):
            await session.rejoin()
        await asyncio.to_thread(own_livekit.start)
        await session.rejoin()
        await session.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 20)


async def test_given_up_by_livekit_is_minted_again(
    make_world: Callable[[], World], own_livekit: LiveKitProcess
) -> None:
    """T41: LiveKit's client gives up after 23 s; the session comes back anew."""
    async with make_world() as world:
        host = await world.join("host", as_host=True)
        speaker = await world.join("speaker")
        await speaker.take_seat(2)
        first = speaker.room.connection

        await asyncio.to_thread(own_livekit.kill)
        await eventually(lambda: speaker.room.connection > first, timeout=50)
        await asyncio.to_thread(own_livekit.start)

        for session in (host, speaker):
            await session.connected.until(lambda is_connected: is_connected, 40)
        await speaker.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 20)
        assert (await world.room()).seat_index_of("speaker") == 2
        assert speaker.room.connection > first
