"""The cost of one call beside many past calls.

Engines whose databases hold few and many calls are asked in turn.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import insert

from tests.bench.report import Figure, median_ms
from utd_stream import EmbeddedWorld, UTDStreamClient, embedded
from utd_stream.engine._schema import CALLS
from utd_stream.engine.store import Store
from utd_stream.models.rooms import UTDStreamType

__all__ = ["measure_calls"]

SIZES = (10, 1_000, 100_000, 1_000_000)
_ASKED = 150
_GOAL = 1.2
_PIECE = 5_000
_AUDIO = UTDStreamType.AUDIO_CALL


async def measure_calls(sizes: Sequence[int] = SIZES) -> list[Figure]:
    """Return the cost of a call beside so many past ones, the smallest first."""
    async with AsyncExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        askers = {
            size: await opened.enter_async_context(_asker(folder, size))
            for size in sizes
        }
        made: dict[int, list[float]] = {size: [] for size in sizes}
        listed: dict[int, list[float]] = {size: [] for size in sizes}
        for turn in range(_ASKED):
            for size, client in askers.items():
                began = time.perf_counter()
                call = await client.api.create_call(f"callee-{turn}", _AUDIO)
                await client.api.end_call(call.call_id)
                made[size].append(time.perf_counter() - began)
                began = time.perf_counter()
                await client.api.list_calls()
                listed[size].append(time.perf_counter() - began)
    return [
        Figure(
            name=f"P10 {what}",
            what=f"{told} beside {size:,} calls, and beside {sizes[0]}, p50",
            unit="ms",
            ours=median_ms(costs[size]),
            bare=median_ms(costs[sizes[0]]),
            goal=goal,
        )
        for size in sizes[1:]
        for what, told, costs, goal in (
            ("call", "a call and its end", made, _GOAL),
            # Up to 10,000 are counted, by an index.
            ("list", "a page of one's own calls", listed, None),
        )
    ]


@asynccontextmanager
async def _asker(folder: Path, size: int) -> AsyncIterator[UTDStreamClient]:
    world = embedded(database=f"sqlite:///{folder}/{size}.db")
    async with world:
        await _fill(world, size)
        client = world.client()
        await client.authenticate("ana")
        yield client


async def _fill(world: EmbeddedWorld, size: int) -> None:
    """Put calls that are over into the database, a tenth of them ana's."""
    writer = world._engine.services.writer
    for first in range(0, size, _PIECE):
        rows: list[dict[str, object]] = [
            {
                "app_id": world.app.id,
                "call_id": f"call_{number:024x}",
                "caller": "ana" if number % 10 == 0 else f"caller-{number}",
                "callee": f"callee-{number}",
                "type": "audio_call",
                "status": "ended",
                "initiated_at": 1_700_000_000.0 + number,
                "state": _state(number),
            }
            for number in range(first, min(first + _PIECE, size))
        ]
        await writer.transact(partial(_insert, rows=rows))


def _insert(store: Store, rows: list[dict[str, object]]) -> None:
    store.connection.execute(insert(CALLS), rows)


def _state(number: int) -> str:
    return (
        f'{{"call_id":"call_{number:024x}","type":"audio_call","status":"ended",'
        '"caller_identity":"ana","callee_identity":"ben",'
        f'"room_name":"call_{number:024x}","metadata":{{}},"rev":3,'
        '"ring_until":"2026-01-01T12:00:30Z","initiated_at":"2026-01-01T12:00:00Z"}'
    )
