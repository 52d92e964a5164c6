"""P9: the memory of an idle session, beside the plane's own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.bench.idle import PER_ROOM
from tests.bench.report import Figure

__all__ = ["measure_memory"]


def measure_memory(*, rooms: int, idle: float) -> list[Figure]:
    """Return P9, for *rooms* rooms of ten, and what *idle* seconds of them cost.

    Three worlds are compared: the plane alone, an engine on it, and sessions of
    both.  What one has more than the one before is a session's, or an engine's.
    """
    plane, engine, sessions = (
        _told(world, rooms, idle) for world in ("plane", "engine", "sessions")
    )
    count = f"{rooms * PER_ROOM:,}"
    return [
        Figure(
            name="P9",
            what=f"memory (RSS) of an idle session, of {count}, beside the plane's own",
            unit="KB",
            ours=(sessions["bytes"] - engine["bytes"]) / 1_024,
            bare=plane["bytes"] / 1_024,
            goal=15,
            is_ratio=False,
        ),
        Figure(
            name="P9 engine",
            what="what the engine keeps of it, likewise",
            unit="KB",
            ours=(engine["bytes"] - plane["bytes"]) / 1_024,
            bare=plane["bytes"] / 1_024,
        ),
        Figure(
            name="P9 time",
            what=f"{idle / 60:g} idle minutes of {count} sessions, beside none",
            unit="s",
            ours=sessions["idle"],
            bare=engine["idle"],
        ),
    ]


def _told(world: str, rooms: int, idle: float) -> dict[str, Any]:
    # One after the other, each in a process whose memory nothing else has used.
    asked = [sys.executable, "-m", "tests.bench.idle", world, str(rooms), str(idle)]
    done = subprocess.run(asked, stdout=subprocess.PIPE, check=True)  # noqa: S603 -- ours
    told: dict[str, Any] = json.loads(done.stdout)
    return told
