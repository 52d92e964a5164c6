"""People in an audio room of a world on virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.media import Tone
from utd_stream.models.names import sfu_room_name
from utd_stream.models.seats import UTDSeatGrid
from utd_stream.testing import Simulation

__all__ = ["ROOM", "Lounge", "lounge"]

ROOM = "lounge"


class Lounge:
    """One room, and whoever has entered it."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.sfu_room = sfu_room_name(sim.world.app.id, ROOM)
        self._sessions: list[UTDAudioRoomSession] = []

    def joined(self, identity: str, **asked: Any) -> UTDAudioRoomSession:
        """Return the session of somebody who has entered and can be heard."""
        client = self.sim.world.client(microphone=Tone(440))
        session = self.sim.run(client.join_audio_room(identity, ROOM, **asked))
        self._sessions.append(session)
        self.sim.settle()
        return session

    def grid(self) -> UTDSeatGrid:
        """Return the grid as the engine has it."""
        return self.sim.run(self._sessions[0]._link.api.get_seats(ROOM))

    def close(self) -> None:
        """Let everybody leave."""
        for session in self._sessions:
            self.sim.run(session.dispose())


@pytest.fixture
def lounge() -> Iterator[Lounge]:
    """A room in a world of its own, which no task outlives."""
    with Simulation(seed=7) as sim:
        made = Lounge(sim)
        yield made
        made.close()
