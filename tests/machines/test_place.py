"""The place machine keeps the laws of its docstring."""

from __future__ import annotations

from functools import lru_cache

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.machines.laws import (
    AnyMachine,
    Vocabulary,
    check_names,
    check_table,
    check_where_taken,
)
from tests.machines.steps import Seen, every_step, fired, outcome
from utd_stream.machines import PLACE, Run, place
from utd_stream.machines.place import (
    Ask,
    AskFailed,
    AskLeave,
    AskPlace,
    Cancelled,
    Confirmed,
    ConnectionEnded,
    ConnectionReplaced,
    EndGiveBack,
    Freed,
    GiveBack,
    GiveBackFailed,
    LeavePlace,
    Lost,
    PlaceData,
    PlaceEffect,
    PlaceEvent,
    PlaceState,
    Refused,
    SendFailed,
    Settled,
    is_late,
)
from utd_stream.testing.strategies import place_events

NONE, ASKING, HELD, LEAVING = PlaceState

VOCABULARY = Vocabulary(
    events=PlaceEvent,
    effects=PlaceEffect,
    commands=frozenset({Ask, LeavePlace}),
)
WHERE: dict[type, tuple[PlaceState, ...]] = {
    Refused: (ASKING, LEAVING),
    AskFailed: (ASKING,),
    Freed: (LEAVING,),
    GiveBackFailed: (LEAVING,),
}


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return PLACE


def everything(data: PlaceData) -> tuple[PlaceEvent, ...]:
    """Return every event of the operation under way."""
    return (
        *(Ask(), Ask(is_held=True), LeavePlace(), Confirmed()),
        *(Refused(data.op), AskFailed(data.op), Cancelled(data.op)),
        *(Freed(data.op), GiveBackFailed(data.op)),
        *(SendFailed(), Settled(), Lost()),
        *(ConnectionReplaced(), ConnectionEnded()),
    )


@lru_cache(maxsize=1)
def every_place_step(machine: AnyMachine) -> tuple[Seen, ...]:
    """Return each step, whatever the number of the operation."""
    steps = every_step(
        *(machine, PlaceData(op=1), everything),
        alike=lambda data: attrs.evolve(data, op=1),
    )
    return tuple(steps)


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_answers_come_to_those_who_asked(machine: AnyMachine) -> None:
    """Answers come while the engine is asked; everything else comes anywhere."""
    check_where_taken(machine, WHERE)


def test_every_ask_is_settled(machine: AnyMachine) -> None:
    """An Ask ends held, refused, with the connection, or is given back."""
    for seen in every_place_step(machine):
        if seen.state is ASKING:
            match seen.event:
                case Confirmed():
                    ended = HELD
                case Refused() | ConnectionEnded():
                    ended = NONE
                case AskFailed() | Cancelled() | LeavePlace():
                    ended = LEAVING
                    assert seen.step.effects == (GiveBack(seen.step.data.op),)
                case _:
                    ended = ASKING
            assert seen.step.state is ended


def test_leaving_asks_the_engine_once(machine: AnyMachine) -> None:
    """A leave or a give-back is asked for on entering leaving, and on a retry."""
    for seen in every_place_step(machine):
        begins = seen.moved and seen.step.state is LEAVING
        asked = begins or isinstance(seen.event, GiveBackFailed)
        by_leave = isinstance(seen.event, LeavePlace) and seen.state is not ASKING
        ask = AskLeave if by_leave else GiveBack
        asks = [e for e in seen.step.effects if isinstance(e, AskLeave | GiveBack)]
        assert asks == ([ask(seen.step.data.op)] if asked else [])


def test_losing_the_place_ends_it(machine: AnyMachine) -> None:
    """Lost leads from held to none, and changes nothing elsewhere."""
    for seen in every_place_step(machine):
        if isinstance(seen.event, Lost):
            lost = NONE if seen.state is HELD else seen.state
            assert (seen.step.state, seen.step.effects) == (lost, ())


def test_held_place_ends_for_a_reason(machine: AnyMachine) -> None:
    """A held place is lost, left, or given back when whoever waits gets no track."""
    for seen in every_place_step(machine):
        if seen.state is HELD:
            match seen.event:
                case Lost() | ConnectionEnded():
                    ended = NONE
                case Cancelled() | LeavePlace():
                    ended = LEAVING
                case SendFailed():
                    ended = LEAVING if seen.data.waits else HELD
                case _:
                    ended = HELD
            assert seen.step.state is ended


def test_a_failed_give_back_is_tried_again(machine: AnyMachine) -> None:
    """Leaving ends by an answer or with the connection, and not by a failure."""
    for seen in every_place_step(machine):
        if seen.state is LEAVING:
            ends = isinstance(seen.event, Refused | Freed | ConnectionEnded)
            assert seen.step.state is (NONE if ends else LEAVING)


def test_a_give_back_ends_with_the_connection(machine: AnyMachine) -> None:
    """ConnectionEnded leaves no place, and stops the give-back that runs."""
    for seen in every_place_step(machine):
        ended = isinstance(seen.event, ConnectionEnded)
        stops = ended and seen.state is LEAVING
        assert (EndGiveBack() in seen.step.effects) == stops
        assert seen.step.state is NONE or not ended


def test_a_place_that_was_left_is_not_held_later(machine: AnyMachine) -> None:
    """LeavePlace leads to leaving from everywhere; Confirmed does not lead back."""
    for seen in every_place_step(machine):
        if isinstance(seen.event, LeavePlace):
            assert seen.step.state is LEAVING
        elif isinstance(seen.event, Confirmed):
            held = LEAVING if seen.state is LEAVING else HELD
            assert seen.step.state is held


def test_the_held_place_is_not_asked_for(machine: AnyMachine) -> None:
    """Only an Ask without a place asks the engine; one for the held place waits."""
    for seen in every_place_step(machine):
        asks = isinstance(seen.event, Ask) and seen.state is NONE
        asked = (AskPlace(seen.step.data.op),) if asks else ()
        assert tuple(e for e in seen.step.effects if isinstance(e, AskPlace)) == asked
        if seen.state is NONE and not asks:
            moves = isinstance(seen.event, Confirmed | LeavePlace)
            assert seen.moved == moves
        elif asks:
            assert seen.step.state is ASKING


def test_one_waits_at_a_time(machine: AnyMachine) -> None:
    """An Ask waits until the place or its tracks are settled; others are refused."""
    for seen in every_place_step(machine):
        goes_on = seen.data.waits and seen.step.state in {ASKING, HELD}
        settled = seen.state is HELD and isinstance(seen.event, Settled)
        waits = isinstance(seen.event, Ask) or (goes_on and not settled)
        assert seen.step.data.waits == waits
    nobody, somebody = PlaceData(op=1), PlaceData(op=1, waits=True)
    for is_held in (True, False):
        ask = Ask(is_held=is_held)
        assert outcome(machine, ASKING, somebody, ask) == "pending"
        assert outcome(machine, LEAVING, nobody, ask) == "pending"
    assert outcome(machine, HELD, somebody, Ask(is_held=True)) == "pending"
    for data in (nobody, somebody):
        assert outcome(machine, HELD, data, Ask()) == "already_seated"


def test_ended_operations_are_late(machine: AnyMachine) -> None:
    """A new operation has a new number, and facts of the old one are late."""
    for seen in every_place_step(machine):
        counts = isinstance(seen.event, Ask | GiveBackFailed | ConnectionEnded)
        answered = (seen.state, seen.step.state) == (ASKING, HELD)
        ended = counts or (seen.moved and not answered)
        assert seen.step.data.op == seen.data.op + ended
        assert is_late(seen.step.data, Freed(seen.data.op)) == ended
        assert not is_late(seen.step.data, Freed(seen.step.data.op))
        assert not is_late(seen.step.data, LeavePlace())


class PlaceWalk(RuleBasedStateMachine):
    """Any sequence of events keeps the laws, late facts being dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(PLACE, PlaceData())
        self.asked: int | None = None  # the operation that the engine has to answer

    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        """Take the event as a client does, and note what the engine is asked."""
        event = data.draw(place_events(self.run.data))
        if is_late(self.run.data, event):
            return
        effects = fired(self.run, event) or ()
        if self.run.state in {NONE, HELD}:
            self.asked = None
        for effect in effects:
            if isinstance(effect, AskPlace | AskLeave | GiveBack):
                self.asked = effect.op

    @invariant()
    def engine_is_asked_for_what_is_awaited(self) -> None:
        """The engine is asked by the operation under way, and by no other."""
        awaited = self.run.state in {ASKING, LEAVING}
        assert self.asked == (self.run.data.op if awaited else None)

    @invariant()
    def one_waits_at_a_time(self) -> None:
        """Law 8."""
        assert self.run.data.waits or self.run.state is not ASKING
        assert not self.run.data.waits or self.run.state in {ASKING, HELD}


TestPlaceWalk = PlaceWalk.TestCase


def test_each_law_has_a_test() -> None:
    """The docstring's laws and the tests carry the same names."""
    check_names(place, globals())
