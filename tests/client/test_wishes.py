"""A wish of a join that was not granted is told in the log, at the join."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from utd_stream.models import SeatMode
from utd_stream.testing import Simulation


@pytest.fixture
def sim() -> Iterator[Simulation]:
    """A world of its own."""
    with Simulation(3) as made:
        yield made


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings so far, and forget them."""
    messages = [
        record.getMessage()
        for record in caplog.records
        if record.name == "utd_stream.client" and record.levelname == "WARNING"
    ]
    caplog.clear()
    return messages


def join(sim: Simulation, identity: str, **asked: Any) -> None:
    """Let somebody join and leave."""
    client = sim.world.client()
    session = sim.run(client.join_audio_room(identity, "lounge", **asked))
    sim.run(session.dispose())


def test_who_gets_what_was_asked_hears_nothing(
    sim: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    """The first host has every wish granted; a guest has none."""
    wishes = {"seat_count": 4, "seat_mode": SeatMode.REQUEST, "mode_id": "a"}
    join(sim, "eva", as_host=True, host_seat=1, **wishes)
    join(sim, "ben")
    join(sim, "eva", as_host=True, **wishes)

    assert told(caplog) == []


def test_who_is_no_host_hears_who_grants_it(
    sim: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    """What was granted, who owns the room, how a back end mints, what is ignored."""
    eva = sim.run(sim.world.client().join_audio_room("eva", "lounge", as_host=True))
    join(sim, "ann", as_host=True, seat_count=4, host_seat=2)

    (message,) = told(caplog)
    assert "'ann' in 'lounge'" in message
    assert "granted audience, not host" in message
    assert "owner is 'eva'" in message
    assert "role=host" in message
    assert "X-App-Secret" in message
    assert "seat_count=4, host_seat=2" in message
    sim.run(eva.dispose())


@pytest.mark.parametrize(
    ("wish", "shown"),
    [
        ({"seat_count": 4}, "seat_count=4"),
        ({"seat_mode": SeatMode.REQUEST}, "seat_mode='request'"),
        ({"mode_id": "grid"}, "mode_id='grid'"),
        ({"host_seat": 2}, "host_seat=2"),
    ],
)
@pytest.mark.parametrize("as_host", [False, True], ids=["guest", "host"])
def test_a_wish_for_the_grid_is_told(
    sim: Simulation,
    caplog: pytest.LogCaptureFixture,
    wish: dict[str, Any],
    shown: str,
    *,
    as_host: bool,
) -> None:
    """A guest's counts for nothing; a host's only for a room not set up yet."""
    eva = sim.run(
        sim.world.client().join_audio_room("eva", "lounge", as_host=True, seat_count=8)
    )
    client = sim.world.client()
    if as_host:
        sim.run(eva.dispose())
    session = sim.run(
        client.join_audio_room(
            "eva" if as_host else "ann", "lounge", as_host=as_host, **wish
        )
    )

    (message,) = told(caplog)
    assert (
        f"ignored, since {'a host' if as_host else 'the role is audience'}" in message
    )
    assert f": {shown}; " in message
    sim.run(session.dispose())
    sim.run(eva.dispose())


def test_it_is_told_once(sim: Simulation, caplog: pytest.LogCaptureFixture) -> None:
    """A rejoin and a reconnect ask again and say nothing of it."""
    eva = sim.run(sim.world.client().join_audio_room("eva", "lounge", as_host=True))
    ann = sim.run(sim.world.client().join_audio_room("ann", "lounge", as_host=True))
    assert len(told(caplog)) == 1

    sim.run(ann.rejoin())
    sim.act(sim.world.sfu.lines.cut, sim.world.sfu_room("lounge"), "ann")
    sim.advance(40)

    assert [each for each in told(caplog) if "granted" in each] == []
    sim.run(ann.dispose())
    sim.run(eva.dispose())
