"""P13: what an engine costs while nobody does anything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import attrs

from tests.bench.filling import World, filling
from tests.bench.report import Figure

__all__ = ["ROOMS", "measure_quiet"]

ROOMS = (10, 1_000, 5_000)
_SECONDS = 10.0  # two periods of the reconciler
_MEGABYTE = 1_000_000


@attrs.frozen
class _Cost:
    """In a second.

    Attributes:
        requests: To the SFU.
        megabytes: In both directions, bodies alone.
        cpu: Seconds of the engine's process.
    """

    requests: float
    megabytes: float
    cpu: float


async def measure_quiet(rooms: Sequence[int] = ROOMS) -> list[Figure]:
    """Return P13, for so many rooms with one member each, the fewest first."""
    costs: list[_Cost] = []
    async with filling() as world:
        before = 0
        for size in rooms:
            people = ((f"room-{i}", "ana") for i in range(before, size))
            await world.fill(people, told=True)
            costs.append(await _cost(world))
            before = size
    few = costs[0]
    return [
        figure
        for size, cost in zip(rooms, costs, strict=True)
        for figure in _figures(f"an idle engine of {size:,} rooms", cost, few)
    ]


def _figures(what: str, cost: _Cost, few: _Cost) -> list[Figure]:
    asked = ("requests", what, "/s", cost.requests, few.requests, 50.0)
    heard = ("bytes", what, "MB/s", cost.megabytes, few.megabytes, 1.0)
    spent = ("CPU", what, "s/s", cost.cpu, few.cpu, 0.1)
    return [
        Figure(
            name=f"P13 {name}",
            what=of,
            unit=unit,
            ours=ours,
            bare=bare,
            goal=goal,
            is_ratio=False,
        )
        for name, of, unit, ours, bare, goal in (asked, heard, spent)
    ]


async def _cost(world: World) -> _Cost:
    begun, used = time.perf_counter(), await world.engine.cpu()
    before = await world.counts()
    await asyncio.sleep(_SECONDS)
    after = await world.counts()
    spent, used = time.perf_counter() - begun, await world.engine.cpu() - used
    return _Cost(
        requests=(after["requests"] - before["requests"]) / spent,
        megabytes=(after["bytes"] - before["bytes"]) / spent / _MEGABYTE,
        cpu=used / spent,
    )
