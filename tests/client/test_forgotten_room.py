"""A room whose name the engine has forgotten since a session left it."""

from __future__ import annotations

from utd_stream.models import SeatMode, UTDConnectionState
from utd_stream.testing import Simulation

DAY = 24 * 3_600.0


def test_rejoin_shows_the_grid_of_a_name_that_began_anew() -> None:
    """A session that comes back days later believes the lower revision."""
    with Simulation(seed=5, reconcile_period=600.0, horizon=3 * DAY) as sim:
        host = sim.run(sim.world.client().join_audio_room("host", "r", as_host=True))
        for count in (12, 15, 20):
            sim.run(host.setup_seats(seat_count=count, seat_mode=SeatMode.REQUEST))
        sim.run(host.leave())
        known = host.seats.value.rev
        sim.advance(2 * DAY)
        other = sim.run(sim.world.client().join_audio_room("ann", "other"))

        sim.run(host.rejoin())
        sim.settle()

        assert host.connection_state.value is UTDConnectionState.CONNECTED
        assert host.seats.value.rev < known
        assert len(host.seats.value.seats) == 9
        sim.run(other.dispose())
        sim.run(host.dispose())
