"""Measure everything and show it.

``--quick`` leaves LiveKit out, and measures memory with a thousand sessions
in place of ten thousand.
"""

from __future__ import annotations

import asyncio
import logging
import sys

from tests.bench.fact import measure_fact
from tests.bench.load import measure_load
from tests.bench.memory import measure_memory
from tests.bench.report import Figure, show
from tests.bench.room import measure_room
from utd_stream.adapters.descriptors import raise_descriptor_limit


async def main() -> None:
    """Measure one after the other, so that none disturbs another."""
    figures: list[Figure] = []
    is_quick = "--quick" in sys.argv
    if not is_quick:
        _begin("a room on LiveKit")
        figures += await measure_room()
    _begin("an engine under load")
    figures += await measure_load()
    _begin("what a fact costs")
    figures += measure_fact()
    _begin("memory")
    figures += measure_memory(rooms=100 if is_quick else 1_000)
    show(figures)


def _begin(what: str) -> None:
    sys.stderr.write(f"measuring {what}\n")


if __name__ == "__main__":
    raise_descriptor_limit()
    logging.getLogger("livekit").setLevel(logging.ERROR)
    asyncio.run(main())
