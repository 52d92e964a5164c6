"""A seat that is taken, given back and left while something else goes on."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn, cast

import pytest

from tests.client.lounge import Lounge, lounge
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.errors import (
    ConflictError,
    DisconnectedError,
    PublishError,
    TransportError,
    TransportTimeoutError,
)
from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import SeatMode, SeatOccupancy, UTDConnectionState

__all__ = ["lounge"]


def approved(lounge: Lounge) -> UTDAudioRoomSession:
    """Return one whom the engine has seated, and who has not heard of it yet."""
    host = lounge.joined("host", as_host=True, seat_mode=SeatMode.REQUEST)
    guest = lounge.joined("guest")
    request = lounge.sim.run(guest.request_to_speak())
    lounge.sim.world.sfu.delay = 5.0  # so the answer comes before the metadata
    lounge.sim.run(host.approve_speaker(request))
    assert lounge.grid().seat_of("guest") is not None
    assert guest.seat.value is None
    return guest


def cancelled_in(
    lounge: Lounge, session: UTDAudioRoomSession, state: SeatOccupancy
) -> None:
    """Take a seat, and leave the take once it has come to *state*."""
    take = lounge.sim.loop.create_task(session.take_seat(0))
    watching = session.occupancy.subscribe(
        lambda now: take.cancel() if now is state else None
    )
    lounge.sim.run(asyncio.wait([take]))
    watching.dispose()
    assert take.cancelled()


def test_leaving_a_seat_not_heard_of_yet_leaves_it(lounge: Lounge) -> None:
    """Who leaves before the grid of an approval has come is never heard."""
    guest = approved(lounge)
    seen: list[SeatOccupancy] = []
    guest.occupancy.subscribe(seen.append)

    lounge.sim.run(guest.leave_seat())
    lounge.sim.advance(30)

    assert lounge.grid().seat_of("guest") is None
    assert seen == [
        SeatOccupancy.LISTENING,
        SeatOccupancy.LEAVING,
        SeatOccupancy.LISTENING,
    ]
    assert guest.local_participant.publications == ()


def test_leaving_is_quiet_for_who_sits_nowhere(lounge: Lounge) -> None:
    """No error and no revision; without a connection nobody is even asked."""
    guest = lounge.joined("guest")
    rev = guest.seats.value.rev
    lounge.sim.run(guest.leave_seat())
    assert (lounge.grid().rev, guest.seats.value.rev) == (rev, rev)

    lounge.sim.run(guest.leave())
    lounge.sim.run(lounge.sim.world.stop_engine())
    before = lounge.sim.clock.monotonic()
    lounge.sim.run(guest.leave_seat())

    assert lounge.sim.clock.monotonic() == before
    assert guest.occupancy.value is SeatOccupancy.LISTENING


def test_a_rejoin_gives_back_the_take_it_interrupts(lounge: Lounge) -> None:
    """The engine has seated who was told that there is no connection."""
    guest = lounge.joined("guest")
    again: list[asyncio.Task[None]] = []

    def rejoin(now: SeatOccupancy) -> None:
        if now is SeatOccupancy.TAKING:
            again.append(lounge.sim.loop.create_task(guest.rejoin()))

    watching = guest.occupancy.subscribe(rejoin)
    with pytest.raises(DisconnectedError, match="while the seat was taken"):
        lounge.sim.run(guest.take_seat(0))
    watching.dispose()
    lounge.sim.run(asyncio.wait_for(again[0], None))
    lounge.sim.advance(5)

    assert lounge.grid().seat_of("guest") is None
    assert guest.occupancy.value is SeatOccupancy.LISTENING
    assert guest.connected.value
    lounge.sim.run(guest.take_seat(0))


def test_asking_to_speak_waits_for_a_seat_being_given_back(lounge: Lounge) -> None:
    """Otherwise the engine would say that he sits, which soon is not true."""
    host = lounge.joined("host", as_host=True, seat_mode=SeatMode.REQUEST)
    cancelled_in(lounge, host, SeatOccupancy.PUBLISHING)
    assert host.occupancy.value is SeatOccupancy.LEAVING

    request = lounge.sim.run(host.request_to_speak())

    assert [each.id for each in host.speaker_requests.value] == [request]


@pytest.mark.parametrize("state", [SeatOccupancy.TAKING, SeatOccupancy.PUBLISHING])
def test_a_take_that_is_cancelled_leaves_no_task(
    lounge: Lounge, state: SeatOccupancy
) -> None:
    """Once it is given back no timer runs on."""
    guest = lounge.joined("guest")
    cancelled_in(lounge, guest, state)
    lounge.sim.run(guest.occupancy.until(lambda now: now is SeatOccupancy.LISTENING))
    lounge.sim.settle()

    assert not guest._owner._tasks


def test_a_take_that_was_not_served_is_taken_back(lounge: Lounge) -> None:
    """The engine never seats who has gone: nobody sees them come and go."""
    guest = lounge.joined("guest")
    rev = lounge.grid().rev

    lounge.sim.run(lounge.sim.world.kill_engine())
    with pytest.raises(TransportError):
        lounge.sim.run(guest.take_seat(0))
    lounge.sim.run(lounge.sim.world.start_engine())
    lounge.sim.run(guest.occupancy.until(lambda now: now is SeatOccupancy.LISTENING))

    assert lounge.grid().rev == rev


def test_a_take_that_is_refused_leaves_no_task(lounge: Lounge) -> None:
    """No timer waits for what was answered."""
    host, guest = lounge.joined("host", as_host=True), lounge.joined("guest")
    lounge.sim.run(host.lock_seat(0))
    with pytest.raises(ConflictError):
        lounge.sim.run(guest.take_seat(0))
    lounge.sim.settle()

    assert not guest._owner._tasks


def test_a_take_that_speaks_leaves_no_task(lounge: Lounge) -> None:
    """Nothing waits for a right that has come."""
    guest = lounge.joined("guest")
    lounge.sim.run(guest.take_seat(0))
    lounge.sim.settle()

    assert guest.occupancy.value is SeatOccupancy.SPEAKING
    assert not guest._owner._tasks


def test_leaving_an_engine_that_is_away_says_what_becomes_of_it(
    lounge: Lounge,
) -> None:
    """The seat is not free yet; nobody has to ask again."""
    guest = lounge.joined("guest")
    lounge.sim.run(guest.take_seat(0))
    lounge.sim.run(lounge.sim.world.stop_engine())

    for work in (guest.leave_seat(), guest.move_seat(1), guest.request_to_speak()):
        with pytest.raises(
            TransportTimeoutError, match=r"freed within 10\.0 s; it is asked again"
        ):
            lounge.sim.run(work)

    lounge.sim.run(lounge.sim.world.start_engine())
    lounge.sim.run(guest.occupancy.until(SeatOccupancy.LISTENING))


def test_a_take_that_never_asked_gives_nothing_back(lounge: Lounge) -> None:
    """While the line is cut it waits, and then says no more than is true."""
    guest = lounge.joined("guest")
    lounge.sim.act(lounge.sim.world.sfu.lines.cut, lounge.sfu_room, "guest")
    connected = UTDConnectionState.CONNECTED
    lounge.sim.run(guest.connection_state.until(lambda state: state is not connected))

    with pytest.raises(TransportTimeoutError, match="10 s; none is kept"):
        lounge.sim.run(guest.take_seat(0))

    assert lounge.grid().rev == 0


class BrokenPlane:
    """A room that fails as no port may."""

    async def publish_audio(self, *_: object, **__: object) -> NoReturn:
        """Fail."""
        message = "no native library"
        raise OSError(message)


def test_nobody_waits_for_a_microphone_that_broke(
    lounge: Lounge, caplog: pytest.LogCaptureFixture
) -> None:
    """What no port may raise is a failed publication, told at once and logged."""
    guest = lounge.joined("guest")
    connection = guest.room._connection
    assert connection is not None
    connection.outlets[TrackSource.MICROPHONE]._media = cast("Any", BrokenPlane())
    began = lounge.sim.clock.monotonic()
    with pytest.raises(PublishError):
        lounge.sim.run(guest.take_seat(0))

    assert lounge.sim.clock.monotonic() < began + 1
    assert "no native library" in caplog.text
