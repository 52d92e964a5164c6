"""What is acknowledged survives kill -9 of the engine's own process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.serving import serve_settings, serving
from tests.patience import patient_ports
from tests.relay import Registration
from tests.world import ROOM
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.compose import UTDStreamClient
from utd_stream.media import Tone
from utd_stream.models import SeatOccupancy

pytestmark = pytest.mark.livekit


async def test_an_acknowledged_seat_survives_kill_9(
    livekit: LiveKitProcess,
    app_id: str,
    register_engine: Callable[[str], Registration],
    tmp_path: Path,
) -> None:
    """The engine killed after it said yes: the seat is there, and so is the right."""
    settings = serve_settings(livekit, app_id, tmp_path / "engine.db")
    async with serving(settings) as (base_url, engine):
        register_engine(f"{base_url}/livekit/webhook").drop()
        client = UTDStreamClient(
            app_id,
            "key",
            base_url=base_url,
            microphone=Tone(440),
            ports=patient_ports(),
        )
        session = await client.join_audio_room("speaker", ROOM)
        answer = await client.api.take_seat(ROOM, 6)
        engine.kill()
        await engine.wait()

        settings["UTD_STREAM_PORT"] = base_url.rpartition(":")[2]
        async with serving(settings):
            grid = await client.api.get_seats(ROOM)
            assert grid == answer.grid
            assert grid.seats[6].occupant_identity == "speaker"
            await session.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 20)
            await session.dispose()
            await client.aclose()
