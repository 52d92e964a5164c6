"""The grid alone: it holds without faults of ours, and planted ones are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, ClassVar, get_args

import attrs
import pytest
from hypothesis import settings
from hypothesis.stateful import invariant, rule

from tests.testing.looking import LOOKS, found, narrowed, walked
from tests.testing.planted import wrong_sid
from utd_stream.engine.rules import Command, Rules, finish, roster
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.audio_room import AudioRoom, audio_room, kind, seating
from utd_stream.engine.rules.audio_room.grid import change_seat
from utd_stream.engine.rules.audio_room.kind import AUDIO_ROOM
from utd_stream.engine.rules.draft import Draft
from utd_stream.errors import EngineError
from utd_stream.machines.seat import SeatData, SeatState
from utd_stream.models.rooms import DisconnectReason, SeatMode
from utd_stream.models.seats import UTDSeatGrid
from utd_stream.testing import grids
from utd_stream.testing.grids import SeatGridMachine


class Lounge(SeatGridMachine):
    """A room where anybody sits down, and asks its own law."""

    @invariant()
    def the_host_moderates(self) -> None:
        """Nobody else is the owner."""
        assert self.room.owner in {None, "host"}


class Stage(SeatGridMachine):
    """A stage of two seats with people and a rule of its own."""

    people: ClassVar[tuple[str, ...]] = ("host", "ana", "ben", "eva", "dan")
    seat_count = 2
    seat_mode = SeatMode.REQUEST

    @rule()
    def everybody_asks(self) -> None:
        """Let all of them want to speak at once."""
        for who in self.people:
            self.decide(who, c.RequestToSpeak())


class Pair(Stage):
    """The same for two, for walks that look for one fault."""

    people = ("host", "ana")


TestLounge = Lounge.TestCase
TestLounge.settings = settings(stateful_step_count=40)
TestStage = Stage.TestCase
TestStage.settings = settings(stateful_step_count=40)


def test_every_order_is_obeyed_and_refused() -> None:
    """A walk gets to whatever people may do, in vain and not."""
    ends: dict[type, set[bool]] = {}

    class Watched(SeatGridMachine):
        seat_mode = SeatMode.REQUEST

        def decide(self, who: str, command: Command) -> Any:
            answer = super().decide(who, command)
            refused = isinstance(answer, EngineError)
            ends.setdefault(type(command), set()).add(refused)
            return answer

    walked(Watched, settings(LOOKS, max_examples=300, stateful_step_count=50))

    # A grid does not end, unless a rule of one's own ends it; it has no back end.
    kinds = set(get_args(c.Order)) - {c.EndRoom, c.SetRoomMetadata}
    asked = {kind.__name__: ends.get(kind) for kind in kinds}
    assert {name: asked[name] for name in asked if asked[name] != {True, False}} == {}
    told = (c.MemberJoined, c.MemberLeft, c.MembersListed, c.TimePassed, c.Enter)
    assert all(ends[kind] == {False} for kind in told)


# Faults, each as somebody could have made it, and what is said of it.

TABLE: Any = AUDIO_ROOM.commands


def silent_mute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mute is not seen to be a change."""
    differs = kind._differs

    def deaf(before: AudioRoom, after: AudioRoom) -> bool:
        same = len(before.seats) == len(after.seats)
        heard = [
            attrs.evolve(new, data=attrs.evolve(new.data, muted=old.data.muted))
            for old, new in zip(before.seats, after.seats, strict=False)
        ]
        return differs(
            before, attrs.evolve(after, seats=tuple(heard)) if same else after
        )

    monkeypatch.setattr(kind, "_differs", deaf)


def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every change of the room is one of the grid."""
    monkeypatch.setattr(finish, "_visibly_differs", lambda a, b: a is not b)


def wide_mute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mute is of the next seat, too."""
    act = seating.act_on_seat

    def spread(draft: Draft, command: Any) -> Any:
        if isinstance(command, c.MuteSeat):
            act(draft, attrs.evolve(command, index=command.index + 1))
        return act(draft, command)

    monkeypatch.setitem(TABLE, c.MuteSeat, spread)


def reused_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next id is counted from what waits."""

    def counted(self: Draft) -> int:
        content = audio_room(self.room)
        return len(content.pending_requests) + len(content.pending_invites) + 1

    monkeypatch.setattr(Draft, "take_id", counted)


def blind_drop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever a seat is locked, somebody stands up."""
    act = seating.act_on_seat

    def spread(draft: Draft, command: Any) -> Any:
        if isinstance(command, c.LockSeat):
            index = audio_room(draft.room).index_of("ana")
            if index is not None:
                data = SeatData()
                change_seat(draft, index, state=SeatState.FREE, data=data)
        return act(draft, command)

    monkeypatch.setitem(TABLE, c.LockSeat, spread)


def two_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks whether who sits down sits already."""
    monkeypatch.setattr(seating, "_check_not_seated", lambda *_: None)


def moody(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer depends on how often it was asked."""
    asked = count()
    take: Any = seating.take

    def counted(*arguments: Any) -> Any:
        made = take(*arguments)
        return lambda room: attrs.evolve(made(room), seat_index=next(asked))

    monkeypatch.setitem(TABLE, c.TakeSeat, counted)


def numbers(**wrong: Any) -> Callable[[pytest.MonkeyPatch], None]:
    """A number of the contract is another one."""
    return lambda patch: patch.setattr(grids, "_RULES", Rules(**wrong))


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is gone is gone for good."""
    monkeypatch.setattr(roster, "_FREES_AT_ONCE", frozenset(DisconnectReason))


def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is ever gone for good."""
    monkeypatch.setattr(roster, "_FREES_AT_ONCE", frozenset())


# What each is, what is said of it, and the steps that the walk needs.
FAULTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str, str]] = {
    "a mute without a revision": (
        silent_mute,
        "the grid changed, and went",
        "moderate",
    ),
    "a revision without a change": (restless, "the grid did not change", "sit come"),
    "a mute of two seats": (wide_mute, "seat . was muted or unmuted", "moderate"),
    "somebody unseated": (blind_drop, "ana went from seat .* nobody", "furnish"),
    "an id given twice": (reused_id, "id 1 was given before", "invite reply wish"),
    "a seat too many": (two_seats, "sits on two seats", "sit"),
    "an answer that changes": (moody, "decided in two ways", "sit"),
    "a seat freed on hearsay": (impatient, "went from seat .* nobody", "go"),
    "a seat kept for the removed": (patient, "is gone and keeps the seat", "go"),
    "an older connection believed": (wrong_sid, "went from seat .* nobody", "go"),
    "a grace too short": (numbers(seat_grace=5), "went from seat .* nobody", "go wait"),
    "a grace too long": (numbers(seat_grace=99), "is gone and keeps", "go wait"),
    "a goodbye too short": (numbers(leave_grace=0.1), "went from seat", "go wait"),
    "a request too long": (numbers(request_expiry=99), "for too long", "wish wait"),
    "a room that ends too soon": (numbers(room_empty=20), "not empty for", "go wait"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And shrunk to a script of a few lines."""
    plant, law, steps = FAULTS[name]
    plant(monkeypatch)

    script = found(narrowed(Pair, steps.split()), law)

    assert len(script) <= 10, "\n".join(script)


def test_a_law_of_ones_own_is_asked() -> None:
    """Invariants, and what holds between two grids, come from the subclass too."""

    class Open(SeatGridMachine):
        def change_laws(self, before: UTDSeatGrid, after: UTDSeatGrid) -> Iterator[str]:
            if after.seats[0].locked and not before.seats[0].locked:
                yield "seat 0 is never locked"

    class Empty(Pair):
        @invariant()
        def nobody_asks(self) -> None:
            assert not self.grid.requests, "somebody asks"

    assert found(narrowed(Open, ["furnish"]), "seat 0 is never locked")
    assert found(narrowed(Empty, ["wish"]), "somebody asks")
