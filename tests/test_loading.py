"""What runs without LiveKit does not load it."""

from __future__ import annotations

import subprocess
import sys
from inspect import cleandoc

import pytest

from tests.patience import patient

ROOM = """
    import asyncio, sys
    from utd_stream import Tone, embedded

    async def main():
        async with embedded() as world:
            ana = await world.client(microphone=Tone(440)).join_audio_room("ana", "r")
            await ana.take_seat(0)
            await ana.leave()

    asyncio.run(main())
    print(*sys.modules)
"""
CLIENT = """
    import sys
    from utd_stream import UTDRoom

    UTDRoom()
    print(*sys.modules)
"""
DEMO = """
    import sys, utd_stream.cli._demo

    print(*sys.modules)
"""


@pytest.mark.parametrize(
    ("program", "loads"),
    [(ROOM, False), (DEMO, False), (CLIENT, True)],
    ids=["embedded", "demo", "default"],
)
def test_livekit_is_loaded_by_whom_it_carries(program: str, *, loads: bool) -> None:
    """An embedded room runs without its native client; the default plane is it."""
    run = subprocess.run(  # noqa: S603 -- this interpreter, a program from above
        [sys.executable, "-c", cleandoc(program)],
        check=True,
        capture_output=True,
        text=True,
        timeout=patient(60),
    )

    loaded = set(run.stdout.split())
    assert ("livekit.rtc" in loaded) is loads
    assert "livekit.api" not in loaded
