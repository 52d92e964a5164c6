"""A bot on a seat: it plays a file into the room, and records whoever else speaks.

``python recording_bot.py URL APP_ID APP_KEY ROOM FILE FOLDER``: one recording each,
in FOLDER; Ctrl-C ends them well.  It needs ``pip install 'utd-stream[media]'``.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from urllib.parse import quote

import utd_stream as us

GONE = {us.UTDConnectionState.DISCONNECTED, us.UTDConnectionState.FORCE_EXIT}


async def record(session: us.UTDAudioRoomSession, who: str, folder: Path) -> None:
    """Record somebody for as long as this bot is in the room."""
    path = folder / f"{quote(who, safe='')}.ogg"  # a name may hold anything
    try:
        done = await us.Recorder(path).run(audio=session.audio(who))
    except us.UTDStreamException as error:
        print(f"{who} is not recorded: {error}")
    else:
        print(f"{path.name}: {done.seconds:.1f} s")


async def bot(session: us.UTDAudioRoomSession, folder: Path) -> None:
    """Sit down, play, and record those who sit down, until the room is left."""
    known: set[str | None] = {None, session.local_participant.identity}
    free = [seat.seat_index for seat in session.seats.value.seats if seat.is_free]
    await session.take_seat(free[-1])
    async with asyncio.TaskGroup() as recordings:

        def look(grid: us.UTDSeatGrid) -> None:
            for who in [seat.occupant_identity for seat in grid.seats]:
                if who is not None and who not in known:
                    known.add(who)
                    recordings.create_task(record(session, who, folder))

        with session.seats.subscribe(look):
            await session.connection_state.until(lambda state: state in GONE)


async def main(  # noqa: PLR0913, PLR0917 -- the words of the command
    url: str, app_id: str, key: str, room: str, file: str, folder: str
) -> None:
    """Take part in a room at an engine, until interrupted."""
    sound = us.FileSource(file).audio
    async with us.UTDStreamClient(app_id, key, base_url=url, microphone=sound) as me:
        await bot(await me.join_audio_room("recording-bot", room), Path(folder))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
