"""Commands that an observer begins at once, as the eager tasks of Python 3.12 do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import pytest

from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.media import Silence
from utd_stream.models.rooms import SeatOccupancy, UTDConnectionState
from utd_stream.testing import Simulation

Call: TypeAlias = Callable[[UTDAudioRoomSession], Coroutine[Any, Any, Any]]


def joined(sim: Simulation, who: str) -> UTDAudioRoomSession:
    """Somebody in the room."""
    client = sim.world.client(microphone=Silence())
    return sim.run(client.join_audio_room(who, "lounge", as_host=who == "host"))


def begin_with_the_next_value(
    session: UTDAudioRoomSession, call: Call
) -> list[asyncio.Task[Any]]:
    """Begin *call* while the session hears of the next change, and nothing after it."""
    begun: list[asyncio.Task[Any]] = []

    def begin(_: object) -> None:
        if session.snapshot.value.version > known and not begun:
            called = call(session)
            called.send(None)
            begun.append(asyncio.ensure_future(called))

    known = session.snapshot.value.version
    session.snapshot.subscribe(begin)
    return begun


def test_who_takes_a_seat_in_an_observer_waits_for_it(simulation: Simulation) -> None:
    """The fact that the observer hears of is not the take's answer."""
    host, ana = joined(simulation, "host"), joined(simulation, "ana")
    begun = begin_with_the_next_value(ana, lambda session: session.take_seat(0))

    simulation.run(host.lock_seat(3))
    simulation.advance(0.001)
    (taking,) = begun
    assert not taking.done()

    simulation.run(asyncio.wait([taking]))
    assert taking.exception() is None
    assert ana.occupancy.value is SeatOccupancy.SPEAKING


def test_a_refusal_reaches_who_asked_in_an_observer(simulation: Simulation) -> None:
    """It goes to the command, not to the log."""
    ana = joined(simulation, "ana")
    simulation.run(ana.take_seat(0))
    host = joined(simulation, "host")
    begun = begin_with_the_next_value(ana, lambda session: session.take_seat(1))

    simulation.run(host.lock_seat(3))
    simulation.run(asyncio.wait(begun))

    assert getattr(begun[0].exception(), "code", None) == "already_seated"


@pytest.mark.parametrize("again", [False, True])
def test_who_leaves_in_an_observer_has_left(
    simulation: Simulation, *, again: bool
) -> None:
    """Once that is awaited, the connection has ended, or another one stands."""
    host, ana = joined(simulation, "host"), joined(simulation, "ana")
    call: Call = UTDAudioRoomSession.rejoin if again else UTDAudioRoomSession.leave
    begun = begin_with_the_next_value(ana, call)

    simulation.run(host.lock_seat(3))
    simulation.run(asyncio.wait(begun))

    assert begun[0].exception() is None
    connected, gone = UTDConnectionState.CONNECTED, UTDConnectionState.DISCONNECTED
    assert ana.connection_state.value is (connected if again else gone)
