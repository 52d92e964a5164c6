"""Rights that went and came back while nobody could tell."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.media import Silence
from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import SeatOccupancy
from utd_stream.testing import Simulation


def entered(
    sim: Simulation,
) -> tuple[UTDAudioRoomSession, UTDAudioRoomSession, str]:
    """A host, somebody who speaks on seat 0, and what the SFU calls their room."""
    host, ana = (
        sim.run(
            sim.world.client(microphone=Silence()).join_audio_room(
                who, "lounge", as_host=who == "host"
            )
        )
        for who in ("host", "ana")
    )
    sim.run(ana.take_seat(0))
    sim.advance(1)
    return host, ana, sim.world.sfu_room("lounge")


def silence(sim: Simulation, host: UTDAudioRoomSession) -> None:
    """Mute the seat, and not any more."""
    sim.run(host.mute_seat(0))
    sim.run(host.unmute_seat(0))


def displace(sim: Simulation, host: UTDAudioRoomSession) -> None:
    """Mute the seat, and move its occupant to another one."""
    sim.run(host.mute_seat(0))
    sim.run(host.swap_seats(0, 1))


def leave_alone(sim: Simulation, host: UTDAudioRoomSession) -> None:
    """Change something else."""
    sim.run(host.lock_seat(2))


@pytest.mark.parametrize("disturb", [silence, displace])
def test_who_was_silenced_unseen_is_heard_again(
    simulation: Simulation, disturb: Callable[[Simulation, UTDAudioRoomSession], None]
) -> None:
    """The SFU took the track with the right; who resumes publishes anew (T24)."""
    host, ana, room = entered(simulation)
    simulation.act(simulation.world.sfu.lines.resume, room, "ana")

    disturb(simulation, host)
    simulation.advance(10)

    assert ana.occupancy.value is SeatOccupancy.SPEAKING
    person = simulation.world.sfu.participant(room, "ana")
    assert person is not None
    assert person.track_sources == (TrackSource.MICROPHONE,)


def test_who_resumes_sends_on_what_was_sent(simulation: Simulation) -> None:
    """Where no right can have been missed, the publication is the same one (T29)."""
    host, ana, room = entered(simulation)
    before = ana.local_participant.publications
    simulation.act(simulation.world.sfu.lines.resume, room, "ana")

    leave_alone(simulation, host)
    simulation.advance(10)

    assert ana.connected.value
    assert ana.local_participant.publications == before != ()
