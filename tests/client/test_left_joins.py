"""A join that was left, and what the same person does next."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest

from utd_stream import UTDAudioRoomSession, UTDStreamClient
from utd_stream.errors import ClosedError
from utd_stream.media import Silence
from utd_stream.models import SeatOccupancy
from utd_stream.testing import Simulation

# From the begin of a join to its cancelling, in seconds: before the mint's
# answer, between mint and SFU, on the way in, and inside.
MOMENTS = [0.0, 0.001, 0.004, 0.008, 0.012, 0.02, 0.028, 0.04, 0.06, 0.08]
# Longer than a connect that was pushed out waits before it comes in.
LATE = 70.0


@pytest.fixture
def sim() -> Iterator[Simulation]:
    """A world which no task outlives."""
    with Simulation(3) as made:
        yield made


def client_of(sim: Simulation) -> UTDStreamClient:
    """Return a client that can speak."""
    return sim.world.client(microphone=Silence())


def left(sim: Simulation, client: UTDStreamClient, moment: float) -> None:
    """Let ana join, and cancel it after a while."""
    joining = sim.loop.create_task(client.join_audio_room("ana", "r"))
    sim.advance(moment)
    joining.cancel()
    with suppress(asyncio.CancelledError):
        session = sim.run(asyncio.wait_for(joining, None))
        sim.run(session.dispose())


def is_seated(sim: Simulation, session: UTDAudioRoomSession) -> bool:
    """Whether the session is there, at the engine and at the SFU."""
    grid = sim.run(session.get_seats())
    return (
        session.connected.value
        and session.occupancy.value is SeatOccupancy.SPEAKING
        and grid.seat_of("ana") is not None
    )


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("other", [False, True], ids=["same client", "other client"])
def test_the_next_join_stays(sim: Simulation, moment: float, *, other: bool) -> None:
    """Whenever the first was cancelled, the second keeps connection and seat."""
    first = client_of(sim)
    second = client_of(sim) if other else first
    left(sim, first, moment)

    session = sim.run(second.join_audio_room("ana", "r"))
    sim.run(session.take_seat(0))
    sim.advance(LATE)

    assert is_seated(sim, session)
    sim.run(session.dispose())


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_rejoin_after_a_cancelled_one_stays(sim: Simulation, moment: float) -> None:
    """A session that gave up one rejoin comes back by the next one."""
    session = sim.run(client_of(sim).join_audio_room("ana", "r"))
    rejoining = sim.loop.create_task(session.rejoin())
    sim.advance(moment)
    rejoining.cancel()

    sim.run(session.rejoin())
    sim.run(session.take_seat(0))
    sim.advance(LATE)

    assert is_seated(sim, session)
    sim.run(session.dispose())


@pytest.mark.parametrize("moment", MOMENTS)
def test_of_two_sessions_the_later_one_stays(sim: Simulation, moment: float) -> None:
    """Two joins of one client, the second while the first is on its way."""
    client = client_of(sim)
    first = sim.loop.create_task(client.join_audio_room("ana", "r"))
    sim.advance(moment)
    later = sim.run(client.join_audio_room("ana", "r"))
    sim.run(later.take_seat(0))
    sim.advance(LATE)

    assert is_seated(sim, later)
    earlier = first.result()
    assert earlier.snapshot.value.reason == "duplicate_identity"
    sim.run(earlier.dispose())
    sim.run(later.dispose())


@pytest.mark.parametrize("cancelled", [False, True], ids=["going on", "cancelled"])
@pytest.mark.parametrize("moment", MOMENTS[:-2])
def test_closing_ends_a_join_under_way(
    sim: Simulation, moment: float, *, cancelled: bool
) -> None:
    """It raises `ClosedError`, and nobody is in the room when `aclose` returns."""
    client = client_of(sim)
    joining = sim.loop.create_task(client.join_audio_room("ana", "r"))
    sim.advance(moment)
    if cancelled:
        joining.cancel()
    sim.run(client.aclose())

    people = {each.identity for each in sim.world.sfu.participants(sim_room(sim))}
    assert not people
    with pytest.raises(asyncio.CancelledError if cancelled else ClosedError):
        sim.run(asyncio.wait_for(joining, None))


def sim_room(sim: Simulation) -> str:
    """What the SFU calls the room."""
    return sim.world.sfu_room("r")
