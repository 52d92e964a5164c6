"""A voice monitor: it tells who speaks in a room, and how loud, as an RxPY pipe.

``python voice_monitor.py URL APP_ID APP_KEY ROOM`` prints a line at each change.
"""

from __future__ import annotations

import asyncio
import math
import sys
from array import array

import reactivex as rx
from reactivex import operators as ops

import utd_stream as us

QUIET = -50  # in dB; the loudest sound there is has 0
Level = tuple[int, str]


async def listen(
    session: us.UTDAudioRoomSession, who: str, levels: rx.Subject[Level]
) -> None:
    """Tell how loud somebody is, a hundred times a second."""
    async for frame in session.audio(who):
        peak = max(1, *array("h", frame.samples))
        levels.on_next((round(20 * math.log10(peak / 32_767)), who))


def in_words(heard: list[Level]) -> str:
    """Return who was loud, the loudest first."""
    loud = {who: decibels for decibels, who in sorted(heard) if decibels > QUIET}
    return ", ".join(f"{who} {loud[who]} dB" for who in reversed(loud)) or "nobody"


async def monitor(session: us.UTDAudioRoomSession) -> None:
    """Print who spoke in the last half second, whenever that changes."""
    levels, known = rx.Subject[Level](), set[str]()
    heard = levels.pipe(ops.buffer_with_time(0.5, scheduler=session.scheduler))
    words = heard.pipe(ops.map(in_words))
    words.pipe(ops.distinct_until_changed()).subscribe(print)
    async with asyncio.TaskGroup() as listening:
        async for grid in session.seats:
            for seat in grid.seats:  # those who sit down are listened to
                if (who := seat.occupant_identity) and who not in known:
                    known.add(who)
                    listening.create_task(listen(session, who, levels))


async def main(url: str, app_id: str, key: str, room: str) -> None:
    """Watch a room until interrupted."""
    async with us.UTDStreamClient(app_id, key, base_url=url) as me:
        await monitor(await me.join_audio_room("voice-monitor", room))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
