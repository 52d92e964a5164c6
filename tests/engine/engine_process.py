"""Runs an engine over a loopback plane as a process of its own, to be killed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.engine.house import OPEN
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.loopback import Loopback
from utd_stream.adapters.luck import SystemLuck
from utd_stream.cli._stopping import run
from utd_stream.engine import Config, serve

SECRET = "p" * 32  # of this test's bearers


def config(database: Path) -> Config:
    """Return what the process is told."""
    return Config(
        port=0,
        database=f"sqlite:///{database}",
        secret=SECRET,
        apps=(OPEN,),
        livekit_url="ws://sfu",
        rate_app=0,
        rate_identity=0,
        rate_pair=0,
        livekit_api_key="key",
        livekit_api_secret="secret",  # noqa: S106 -- a test's
    )


async def main(database: Path) -> int:
    """Serve, and print where."""
    clock = AsyncioClock()
    await serve(
        config(database),
        sfu=Loopback(clock),
        clock=clock,
        luck=SystemLuck(),
        on_ready=lambda url: print(json.dumps(url), flush=True),  # noqa: T201 -- the test reads it
    )
    return 0


if __name__ == "__main__":
    sys.exit(run(main(Path(sys.argv[1]))))
