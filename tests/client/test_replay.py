"""What a session did can be told again from the facts of its log."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, partial
from typing import Any

from tests.testing.rich_run import RichRun
from utd_stream.client._journal import Changed, Journal
from utd_stream.client.rules.audio_room import AudioRoomState
from utd_stream.client.rules.facts import EventTold
from utd_stream.errors import TransportError, UTDStreamException
from utd_stream.media import Tone
from utd_stream.models.rooms import SeatOccupancy
from utd_stream.ports import FactKind
from utd_stream.testing import Simulation

SEEDS = (5, 8)

Note = tuple[FactKind, Any]


class Log:
    """A log that keeps what it is told, by whose it is."""

    def __init__(self) -> None:
        self.notes = defaultdict[str, list[Note]](list)

    def note(self, who: str, kind: FactKind, what: object) -> None:
        """Keep one thing."""
        self.notes[who].append((kind, what))

    def sessions(self) -> dict[str, list[Note]]:
        """Return the notes of each session, by its person."""
        return {
            who.removesuffix(" in lounge"): notes
            for who, notes in self.notes.items()
            if who.endswith(" in lounge")
        }


@cache
def rich(seed: int) -> dict[str, list[Note]]:
    """What sessions told in a run in which much happens."""
    log = Log()
    for who, kind, what in RichRun(seed).notes:
        log.note(who, kind, what)
    return log.sessions()


@cache
def impatient() -> dict[str, list[Note]]:
    """What a session told of takes that were cancelled, or lost with the engine."""
    log = Log()
    with Simulation(seed=3, observer=log) as sim:
        client = sim.world.client(microphone=Tone(440))
        ana = sim.run(client.join_audio_room("ana", "lounge"))
        for state in (SeatOccupancy.TAKING, SeatOccupancy.PUBLISHING):
            take = sim.loop.create_task(ana.take_seat(0))
            watching = ana.occupancy.subscribe(partial(_cancel_at, take, state))
            sim.run(asyncio.wait([take]))
            watching.dispose()
            sim.advance(5)
        sim.run(sim.world.kill_engine())
        with suppress(TransportError):
            sim.run(ana.take_seat(0))
        sim.run(sim.world.start_engine())
        sim.advance(5)
        sim.run(ana.aclose())
    return log.sessions()


def _cancel_at(
    take: asyncio.Task[None], state: SeatOccupancy, now: SeatOccupancy
) -> None:
    if now is state:
        take.cancel()


def every_session() -> Iterator[tuple[str, list[Note]]]:
    """Each person with what the session told."""
    for sessions in (*map(rich, SEEDS), impatient()):
        yield from sessions.items()


def replay(who: str, facts: Iterator[Any]) -> list[Note]:
    """Return what a session tells the log when it takes *facts* again."""
    state, log = AudioRoomState.first(who, has_microphone=True), Log()
    journal = Journal(log, who)
    for fact in facts:
        journal.take(fact)
        try:
            taken = state.take(fact)
        except UTDStreamException as error:
            journal.refuse(error)
            continue
        journal.change(state.snapshot, taken.state.snapshot)
        for effect in taken.effects:
            journal.begin(effect)
        state = taken.state
    return log.notes[who]


def facts_in(notes: list[Note]) -> Iterator[Any]:
    """What was taken, and nothing of what came of it."""
    return (what for kind, what in notes if kind in {"fact", "command"})


def as_told(notes: list[Note]) -> list[Note]:
    """Return *notes* with errors as texts: each is raised anew."""
    return [(kind, str(what) if kind == "refusal" else what) for kind, what in notes]


def test_a_replayed_log_is_the_log() -> None:
    """The same facts give the same snapshots, effects and refusals, in one order."""
    for who, notes in every_session():
        again = replay(who, facts_in(notes))

        assert as_told(again) == as_told(notes)


def test_what_is_replayed_is_rich() -> None:
    """Answers that were lost, refused and late, and every kind of note."""
    told = [note for _, notes in every_session() for note in notes]

    assert {type(what).__name__ for _, what in told} >= {
        *("PlaceAnswered", "AnswerRefused", "AnswerUnknown", "GaveBack", "Cancelled"),
        *("PublishTrack", "UnpublishTrack", "Settle", "GiveBackPlace", "RoomRead"),
        *("ConnectionReplaced", "RightRevoked", "Republished", "MuteTrack"),
    }
    assert {kind for kind, _ in told} == {
        *("fact", "command", "effect", "revision", "refusal"),
    }


def test_a_log_that_lacks_its_events_is_another() -> None:
    """The replay means something: it tells that facts were left out."""
    for who, notes in rich(SEEDS[0]).items():
        kept = (each for each in facts_in(notes) if not isinstance(each, EventTold))

        again = replay(who, kept)

        assert revisions(again) != revisions(notes)


def revisions(notes: list[Note]) -> list[Changed]:
    """Return what became of the snapshot."""
    return [what for _, what in notes if isinstance(what, Changed)]
