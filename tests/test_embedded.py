"""What an embedded world and its people say at a prompt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import pytest

from utd_stream import SeatOccupancy, Silence, UTDAudioRoomSession
from utd_stream.errors import ClosedError, InvalidArgumentError
from utd_stream.models.rooms import UTDConnectionState
from utd_stream.testing import Simulation


@pytest.fixture
def sim() -> Iterator[Simulation]:
    """A world with nobody in it."""
    with Simulation(seed=1) as made:
        yield made


def joined(sim: Simulation) -> UTDAudioRoomSession:
    """Return the session of a host who has entered."""
    client = sim.world.client(microphone=Silence())
    return sim.run(client.join_audio_room("ana", "lounge", as_host=True))


def test_a_session_shows_who_is_where(sim: Simulation) -> None:
    """Identity, room, connection and seat, and whether it is over."""
    ana = joined(sim)
    assert repr(ana) == "<UTDAudioRoomSession 'ana' in 'lounge': connected, listening>"

    sim.run(ana.take_seat(1))
    assert repr(ana).endswith(": connected, speaking>")

    sim.run(ana.dispose())
    assert repr(ana).endswith(": disconnected, listening, disposed>")


def test_a_client_shows_whose_it_is_and_no_secret(sim: Simulation) -> None:
    """Neither the app's key nor a token is read over a shoulder."""
    client = sim.world.client()
    assert repr(client) == "<UTDStreamClient nobody of app 'embedded'>"

    token = sim.run(client.authenticate("ana"))
    sim.run(client.aclose())

    assert repr(client) == "<UTDStreamClient 'ana' of app 'embedded', closed>"
    assert sim.world.app.key not in repr(client)
    assert token not in repr(client)


def test_nobody_is_limited(sim: Simulation) -> None:
    """An embedded engine serves its own program as often as it asks, and is ready."""
    client = sim.world.client()

    async def ask() -> None:
        await client.authenticate("ana")
        for _ in range(150):
            await client.api.refresh_session()
        assert (await client.api.ready()).status == "ready"

    sim.run(ask())


def test_a_world_shows_where_it_stands(sim: Simulation) -> None:
    """Its engine, which may be stopped, and how many clients are open."""
    assert repr(sim.world) == "<EmbeddedWorld: engine running, clients: 0>"
    sim.world.client()
    sim.run(sim.world.stop_engine())
    assert repr(sim.world) == "<EmbeddedWorld: engine stopped, clients: 1>"
    sim.run(sim.world.aclose())
    assert repr(sim.world) == "<EmbeddedWorld: closed>"


def test_the_sfu_knows_a_room_by_the_name_the_world_tells(sim: Simulation) -> None:
    """What lines are cut by is found without knowing how names are made."""
    ana = joined(sim)

    sim.act(sim.world.sfu.lines.cut, sim.world.sfu_room("lounge"), "ana")

    assert ana.connection_state.value is UTDConnectionState.RECONNECTING
    with pytest.raises(InvalidArgumentError, match="room name must be at most"):
        sim.world.sfu_room("r" * 300)
    sim.run(ana.dispose())


def move(session: UTDAudioRoomSession) -> Awaitable[object]:
    """Move to a seat that is not there."""
    return session.move_seat(99)


def take(session: UTDAudioRoomSession) -> Awaitable[object]:
    """Take a seat that is not there."""
    return session.take_seat(99)


def lock(session: UTDAudioRoomSession) -> Awaitable[object]:
    """Lock a seat that is not there."""
    return session.lock_seat(99)


@pytest.mark.parametrize("ask", [move, take, lock])
def test_a_wrong_index_is_named_as_it_was_given(
    sim: Simulation, ask: Callable[[UTDAudioRoomSession], Awaitable[object]]
) -> None:
    """By the method's argument, whatever the field of the wire is called."""
    ana = joined(sim)

    async def wrong() -> None:
        await ask(ana)

    with pytest.raises(InvalidArgumentError) as told:
        sim.run(wrong())

    assert str(told.value) == "index: must be from 0 to 8"
    assert told.value.status_code == 422


def test_nobody_is_told_to_rejoin_by_a_closed_client(sim: Simulation) -> None:
    """Whoever outlived the world hears each time what alone would help."""
    ana = joined(sim)
    sim.run(sim.world.aclose())

    for ask in (ana.rejoin(), ana.take_seat(1), ana.rejoin()):
        with pytest.raises(ClosedError, match="the client is closed; make a new one"):
            sim.run(ask)

    assert ana.occupancy.value is SeatOccupancy.LISTENING
    sim.run(ana.dispose())
