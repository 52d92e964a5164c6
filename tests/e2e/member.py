"""One member in a process of its own, for tests that kill it or need many."""

from __future__ import annotations

import asyncio
import sys

from tests.patience import patient_ports
from tests.world import ROOM
from utd_stream.compose import UTDStreamClient
from utd_stream.media import Tone


async def main(base_url: str, app_id: str, key: str, identity: str, seat: str) -> None:
    """Join, sit down, say so, stay."""
    async with UTDStreamClient(
        app_id, key, base_url=base_url, microphone=Tone(440), ports=patient_ports()
    ) as client:
        session = await client.join_audio_room(identity, ROOM)
        await session.take_seat(int(seat))
        print("speaking", flush=True)  # noqa: T201 -- what the test waits for
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
