"""What is acknowledged survives kill -9 of the engine's own process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.patience import patient_ports, patiently
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


def serve_settings(
    livekit: LiveKitProcess, app_id: str, database: Path
) -> dict[str, str]:
    return {
        **os.environ,
        "UTD_STREAM_PORT": "0",
        "UTD_STREAM_DATABASE": f"sqlite:///{database}",
        "UTD_STREAM_SECRET": "s" * 32,
        "UTD_STREAM_APP_ID": app_id,
        "UTD_STREAM_APP_KEY": "key",
        "UTD_STREAM_APP_SECRET": "app-secret",
        "UTD_STREAM_ALLOW_APPKEY_IDENTITY_MINT": "true",
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
    }


@asynccontextmanager
async def serving(
    settings: dict[str, str],
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Run ``utd-stream serve`` and yield its address and its process."""
    engine = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "utd_stream", "serve", "--json"),
        stdout=asyncio.subprocess.PIPE,
        env=settings,
    )
    assert engine.stdout is not None
    async with patiently(30):
        told = json.loads(await engine.stdout.readline())
    try:
        yield told["base_url"], engine
    finally:
        if engine.returncode is None:
            engine.terminate()
            assert await engine.wait() == 0
