"""An engine whose clock is set back by hours goes on in real time."""

from __future__ import annotations

import pytest

from tests.client.lounge import ROOM
from utd_stream import SeatMode
from utd_stream.contract.fields import Identity, RoomOrCall
from utd_stream.contract.requests import TokenRequest
from utd_stream.models import DisconnectReason, UTDStreamType
from utd_stream.testing import Simulation

TWO_HOURS = 7_200
LOST = DisconnectReason.CONNECTION_TIMEOUT


async def seat_without_sdk(sim: Simulation, identity: str) -> None:
    """Let somebody sit on seat 0 who does nothing by himself."""
    client = sim.world.client()
    await client.authenticate(identity)
    asked = TokenRequest(
        type=UTDStreamType.AUDIO_ROOM,
        room_name=RoomOrCall(ROOM),
        identity=Identity(identity),
    )
    sim.world.sfu.enter((await client.api.create_token(asked)).token)
    await sim.clock.sleep(1)
    await client.api.take_seat(ROOM, 0)


@pytest.mark.parametrize("lost", ["before", "after"])
def test_who_is_lost_loses_the_seat_within_two_graces(lost: str) -> None:
    """No grace waits for the clock to catch up, begun before it was set back or after.

    A grace is 15 s, and begins anew when the clock is set back.
    """
    with Simulation(seed=1) as sim:
        host = sim.run(sim.world.client().join_audio_room("host", ROOM, as_host=True))
        sim.run(seat_without_sdk(sim, "ann"))
        room = sim.world.sfu_room(ROOM)
        if lost == "before":
            sim.act(lambda: sim.world.sfu.leave(room, "ann", LOST))
            sim.advance(5)
        sim.engine_clock.skew -= TWO_HOURS
        if lost == "after":
            sim.act(lambda: sim.world.sfu.leave(room, "ann", LOST))
        sim.advance(30)

        assert host.seats.value.seats[0].is_free


def test_a_request_lapses_in_time_though_the_sfu_is_away() -> None:
    """Nothing but the engine's own timer is left, and it is enough."""
    with Simulation(seed=1) as sim:
        host = sim.run(sim.world.client().join_audio_room("host", ROOM, as_host=True))
        sim.run(host.setup_seats(seat_mode=SeatMode.REQUEST))
        ann = sim.run(sim.world.client().join_audio_room("ann", ROOM))
        sim.run(ann.request_to_speak())
        sim.engine_clock.skew -= TWO_HOURS

        async def wait_without_the_sfu() -> None:
            async with sim.world.sfu.outage():
                await sim.clock.sleep(130)

        sim.run(wait_without_the_sfu())

        assert sim.run(host.get_seats()).requests == ()
