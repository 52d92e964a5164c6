"""Who a client is: fixed by what succeeds, and by nothing that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.compose import UTDStreamClient
from utd_stream.errors import (
    ClosedError,
    ConnectError,
    InvalidArgumentError,
    TransportError,
)
from utd_stream.testing import Simulation


@pytest.fixture
def sim() -> Iterator[Simulation]:
    """A world of its own."""
    with Simulation(seed=3) as made:
        yield made


def entered(sim: Simulation, client: UTDStreamClient, identity: str) -> None:
    """Join as somebody and leave again."""
    session = sim.run(client.join_audio_room(identity, "lounge"))
    sim.run(session.dispose())


def test_a_failed_sign_in_fixes_nobody(sim: Simulation) -> None:
    """The engine was away; another identity may come."""
    client = sim.world.client()
    sim.run(sim.world.stop_engine())
    with pytest.raises(TransportError):
        sim.run(client.authenticate("ann"))
    assert client.identity is None

    sim.run(sim.world.start_engine())
    sim.run(client.authenticate("bob"))

    assert client.identity == "bob"
    with pytest.raises(InvalidArgumentError, match="make another client"):
        sim.run(client.authenticate("ann"))


def test_a_failed_join_fixes_nobody(sim: Simulation) -> None:
    """Minted, but refused by the SFU: the next may be somebody else, at once."""
    client = sim.world.client()
    sim.world.sfu._server.url = "ws://elsewhere"
    with pytest.raises(ConnectError):
        sim.run(client.join_audio_room("ann", "lounge"))

    sim.world.sfu._server.url = sim.world.sfu.URL
    entered(sim, client, "bob")

    assert client.identity == "bob"


def test_a_failed_join_leaves_no_seat(sim: Simulation) -> None:
    """The engine had let the host in, and on a seat; it has heard of the end."""
    client, other = sim.world.client(), sim.world.client()
    entered(sim, other, "eva")
    sim.world.sfu._server.url = "ws://elsewhere"

    with pytest.raises(ConnectError):
        sim.run(client.join_audio_room("ann", "lounge", as_host=True, host_seat=0))

    grid = sim.run(other.api.get_seats("lounge"))
    assert grid.rev == 2  # seated, and freed again
    assert grid.seat_of("ann") is None


def test_a_cancelled_join_fixes_nobody(sim: Simulation) -> None:
    """Likewise; the engine hears of the leave before another name is used."""
    client, other = sim.world.client(), sim.world.client()
    entered(sim, other, "eva")
    joining = sim.loop.create_task(
        client.join_audio_room("ann", "lounge", as_host=True, host_seat=0)
    )
    sim.advance(0.01)  # minted, not connected
    joining.cancel()

    entered(sim, client, "bob")

    assert client.identity == "bob"
    grid = sim.run(other.api.get_seats("lounge"))
    assert grid.rev == 2  # seated, and freed again
    assert grid.seat_of("ann") is None


def test_of_two_joins_at_once_one_may_fail(sim: Simulation) -> None:
    """What succeeds fixes who this is, whatever else fails."""
    client = sim.world.client()

    async def both() -> tuple[object, object]:
        joins = [client.join_audio_room("ann", room) for room in ("lounge", "bar")]
        first, second = (asyncio.ensure_future(each) for each in joins)
        await asyncio.sleep(0)
        second.cancel()
        ended = await asyncio.gather(first, second, return_exceptions=True)
        return ended[0], ended[1]

    session, cancelled = sim.run(both())
    sim.settle()

    assert isinstance(cancelled, asyncio.CancelledError)
    assert client.identity == "ann"
    with pytest.raises(InvalidArgumentError):
        sim.run(client.authenticate("bob"))
    assert isinstance(session, UTDAudioRoomSession)
    sim.run(session.dispose())


def test_of_two_names_at_once_one_is_refused(sim: Simulation) -> None:
    """While one is under way another is an argument error."""
    client = sim.world.client()
    first = sim.loop.create_task(client.authenticate("ann"))
    second = sim.loop.create_task(client.authenticate("bob"))
    sim.settle()

    assert first.result()
    with pytest.raises(InvalidArgumentError):
        second.result()
    assert client.identity == "ann"


def test_a_client_closed_while_another_name_waits_says_so(sim: Simulation) -> None:
    """Whoever waits for the goodbye of a join that was left hears of the end."""
    client = sim.world.client()
    joining = sim.begin(client.join_audio_room("ann", "lounge"))
    joining.cancel()
    next_one = sim.loop.create_task(client.authenticate("bob"))
    sim.run(client.aclose())

    with pytest.raises(ClosedError):
        sim.run(asyncio.wait_for(next_one, None))
