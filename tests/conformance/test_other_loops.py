"""A session belongs to its loop, whatever the plane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.world import World
from utd_stream import SeatOccupancy
from utd_stream.errors import UsageError


async def test_a_session_is_refused_to_another_loop_at_once(world: World) -> None:
    """Who waits there is told where to, and the session goes on as it was."""
    ana = await world.join("ana", as_host=True)
    asked: list[Callable[[], Coroutine[Any, Any, object]]] = [
        lambda: ana.occupancy.until(SeatOccupancy.SPEAKING),
        lambda: ana.take_seat(0),
        lambda: ana.set_microphone(False),
        ana.room.disconnect,
        ana.leave,
        ana.dispose,
    ]

    def elsewhere(ask: Callable[[], Coroutine[Any, Any, object]]) -> None:
        asyncio.run(ask())

    for ask in asked:
        with pytest.raises(UsageError, match="run_coroutine_threadsafe"):
            await asyncio.to_thread(elsewhere, ask)

    await ana.take_seat(0)
    assert ana.occupancy.value is SeatOccupancy.SPEAKING
