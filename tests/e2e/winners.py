"""Some members who won their seats elsewhere, connected from one process."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack

from tests.patience import patient_ports
from tests.world import ROOM
from utd_stream.compose import UTDStreamClient
from utd_stream.media import Silence
from utd_stream.models import SeatOccupancy
from utd_stream.wire import encode

SPEAKING = SeatOccupancy.SPEAKING


async def main(
    base_url: str, app_id: str, key: str, rev: str, *identities: str
) -> None:
    """Join, speak, see revision *rev*, and tell the grid of each."""
    async with AsyncExitStack() as stack:
        for identity in identities:
            client = await stack.enter_async_context(
                UTDStreamClient(
                    app_id,
                    key,
                    base_url=base_url,
                    microphone=Silence(),
                    ports=patient_ports(),
                )
            )
            session = await client.join_audio_room(identity, ROOM)
            await stack.enter_async_context(session)
            await session.occupancy.until(SPEAKING.__eq__, 20)
            grid = await session.seats.until(lambda g: g.rev >= int(rev), 10)
            print(encode(grid).decode(), flush=True)  # noqa: T201 -- the answer
        await asyncio.to_thread(sys.stdin.read)  # stay until the test has seen all


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
