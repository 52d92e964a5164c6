"""P8: one fact through mailbox, machine, a 9-seat snapshot and an observer.

Beside it stands one trigger of `transitions` with a condition and a callback.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Any

from transitions import Machine

from tests.bench.report import Figure
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.http import AiohttpHttp
from utd_stream.client._connector import Link
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.client.rules.facts import GridTold
from utd_stream.client.timeouts import Timeouts
from utd_stream.compose import Ports, UTDRoom, UTDStreamClient
from utd_stream.machines import connection as c
from utd_stream.media import Silence
from utd_stream.models import TrackSource, UTDSeat, UTDSeatGrid
from utd_stream.reactive import Latest

__all__ = ["measure_fact"]

_ROUNDS = 40
_STEPS = 500
_WATCHED = 25
_SEATS = 9


def measure_fact() -> list[Figure]:
    """Return P8 without and with derived values watched; inside a loop."""
    bare = _bare()
    plain, _ = _session(watched=0)
    busy, _ = _session(watched=_WATCHED)
    times: dict[str, list[float]] = {"bare": [], "plain": [], "busy": []}
    for _ in range(_ROUNDS):
        times["bare"].append(_timed(bare))
        times["plain"].append(_timed(plain))
        times["busy"].append(_timed(busy))
    microseconds = {
        name: statistics.median(each) / _STEPS * 1e6 for name, each in times.items()
    }
    what = "one fact through a session"
    return [
        Figure(
            name="P8",
            what=what,
            unit="us",
            ours=microseconds["plain"],
            bare=microseconds["bare"],
            goal=2,
        ),
        Figure(
            name="P8 watched",
            what=f"{what}, {_WATCHED} derived values watched",
            unit="us",
            ours=microseconds["busy"],
            bare=microseconds["bare"],
            goal=3,
        ),
    ]


def _timed(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    for _ in range(_STEPS):
        step()
    return time.perf_counter() - begun


def _bare() -> Callable[[], object]:
    """Return a trigger with one condition and one callback, as a row has them."""
    called = {"conditions": _is_true, "after": _nothing}
    machine: Any = Machine(
        states=["connected", "reconnecting"],
        initial="connected",
        auto_transitions=False,
        send_event=True,
        transitions=[
            {"trigger": "lose", "source": "connected", "dest": "reconnecting"} | called,
            {"trigger": "resume", "source": "reconnecting", "dest": "connected"}
            | called,
        ],
    )
    triggers = cycle((machine.lose, machine.resume))

    def step() -> None:
        next(triggers)()

    return step


def _session(*, watched: int) -> tuple[Callable[[], object], UTDAudioRoomSession]:
    client = UTDStreamClient("bench", "key", ports=Ports(http=AiohttpHttp()))
    link = Link(
        identity="me",
        api=client.api,
        room=UTDRoom(),
        clock=AsyncioClock(),
        timeouts=Timeouts(),
        sources={TrackSource.MICROPHONE: Silence()},
        new_key=str,
        client_is_closed=bool,
    )
    session = UTDAudioRoomSession(link, "bench", _never)
    # Effects belong to the world; the figure is about facts.
    session._run.begin = _nothing
    post = session._post
    post(c.Connect())
    post(c.Admitted(1))
    post(
        GridTold(UTDSeatGrid(seats=tuple(UTDSeat(seat_index=i) for i in range(_SEATS))))
    )
    session.snapshot.subscribe(_nothing)
    for value in _derived(session)[:watched]:
        value.subscribe(_nothing)
    outage: tuple[c.ConnectionEvent, ...] = (c.TransportLost(1, 1.0), c.Resumed(1, 2.0))
    facts = cycle(outage)
    return lambda: post(next(facts)), session


def _derived(session: UTDAudioRoomSession) -> list[Latest[Any]]:
    """Return what a screen of an app would watch."""
    grid = session.seats
    return [
        session.connection_state,
        session.connected,
        session.can_publish,
        session.remote_participants,
        session.microphone_muted,
        session.role,
        session.seats,
        session.seat,
        session.occupancy,
        session.speaker_requests,
        session.invitation,
        session.snapshot.derive(lambda s: s.owner_identity),
        session.snapshot.derive(lambda s: len(s.remotes)),
        grid.derive(lambda g: g.seat_mode),
        grid.derive(lambda g: len(g.requests)),
        grid.derive(lambda g: sum(seat.is_free for seat in g.seats)),
        *(grid.derive(partial(_occupant, index=i)) for i in range(_SEATS)),
    ]


def _occupant(grid: UTDSeatGrid, index: int) -> str | None:
    return grid.seats[index].occupant_identity


def _is_true(value: object) -> bool:
    """Return True, whatever *value* is."""
    return True


def _nothing(value: object) -> None:
    """Take *value*."""


async def _never(_: bool) -> Any:  # noqa: FBT001 -- a port
    raise AssertionError
