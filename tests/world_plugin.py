"""A world over the shared LiveKit server for each test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest_asyncio

from tests.relay import Registration
from tests.world import World
from utd_stream.adapters.livekit_process import LiveKitProcess


@pytest_asyncio.fixture
async def world(
    livekit: LiveKitProcess,
    app_id: str,
    register_engine: Callable[[str], Registration],
    tmp_path: Path,
) -> AsyncIterator[World]:
    """An engine on SQLite over the shared server."""
    database = tmp_path / "engine.db"
    async with World(livekit, app_id, register_engine, database=database) as made:
        yield made


@pytest_asyncio.fixture
async def hasty_world(
    livekit: LiveKitProcess,
    app_id: str,
    register_engine: Callable[[str], Registration],
    tmp_path: Path,
) -> AsyncIterator[World]:
    """Likewise, with graces and a reconcile period of half a second."""
    async with World(
        livekit,
        app_id,
        register_engine,
        database=tmp_path / "engine.db",
        seat_grace=0.5,
        reconcile_period=0.5,
    ) as made:
        yield made
