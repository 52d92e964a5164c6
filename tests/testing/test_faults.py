"""Each fault has its effect as long as it lasts, and none after it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import orjson
import pytest

from tests.testing.guests import ROOM, answer, enter
from utd_stream.errors import UTDStreamException
from utd_stream.models.names import sfu_room_name
from utd_stream.models.rooms import SeatMode, SeatOccupancy, UTDConnectionState
from utd_stream.testing import Fault, Simulation, play
from utd_stream.testing import faults as f

CONNECTED, RECONNECTING = UTDConnectionState.CONNECTED, UTDConnectionState.RECONNECTING


def test_a_cut_line_breaks_one_client_until_it_is_mended(sim: Simulation) -> None:
    """The other one notices nothing, and both are connected in the end."""
    ana, ben = enter(sim, "ana"), enter(sim, "ben")

    with play(sim, [(1, f.CutLine(ROOM, "ana"), 5)]):
        assert ana.connection_state.value is CONNECTED
        sim.advance(2)
        assert ana.connection_state.value is RECONNECTING
        assert ben.connection_state.value is CONNECTED
        sim.advance(10)
        assert ana.connection_state.value is CONNECTED


def test_a_killed_client_is_gone_for_the_others(sim: Simulation) -> None:
    """Its seat is free once the SFU and the grace have given it up."""
    ana, ben = enter(sim, "ana"), enter(sim, "ben")
    sim.run(ana.take_seat(0))

    with play(sim, [(1, f.KillClient(ROOM, "ana"), 0)]):
        sim.advance(10)
        assert not ben.seats.value.seats[0].is_free
        sim.advance(60)

    assert ben.seats.value.seats[0].is_free


def test_who_is_not_there_suffers_nothing(sim: Simulation) -> None:
    """A fault of somebody who never came has no effect, and no error."""
    ana = enter(sim, "ana")

    with play(sim, [(1, f.CutLine(ROOM, "eva"), 1), (3, f.KillClient("x", "ana"), 1)]):
        sim.advance(10)

    assert ana.connected.value


@pytest.mark.parametrize("fault", [f.KillSfu(), f.RestartSfu()], ids=repr)
def test_a_lost_sfu_is_found_again(sim: Simulation, fault: Fault) -> None:
    """Clients lose it, come back when it does, and keep their seats."""
    ana = enter(sim, "ana")
    sim.run(ana.take_seat(0))

    with play(sim, [(1, fault, 5)]):
        sim.advance(1.5)
        assert ana.connection_state.value is RECONNECTING
        sim.advance(20)

    assert ana.connected.value
    assert ana.occupancy.value is SeatOccupancy.SPEAKING


def test_refused_requests_hold_rights_back(sim: Simulation) -> None:
    """A seat is given, and speaks when the SFU can be told."""
    ana = enter(sim, "ana")

    with play(sim, [(0, f.RefuseRequests(), 8)]):
        sim.settle()
        taking = sim.begin(ana.take_seat(0))
        sim.advance(4)
        assert ana.connected.value
        assert ana.seat.value == 0
        assert not taking.done()
        sim.advance(30)

    with suppress(UTDStreamException):
        sim.run(waited(taking))
    sim.run(ana.leave_seat())
    assert answer(sim, ana.take_seat(0)) == ""


async def waited(task: asyncio.Task[Any]) -> None:
    """Wait for a task of the world."""
    await task


@pytest.mark.parametrize(
    "fault", [f.DelayGrants(3), f.DropGrants(), f.SlowRequests(3)], ids=repr
)
def test_a_right_comes_late_while_it_lasts(sim: Simulation, fault: Fault) -> None:
    """And at once before it and after it."""
    ana, room = enter(sim, "ana"), sfu_room_name(sim.world.app.id, ROOM)

    def speaks_soon() -> bool:
        taking = sim.begin(ana.take_seat(0))
        sim.advance(1)
        right = sim.world.sfu.participant(room, "ana")
        assert right is not None
        assert right.permission is not None
        speaks = right.permission.can_publish
        sim.advance(30)
        with suppress(UTDStreamException):
            sim.run(waited(taking))
        sim.run(ana.leave_seat())
        sim.advance(30)
        return speaks

    assert speaks_soon()
    with play(sim, [(0, fault, 90)]):
        sim.settle()
        assert not speaks_soon()
        sim.advance(60)
        assert speaks_soon()


WEBHOOKS = [f.DropWebhooks(), f.DelayWebhooks(3), f.HoldWebhooks()]
HOLDS = [f.HoldWebhooks(), f.HoldWebhooks(newest_first=True)]


def engine_heard(sim: Simulation) -> list[str]:
    """What webhooks the engine decided on, in order, by the person's name."""
    lines = [orjson.loads(line) for line in sim.log.lines]
    told = [line["data"]["command"] for line in lines if line["name"] == "Order"]
    return [
        each["participant"]["identity"] for each in told if each["is"] == "MemberJoined"
    ]


@pytest.mark.parametrize("fault", WEBHOOKS, ids=repr)
def test_webhooks_do_not_come_while_it_lasts(fault: Fault) -> None:
    """Dropped ones never come, the others late; after it they come at once."""
    with Simulation(reconcile_period=500) as sim, play(sim, [(0, fault, 10)]):
        sim.settle()
        enter(sim, "ana")
        assert engine_heard(sim) == []
        sim.advance(20)
        late = [] if isinstance(fault, f.DropWebhooks) else ["ana"]
        assert engine_heard(sim) == late
        enter(sim, "ben")
        assert engine_heard(sim) == [*late, "ben"]


@pytest.mark.parametrize("fault", HOLDS, ids=repr)
def test_held_webhooks_come_in_either_order(fault: f.HoldWebhooks) -> None:
    """The newest first, if it is said so."""
    with Simulation(reconcile_period=500) as sim, play(sim, [(0, fault, 10)]):
        sim.settle()
        for who in ("ana", "ben"):
            enter(sim, who)
        sim.advance(20)
        came = ["ana", "ben"]
        assert engine_heard(sim) == (came[::-1] if fault.newest_first else came)


def test_webhooks_of_one_event_alone(sim: Simulation) -> None:
    """Others come as ever."""
    with play(sim, [(0, f.DropWebhooks("participant_left"), 10)]):
        sim.settle()
        enter(sim, "ana")

    assert engine_heard(sim) == ["ana"]


def test_a_killed_engine_is_started_again(sim: Simulation) -> None:
    """Nothing is answered while it is dead, and what was committed is there after."""
    ana = enter(sim, "ana")
    sim.run(ana.take_seat(0))

    with play(sim, [(1, f.KillEngine(), 30)]):
        sim.advance(2)
        assert answer(sim, ana.get_seats()) != ""
        sim.advance(40)

    assert answer(sim, ana.get_seats()) == ""
    assert ana.seat.value == 0


# The engine's clock.

WRONG = [3_600.0, -3_600.0]


@pytest.mark.parametrize("skew", WRONG)
def test_a_skewed_engine_is_wrong_as_long_as_it_lasts(
    sim: Simulation, skew: float
) -> None:
    """By that much, and not after it."""
    apart = timedelta(seconds=skew)

    with play(sim, [(1, f.SkewEngine(skew), 5)]):
        assert sim.engine_clock.now() == sim.clock.now()
        sim.advance(2)
        assert sim.engine_clock.now() == sim.clock.now() + apart
        sim.advance(5)
        assert sim.engine_clock.now() == sim.clock.now()


@pytest.mark.parametrize("skew", WRONG)
def test_a_wrong_clock_still_seats(sim: Simulation, skew: float) -> None:
    """Who is in the room sits down and speaks, asks, and is let lapse in time."""
    host = enter(sim, "host", as_host=True, seat_mode=SeatMode.REQUEST)
    ana = enter(sim, "ana")
    sim.engine_clock.skew = skew
    sim.advance(10)

    sim.run(host.take_seat(0))
    sim.run(ana.request_to_speak())
    assert host.occupancy.value is SeatOccupancy.SPEAKING
    sim.advance(55)
    assert len(host.speaker_requests.value) == 1
    sim.advance(10)
    assert not host.speaker_requests.value


@pytest.mark.parametrize("skew", WRONG)
def test_a_wrong_clock_renews_bearers(sim: Simulation, skew: float) -> None:
    """For hours, whatever they say of their end."""
    ana = enter(sim, "ana")
    sim.engine_clock.skew = skew

    for _ in range(6):
        sim.advance(1_800)
        assert answer(sim, ana.get_seats()) == ""


@pytest.mark.parametrize("skew", WRONG)
def test_a_wrong_clock_lets_departures_run_out(skew: float) -> None:
    """Who came while it was wrong and dies loses the seat in time."""
    with Simulation() as sim:
        host, ana = enter(sim, "host", as_host=True), enter(sim, "ana")
        sim.engine_clock.skew = skew
        sim.advance(4_000)  # what was seen before the jump is past again
        sim.run(ana.take_seat(0))

        with play(sim, [(0, f.KillClient(ROOM, "ana"), 0)]):
            sim.advance(25)
            assert host.seats.value.seat_of("ana") is not None
            sim.advance(30)
            assert host.seats.value.seat_of("ana") is None
