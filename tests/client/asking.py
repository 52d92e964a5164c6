"""What a scripted engine is asked, and what it may say to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.client.engine_script import Engine
from utd_stream.client._rest import Call, Rest
from utd_stream.contract import ENDPOINTS, Endpoint
from utd_stream.contract import requests as r
from utd_stream.contract.fields import Identity, RoomOrCall
from utd_stream.models.rooms import UTDStreamType

__all__ = ["GRID", "MINT", "OF", "ROOM", "TOKEN", "engine", "leave_seat"]


OF: dict[str, Endpoint[Any, Any]] = {endpoint.name: endpoint for endpoint in ENDPOINTS}


GRID = (200, {"rev": 1, "grid": {}})


ROOM = Call(path={"room": "lounge", "index": 1})


MINT = r.TokenRequest(
    type=UTDStreamType.AUDIO_ROOM,
    room_name=RoomOrCall("lounge"),
    identity=Identity("ann"),
)


TOKEN = (200, {"token": "t", "url": "u", "roomName": "lounge", "user_token": "b"})


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    """A server with a script."""
    async with Engine.running() as running:
        yield running


async def leave_seat(rest: Rest, call: Call = ROOM) -> Any:
    """A write."""
    return await rest.call(OF["leave_seat"], r.ActRequest(), call)
