"""Measure everything and show it.

``--quick`` leaves LiveKit out.  ``--long`` measures what takes longer than the
rest together: ten thousand sessions, and what stays of rooms that ended.
"""

from __future__ import annotations

import asyncio
import logging
import sys

from tests.bench.calls import measure_calls
from tests.bench.fact import measure_fact
from tests.bench.lives import measure_lives, measure_start
from tests.bench.load import measure_load
from tests.bench.members import measure_members
from tests.bench.memory import measure_memory
from tests.bench.pictures import measure_pictures
from tests.bench.quiet import measure_quiet
from tests.bench.report import Figure, show
from tests.bench.rings import measure_ring, measure_rings
from tests.bench.room import measure_room
from utd_stream.adapters.descriptors import raise_descriptor_limit

_MINUTES, _HOUR = 600.0, 3_600.0


async def _measure(*, livekit: bool) -> list[Figure]:
    """Measure one after the other, so that none disturbs another."""
    figures: list[Figure] = []
    if livekit:
        _begin("a room on LiveKit")
        figures += await measure_room()
        _begin("pictures on LiveKit")
        figures += await measure_pictures()
    _begin("an engine under load")
    figures += await measure_load()
    _begin("rooms of many members")
    figures += await measure_members()
    _begin("calls beside many")
    figures += await measure_calls()
    _begin("a ring")
    figures.append(await measure_ring())
    _begin("an idle engine of many rooms")
    figures += await measure_quiet()
    _begin("a thousand rings")
    figures.append(await asyncio.to_thread(measure_rings))
    _begin("what a fact costs")
    figures += measure_fact()
    _begin("memory")
    return [*figures, *measure_memory(rooms=100, idle=_MINUTES)]


def _measure_long() -> list[Figure]:
    """Measure what takes minutes each."""
    _begin("rooms that end")
    figures = measure_lives(200_000)
    _begin("a start")
    figures += measure_start()
    _begin("memory")
    return [*figures, *measure_memory(rooms=1_000, idle=_HOUR)]


def _begin(what: str) -> None:
    sys.stderr.write(f"measuring {what}\n")


if __name__ == "__main__":
    raise_descriptor_limit()
    logging.getLogger("livekit").setLevel(logging.ERROR)
    if "--long" in sys.argv:
        show(_measure_long())
    else:
        show(asyncio.run(_measure(livekit="--quick" not in sys.argv)))
