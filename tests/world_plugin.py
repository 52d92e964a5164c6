"""A world for each test that asks for one, on the ground that its loop can bear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.world import World
from tests.world_ground import Ground
from tests.world_livekit import LiveKitGround
from tests.world_loopback import LoopbackGround
from utd_stream.testing import VirtualLoop

_HASTE: dict[str, Any] = {"seat_grace": 0.5, "reconcile_period": 0.5}


def _ground(
    request: pytest.FixtureRequest, *, is_mortal: bool = False, **settings: Any
) -> Ground:
    loop = asyncio.get_running_loop()
    app_id: str = request.getfixturevalue("app_id")
    place: Path = request.getfixturevalue("tmp_path")
    settings["database"] = place / "engine.db"
    if isinstance(loop, VirtualLoop):
        return LoopbackGround(loop.clock, app_id, **settings)
    return LiveKitGround(
        request.getfixturevalue("own_livekit" if is_mortal else "livekit"),
        app_id,
        request.getfixturevalue("register_engine"),
        is_mortal=is_mortal,
        **settings,
    )


@pytest_asyncio.fixture
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """An engine on SQLite: in memory where time is virtual, else over LiveKit."""
    async with World(_ground(request)) as made:
        yield made


@pytest_asyncio.fixture
async def hasty_world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Likewise, with graces and a reconcile period of half a second."""
    async with World(_ground(request, **_HASTE)) as made:
        yield made


@pytest_asyncio.fixture
async def mortal_world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Likewise, whose engine and SFU are its own and may be killed."""
    async with World(_ground(request, is_mortal=True)) as made:
        yield made
