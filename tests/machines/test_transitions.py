"""The machine of a declaration works as the documentation of `transitions` says."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transitions import EventData, Machine, MachineError
from transitions.extensions import LockedMachine
from transitions.extensions.diagrams import GraphMachine
from transitions.extensions.markup import MarkupMachine

from tests.machines.door import (
    BROKEN,
    DOOR,
    OPEN,
    SHUT,
    Bolt,
    Door,
    DoorState,
    Kick,
    Paint,
    Pull,
    Push,
)
from tests.machines.laws import AnyMachine
from tests.machines.steps import outcome
from tests.machines.test_declare import DECLARED
from utd_stream.machines import Model, Step

CLASSES = [Machine, MarkupMachine, GraphMachine, LockedMachine]
ENGINE: dict[type[Machine], dict[str, str]] = {
    GraphMachine: {"graph_engine": "mermaid"}  # needs no other package
}

Told: TypeAlias = list[tuple[str, DoorState, Door]]


class Watched:
    """A machine of the door with one callback of every kind.

    Attributes:
        door: The model.
        told: Which callback came, and what the door was then.
    """

    def __init__(self, data: Door, **options: Any) -> None:
        self.door: Any = DOOR.model(data)
        self.told: Told = []
        self.machine: Any = DOOR.machine(
            model=self.door,
            prepare_event=self.note("prepare_event"),
            before_state_change=self.note("before_state_change"),
            after_state_change=self.note("after_state_change"),
            finalize_event=self.note("finalize_event"),
            on_final=self.note("on_final"),
            **options,
        )
        for trigger in ("Push", "Pull", "Kick", "Bolt"):
            for kind in ("prepare", "before", "after"):
                callback = self.note(kind)
                getattr(self.machine, f"{kind}_{trigger}")(callback)
        for state in DoorState:
            for kind in ("on_exit", "on_enter"):
                callback = self.note(f"{kind} {state.value}")
                getattr(self.machine, f"{kind}_{state.name}")(callback)

    def note(self, kind: str) -> Callable[[EventData], None]:
        """Return a callback that notes that it came."""

        def callback(told: EventData) -> None:
            model: Any = told.model
            self.told.append((kind, model.state, model.data))

        return callback


def takes(machine: AnyMachine, state: Enum, data: Any, event: object) -> bool:
    """Return whether the table takes *event*, read row by row."""
    for row in machine.rows:
        fits = state in row.source and isinstance(event, row.trigger)
        if fits and (row.guard is None or row.guard(data, event)):
            return row.refuse is None
    return False


def test_machine_is_one_of_transitions() -> None:
    """It has the states of the table, final ones marked, and its triggers."""
    machine = DOOR.machine()

    assert isinstance(machine, Machine)
    assert set(machine.states) == {"SHUT", "OPEN", "BROKEN"}
    assert [name for name, s in machine.states.items() if s.final] == ["BROKEN"]
    assert set(machine.events) == {"Push", "Pull", "Kick", "Bolt", "Paint"}


def test_guards_are_conditions() -> None:
    """A row's guard is its condition; a refusal's guard is one of later rows."""
    machine = DOOR.machine()

    (push,) = machine.get_transitions("Push", "SHUT")
    (kick,) = machine.get_transitions("Kick", "SHUT")

    names: list[tuple[Any, bool]] = [
        (getattr(condition.func, "__name__", ""), condition.target)
        for condition in (*push.conditions, *kick.conditions)
    ]
    assert names == [("is_unbolted", True), ("is_barefoot", False)]
    assert machine.get_transitions("Paint") == []


@pytest.mark.parametrize("name", DECLARED)
@given(data=st.data())
def test_may_is_true_where_a_row_takes_the_event(
    name: str, data: st.DataObject
) -> None:
    """In every state, `may_...` says what the table does with data and event."""
    declaration, stands, events = DECLARED[name]
    model: Any = declaration.model(None)
    declaration.machine(model=model)
    for state in declaration.states:
        model.state, model.data = state, data.draw(stands(state))
        for event in data.draw(st.lists(events(model.data), min_size=1, max_size=8)):
            may = getattr(model, f"may_{type(event).__name__}")(event)
            assert may is takes(declaration, state, model.data, event)
            assert may is isinstance(
                outcome(declaration, state, model.data, event), Step
            )


@pytest.mark.parametrize("name", DECLARED)
@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@settings(max_examples=15)
@given(data=st.data())
def test_triggers_walk_the_table(
    name: str, cls: type[Machine], data: st.DataObject
) -> None:
    """A trigger of any class of machine does what `step` does, or is not taken."""
    declaration, stands, events = DECLARED[name]
    state = data.draw(st.sampled_from(declaration.states))
    model: Any = declaration.model(data.draw(stands(state)))
    declaration.machine(cls, model, initial=state, **ENGINE.get(cls, {}))

    for _ in range(data.draw(st.integers(1, 8))):
        event = data.draw(events(model.data))
        before = model.state, model.data, model.effects
        expected = outcome(declaration, model.state, model.data, event)
        try:
            taken = model.trigger(type(event).__name__, event)
        except MachineError:
            taken = False
        if taken:
            assert Step(model.state, model.data, model.effects) == expected
        else:
            assert not isinstance(expected, Step)
            assert (model.state, model.data, model.effects) == before


def test_refused_trigger_is_not_taken() -> None:
    """A refusal is False where another row could take the event, else an error."""
    door: Any = DOOR.model(Door(bolted=True))
    DOOR.machine(model=door)

    assert door.Push() is False
    assert not door.may_Paint()
    with pytest.raises(MachineError, match="Paint"):
        door.Paint()
    assert (door.state, door.data) == (SHUT, Door(bolted=True))


def test_trigger_makes_its_event_of_keywords() -> None:
    """Without an event a trigger and its `may_...` make one of what they get."""
    heard: list[object] = []
    door: Any = DOOR.model(Door())
    machine: Any = DOOR.machine(model=door)
    machine.before_Kick(lambda told: heard.extend(told.args))

    assert door.may_Kick(nth=1)
    assert not door.may_Kick(barefoot=True)
    assert door.Kick(nth=1)

    assert (door.state, door.effects) == (BROKEN, ("creak 0", "splinter -1"))
    assert heard == [Kick(nth=1)]


def test_trigger_refuses_unknown_keywords() -> None:
    """Keywords that the event has not are an error, and nothing changes."""
    door: Any = DOOR.model(Door())
    DOOR.machine(model=door)

    with pytest.raises(TypeError, match="force"):
        door.Kick(force=3)

    assert (door.state, door.data) == (SHUT, Door())


def test_callbacks_run_in_the_order_of_transitions() -> None:
    """Callbacks of each kind come once, and see state and data change together."""
    watched = Watched(Door())

    assert watched.door.Kick()

    old, new = (SHUT, Door()), (BROKEN, Door(kicks=1))
    assert watched.told == [
        ("prepare_event", *old),
        ("prepare", *old),
        ("before_state_change", *old),
        ("before", *old),
        ("on_exit shut", *old),
        ("on_enter broken", *new),
        ("on_final", *new),
        ("after", *new),
        ("after_state_change", *new),
        ("finalize_event", *new),
    ]


def test_row_that_stays_enters_nothing() -> None:
    """A row that keeps the state is internal: nothing is left or entered."""
    watched = Watched(Door())

    assert watched.door.Bolt()

    kinds = [kind for kind, *_ in watched.told]
    assert not [kind for kind in kinds if kind.startswith("on_")]
    assert kinds[2:6] == [
        *("before_state_change", "before"),
        *("after", "after_state_change"),
    ]
    assert watched.told[3][1:] == (SHUT, Door())
    assert watched.told[4][1:] == (SHUT, Door(bolted=True, bolts=1))


def test_row_that_is_not_taken_calls_back_for_nothing() -> None:
    """Neither a refusal nor `may_...` changes or leaves anything."""
    watched = Watched(Door(bolted=True))

    assert not watched.door.may_Push()
    assert not watched.door.Push()

    asked = {"prepare_event", "prepare", "finalize_event"}
    assert {kind for kind, *_ in watched.told} == asked


@pytest.mark.parametrize("kind", ["before_Kick", "on_exit_SHUT"])
def test_callback_that_raises_keeps_state_and_data(kind: str) -> None:
    """What raises before the change stops it, data included."""
    door: Any = DOOR.model(Door())
    machine: Any = DOOR.machine(model=door)
    getattr(machine, kind)(lambda _: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        door.Kick()

    assert (door.state, door.data, door.effects) == (SHUT, Door(), ())


def test_row_that_raises_is_an_exception_of_the_machine() -> None:
    """What a guard or an effect raises comes to `on_exception`; nothing changes."""
    errors: list[object] = []
    door: Any = DOOR.model(Door())
    DOOR.machine(model=door, on_exception=lambda told: errors.append(told.error))
    fault = KeyError("bug")

    assert not door.Push(Push(fault))
    assert not door.Kick(nth=2)

    assert errors[0] is fault
    assert isinstance(errors[1], ZeroDivisionError)
    assert (door.state, door.data) == (SHUT, Door())


def test_methods_of_the_model_are_callbacks() -> None:
    """A model's own `on_enter_...` runs, as does a condition named by a string."""

    class Alarm(Model[DoorState, Door, str]):
        rings = 0
        armed = False

        def on_enter_BROKEN(self, _: EventData) -> None:  # noqa: N802 -- a state
            self.rings += 1

        def is_armed(self, _: EventData) -> bool:
            return self.armed

    door: Any = Alarm(SHUT, Door())
    machine = DOOR.machine(model=door)
    machine.add_transition("ram", "SHUT", "BROKEN", conditions="is_armed")

    assert not door.ram()
    door.armed = True
    assert door.ram()

    assert (door.state, door.rings, door.data) == (BROKEN, 1, Door())


def test_one_machine_moves_several_models() -> None:
    """Models of one machine, whatever their state is called, stand by themselves."""
    doors: list[Any] = [DOOR.model(Door()), DOOR.model(Door())]
    DOOR.machine(model=doors, model_attribute="stand")

    doors[0].Push()

    assert [door.stand for door in doors] == [OPEN, SHUT]


def test_markup_tells_the_table() -> None:
    """A `MarkupMachine` writes each transition with its conditions."""
    machine = DOOR.machine(MarkupMachine)

    markup: Any = machine.markup

    assert markup["initial"] == "SHUT"
    assert [state["name"] for state in markup["states"]] == ["SHUT", "OPEN", "BROKEN"]
    assert markup["transitions"][:4] == [
        {
            "trigger": "Push",
            "source": "SHUT",
            "dest": "OPEN",
            "conditions": ["is_unbolted"],
        },
        {
            "trigger": "Pull",
            "source": "OPEN",
            "dest": "SHUT",
            "conditions": ["is_strong"],
        },
        {
            "trigger": "Kick",
            "source": "SHUT",
            "dest": "BROKEN",
            "unless": ["is_barefoot"],
        },
        {"trigger": "Kick", "source": "OPEN", "dest": "BROKEN"},
    ]


def test_graph_shows_the_table_and_where_the_model_stands() -> None:
    """A `GraphMachine` draws the transitions, and colors the state of its model."""
    door: Any = DOOR.model(Door())
    DOOR.machine(GraphMachine, door, graph_engine="mermaid", show_conditions=True)

    before = door.get_graph().draw(None)
    door.Push()
    after = door.get_graph().draw(None)

    assert "SHUT --> OPEN: Push [is_unbolted]" in before
    assert "SHUT --> BROKEN: Kick [!is_barefoot]" in before
    assert "SHUT --> SHUT: Bolt [internal]" in before
    assert "Class SHUT s_active" in before
    assert "Class OPEN s_active" in after
    assert "Class SHUT s_previous" in after


def test_events_of_the_door_are_all_tried() -> None:
    """In each state each event may come exactly where `step` takes it."""
    tried = 0
    for state in DoorState:
        for data in (Door(), Door(bolted=True), Door(kicks=2)):
            door: Any = DOOR.model(data)
            DOOR.machine(model=door, initial=state)
            for event in (Push(), Pull(1), Pull(3), Kick(), Kick(barefoot=True)):
                may = getattr(door, f"may_{type(event).__name__}")(event)
                assert may is takes(DOOR, state, data, event)
                tried += 1
            assert door.may_Bolt(Bolt()) is (state is SHUT)
            assert door.may_Paint(Paint()) is False
    assert tried == 45
