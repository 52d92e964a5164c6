"""Measure everything and show it; ``--quick`` leaves LiveKit out."""

from __future__ import annotations

import asyncio
import logging
import sys

from tests.bench.fact import measure_fact
from tests.bench.load import measure_load
from tests.bench.report import Figure, show
from tests.bench.room import measure_room
from utd_stream.adapters.descriptors import raise_descriptor_limit


async def main() -> None:
    """Measure one after the other, so that none disturbs another."""
    figures: list[Figure] = []
    if "--quick" not in sys.argv:
        figures += await measure_room()
    figures += await measure_load()
    figures += measure_fact()
    show(figures)


if __name__ == "__main__":
    raise_descriptor_limit()
    logging.getLogger("livekit").setLevel(logging.ERROR)
    asyncio.run(main())
