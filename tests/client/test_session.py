"""A session over a connection that fails at a bad moment."""

from __future__ import annotations

from typing import Any, NoReturn, cast

import pytest

from tests.client.lounge import Lounge, lounge
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.errors import ConnectError, DisconnectedError, LocalProtocolError
from utd_stream.models.room_events import Connected, RoomEvent
from utd_stream.models.rooms import (
    DisconnectReason,
    SeatOccupancy,
    UTDConnectionState,
)

__all__ = ["lounge"]

CONNECTING, CONNECTED, RECONNECTING = (
    UTDConnectionState.CONNECTING,
    UTDConnectionState.CONNECTED,
    UTDConnectionState.RECONNECTING,
)


def cut_as_it_comes(lounge: Lounge, session: UTDAudioRoomSession) -> None:
    """Cut each new connection of somebody before its `connect` has returned."""
    me = session.local_participant.identity

    def cut(event: RoomEvent) -> None:
        if event == Connected():
            lounge.sim.world.sfu.lines.cut(lounge.sfu_room, me)

    session.events.subscribe(cut)


def test_a_connection_that_breaks_as_it_comes_is_not_connected(lounge: Lounge) -> None:
    """Cut before the join was told, it is an outage until the line is mended."""
    guest = lounge.joined("guest")
    seen: list[UTDConnectionState] = []
    cut_as_it_comes(lounge, guest)
    guest.connection_state.subscribe(seen.append)
    joining = lounge.sim.begin(guest.rejoin())
    lounge.sim.advance(5)
    assert seen == [CONNECTED, CONNECTING, RECONNECTING]
    assert not joining.done()

    lounge.sim.act(lounge.sim.world.sfu.lines.mend, lounge.sfu_room, "guest")
    lounge.sim.run(guest.connected.until(bool))
    lounge.sim.settle()

    assert joining.done()
    assert seen[3:] == [CONNECTED]


def test_a_replacement_that_breaks_as_it_comes_is_not_connected(
    lounge: Lounge,
) -> None:
    """Likewise of the connection which takes the place of one that was given up."""
    guest, lines = lounge.joined("guest"), lounge.sim.world.sfu.lines
    lounge.sim.run(guest.take_seat(0))
    seen: list[UTDConnectionState] = []
    cut_as_it_comes(lounge, guest)
    guest.connection_state.subscribe(seen.append)
    lounge.sim.act(lines.cut, lounge.sfu_room, "guest")
    lounge.sim.advance(30)
    assert seen == [CONNECTED, RECONNECTING]
    assert guest.room.connection == 2

    lounge.sim.act(lines.mend, lounge.sfu_room, "guest")
    lounge.sim.advance(5)

    assert seen == [CONNECTED, RECONNECTING, CONNECTED]
    assert guest.occupancy.value is SeatOccupancy.SPEAKING
    lounge.sim.advance(60)  # no timer of the outage is left
    assert guest.connected.value


def test_a_broken_join_ends_after_a_minute(lounge: Lounge) -> None:
    """It is an outage like any other: one timer, and then who joined is told."""
    guest = lounge.joined("guest")
    cut_as_it_comes(lounge, guest)

    with pytest.raises(DisconnectedError):
        lounge.sim.run(guest.rejoin())

    assert guest.connection_state.value is UTDConnectionState.FORCE_EXIT


@pytest.mark.parametrize(
    "reason",
    [DisconnectReason.SERVER_SHUTDOWN, DisconnectReason.PARTICIPANT_REMOVED],
    ids=lambda reason: reason.value,
)
def test_a_join_that_the_sfu_ends_says_why(
    lounge: Lounge, reason: DisconnectReason
) -> None:
    """Over before it had begun, at each try: nobody here has left."""
    guest = lounge.joined("guest")

    def end(event: RoomEvent) -> None:
        if event == Connected():
            guest.room.room.end(reason)

    guest.events.subscribe(end)
    with pytest.raises(DisconnectedError, match="the SFU ended") as ended:
        lounge.sim.run(guest.rejoin())

    assert ended.value.reason == reason.value


def test_a_join_that_is_left_says_so(lounge: Lounge) -> None:
    """Whatever went wrong before, between its tries."""
    guest = lounge.joined("guest")
    lounge.sim.world.sfu._server.url = "ws://elsewhere"
    joining = lounge.sim.begin(guest.rejoin())
    lounge.sim.advance(0.1)  # one try has failed
    lounge.sim.run(guest.leave())

    with pytest.raises(DisconnectedError, match="was left"):
        joining.result()


def seated_where_the_sfu_is_away(lounge: Lounge) -> UTDAudioRoomSession:
    """Return one who sits, and has tried to join again in vain."""
    lounge.joined("host")
    guest = lounge.joined("guest")
    lounge.sim.run(guest.take_seat(1))
    lounge.sim.world.sfu._server.url = "ws://elsewhere"
    with pytest.raises(ConnectError):
        lounge.sim.run(guest.rejoin())
    return guest


def test_who_rejoins_soon_keeps_the_seat(lounge: Lounge) -> None:
    """A join that failed is no leave; another one may follow."""
    guest = seated_where_the_sfu_is_away(lounge)
    lounge.sim.world.sfu._server.url = lounge.sim.world.sfu.URL
    rev = lounge.grid().rev

    lounge.sim.run(guest.rejoin())
    lounge.sim.advance(1)

    assert (guest.seat.value, guest.occupancy.value) == (1, SeatOccupancy.SPEAKING)
    assert lounge.grid().rev == rev


def test_who_leaves_after_a_failed_join_frees_the_seat(lounge: Lounge) -> None:
    """At once: the engine hears of it, though the SFU had told it nothing."""
    guest = seated_where_the_sfu_is_away(lounge)
    assert lounge.grid().seat_of("guest") is not None

    lounge.sim.run(guest.leave())

    assert lounge.grid().seat_of("guest") is None


class BrokenPlane:
    """A plane that fails as no port may."""

    def open(self, **_: object) -> NoReturn:
        """Fail."""
        message = "no native library"
        raise OSError(message)


def test_nobody_waits_for_a_join_that_broke(
    lounge: Lounge, caplog: pytest.LogCaptureFixture
) -> None:
    """What no port may raise ends the join; its text, in the log, may hold a token."""
    guest = lounge.joined("guest")
    guest.room._media = cast("Any", BrokenPlane())

    with pytest.raises(LocalProtocolError, match="OSError; see the log") as broken:
        lounge.sim.run(guest.rejoin())

    assert (broken.value.__cause__, broken.value.__context__) == (None, None)
    assert "no native library" in caplog.text
    assert guest.connection_state.value is UTDConnectionState.DISCONNECTED
