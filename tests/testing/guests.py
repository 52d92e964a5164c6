"""People in a simulated room, and what becomes of what they ask."""

from __future__ import annotations

from typing import Any

from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.errors import UTDStreamException
from utd_stream.media import Silence
from utd_stream.testing import Simulation

__all__ = ["ROOM", "answer", "enter"]

ROOM = "lounge"


def enter(sim: Simulation, who: str, **asked: Any) -> UTDAudioRoomSession:
    """The session of somebody who has entered, a while ago."""
    client = sim.world.client(microphone=Silence())
    session = sim.run(client.join_audio_room(who, ROOM, **asked))
    sim.advance(1)
    return session


def answer(sim: Simulation, work: Any) -> str:
    """Return what becomes of a command: nothing, or the code of its refusal."""
    try:
        sim.run(work)
    except UTDStreamException as error:
        return error.code or type(error).__name__
    return ""
