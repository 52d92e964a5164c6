"""An answering machine: it answers every call, plays a tune, and hangs up.

``python answering_machine.py URL APP_ID APP_KEY``, as ``utd-stream dev`` prints them.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import utd_stream as us

NOTES_HZ = (440, 554, 659, 880)
FRAMES_OF_A_NOTE = 30  # of 10 ms each
SECONDS = 10.0


class Tune:
    """A microphone that plays some notes over and over."""

    async def open(self) -> AsyncIterator[us.AudioFrame]:
        """Yield its sound, for as long as it is asked for."""
        notes = [us.Tone(hz).open() for hz in NOTES_HZ]
        while True:
            for note in notes:
                for _ in range(FRAMES_OF_A_NOTE):
                    yield await anext(note)


async def answer(call: us.IncomingCall) -> None:
    """Answer one call, and hang up when the tune has been heard for a while."""
    caller = call.call.value.caller_identity
    try:
        async with await call.answer() as session:  # the end of the block hangs up
            print(f"{caller} hears the tune")
            with suppress(TimeoutError):
                await session.end_info.until(lambda end: end is not None, SECONDS)
    except us.UTDStreamException as error:  # they have hung up before, say
        print(f"{caller} was not answered: {error}")


async def machine(client: us.UTDStreamClient) -> None:
    """Answer whoever calls; one call at a time, which is all that a person has."""
    await client.authenticate("answering-machine")
    async for call in client.incoming_calls:
        await answer(call)


async def main(url: str, app_id: str, key: str) -> None:
    """Answer calls at an engine, until interrupted."""
    async with us.UTDStreamClient(app_id, key, base_url=url, microphone=Tune()) as me:
        await machine(me)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
