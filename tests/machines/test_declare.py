"""The runner itself, on a door with a bolt, and beside plain `transitions`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, TypeAlias

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transitions import Machine, MachineError

from tests.machines.door import (
    BROKEN,
    DOOR,
    OPEN,
    SHUT,
    Bolt,
    Door,
    DoorEvent,
    Kick,
    Paint,
    Pull,
    Push,
    creak,
    kicked,
)
from tests.machines.laws import AnyMachine
from tests.machines.steps import INVALID, outcome
from utd_stream.errors import InvalidTransitionError, RefusedError
from utd_stream.machines import (
    CALL,
    CALLING,
    CONNECTION,
    INVITATION,
    LIVE,
    PLACE,
    REQUEST,
    SEAT,
    SIGNAL,
    STAGE,
    TRACK,
    Row,
    Run,
    Step,
)
from utd_stream.testing import strategies


def test_step_is_pure() -> None:
    """The same step twice gives the same; nothing is kept in between."""
    first = DOOR.step(SHUT, Door(), Kick())
    again = DOOR.step(SHUT, Door(), Kick())

    assert first == again == Step(BROKEN, Door(kicks=1), ("creak 0", "splinter -1"))


def test_refusal_carries_its_code() -> None:
    """A refused event says why, where and what."""
    with pytest.raises(RefusedError) as caught:
        DOOR.step(SHUT, Door(bolted=True), Push())

    error = caught.value
    assert (error.code, error.machine) == ("bolted", "door")
    assert (error.trigger, error.state) == ("Push", "shut")


def test_first_refusal_whose_guard_holds_comes_before_the_rows_after_it() -> None:
    """A guarded refusal says no where its guard holds, and only there."""
    with pytest.raises(RefusedError) as caught:
        DOOR.step(SHUT, Door(), Kick(barefoot=True))

    assert caught.value.code == "barefoot"
    assert DOOR.step(SHUT, Door(), Kick()).state is BROKEN
    assert DOOR.step(OPEN, Door(), Kick(barefoot=True)).state is BROKEN


def test_event_that_is_only_refused_is_refused() -> None:
    """An event that no row takes anywhere is still refused with its code."""
    with pytest.raises(RefusedError) as caught:
        DOOR.step(SHUT, Door(), Paint())

    assert caught.value.code == "forbidden"


def test_row_below_a_refusal_of_all_is_never_taken() -> None:
    """The first row whose guard holds decides, and a refusal without one does."""
    with pytest.raises(RefusedError):
        DOOR.step(OPEN, Door(), Paint())
    with pytest.raises(InvalidTransitionError):
        DOOR.step(BROKEN, Door(), Paint())


def test_row_sets_and_counts_what_it_names() -> None:
    """Named fields get their value or grow by one; the others stay."""
    before = Door(kicks=7, bolts=1)

    step = DOOR.step(SHUT, before, Bolt())

    assert step == Step(SHUT, Door(bolted=True, kicks=7, bolts=2), ())


def test_row_sets_and_counts_what_its_update_returns() -> None:
    """A row with an update changes the data that the update computed."""
    loud: Row[Any, Any, Door, str] = Row(
        *(Kick, (SHUT,), SHUT),
        update=kicked,
        set={"bolted": True},
        count=("kicks", "bolts"),
        effects=(creak,),
    )
    door: AnyMachine = attrs.evolve(DOOR, rows=(loud,))

    step = door.step(SHUT, Door(kicks=1), Kick())

    assert step == Step(SHUT, Door(bolted=True, kicks=3, bolts=1), ("creak 1",))


def test_event_without_a_row_is_invalid() -> None:
    """No row in this state, no transition."""
    with pytest.raises(InvalidTransitionError, match="door: cannot Pull while shut"):
        DOOR.step(SHUT, Door(), Pull())


def test_event_no_guard_takes_is_invalid() -> None:
    """A table with a hole says so instead of doing nothing."""
    with pytest.raises(InvalidTransitionError, match="door: cannot Pull while open"):
        DOOR.step(OPEN, Door(), Pull())


def test_event_of_another_machine_is_invalid() -> None:
    """Events are told apart by class; an equal name is not enough."""
    stranger: Any = attrs.make_class("Push", [])()

    with pytest.raises(InvalidTransitionError, match="door: cannot Push while shut"):
        DOOR.step(SHUT, Door(), stranger)


@pytest.mark.parametrize("fault", [KeyError("bug"), MachineError("bug")])
def test_bug_in_a_guard_comes_through(fault: Exception) -> None:
    """What a guard raises reaches the caller as it is, whatever its class."""
    with pytest.raises(type(fault)) as caught:
        DOOR.step(SHUT, Door(), Push(fault))

    assert caught.value is fault


def test_run_keeps_state_and_data() -> None:
    """A run goes where its steps lead and hands out their effects."""
    run = Run(DOOR, Door())

    assert run.fire(Push()) == ()
    assert run.fire(Kick()) == ("creak 0", "splinter -1")
    assert (run.state, run.data) == (BROKEN, Door(kicks=1))
    assert run.fire(Kick()) == ()
    assert run.data == Door(kicks=1)


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (Push(), RefusedError),
        (Push(KeyError()), KeyError),
        (Pull(), InvalidTransitionError),
        (Kick(nth=2), ZeroDivisionError),
    ],
    ids=["refused", "bug in a guard", "invalid", "bug in an effect"],
)
def test_failed_event_changes_nothing(event: DoorEvent, error: type[Exception]) -> None:
    """Whatever goes wrong, the run stands where it stood."""
    run = Run(DOOR, Door(bolted=True))

    with pytest.raises(error):
        run.fire(event)

    assert (run.state, run.data) == (SHUT, Door(bolted=True))


def test_run_is_nothing_but_its_slots() -> None:
    """Ten thousand runs cost next to nothing each."""
    assert not hasattr(Run(DOOR, Door()), "__dict__")


def test_groups_keep_the_order_of_the_rows() -> None:
    """Rows of one state and event are tried as they are written."""
    groups = {(state, trigger): rows for state, trigger, rows in DOOR.groups()}

    assert len(groups) == 8
    assert groups[SHUT, Push] == list(DOOR.rows[:2])
    assert groups[SHUT, Kick] == list(DOOR.rows[3:5])
    assert groups[OPEN, Kick] == [DOOR.rows[4]]


def test_table_says_all_of_a_row() -> None:
    """A line has the states, the event, the guard, what follows and what is asked."""
    still: Iterator[Row[Any, Any, Any, Any]] = (
        Row(Pull, (state,), state) for state in (SHUT, BROKEN)
    )
    door: AnyMachine = attrs.evolve(DOOR, rows=(*DOOR.rows[:7], *still))

    assert list(door.table())[2:] == [
        "| shut | Push | is_unbolted | open |  |  |",
        "| shut | Push |  | refused: bolted |  |  |",
        "| open | Pull | is_strong | shut |  |  |",
        "| shut | Kick | is_barefoot | refused: barefoot |  |  |",
        "| shut, open | Kick |  | broken | kicked | creak, splinter |",
        "| broken | Kick |  | same |  |  |",
        "| shut | Bolt |  | same | bolted = True, bolts += 1 |  |",
        "| shut, broken | Pull |  | same |  |  |",
    ]


def test_diagram_shows_what_moves() -> None:
    """An arrow for whatever leads on or asks for something; final states end."""
    loud: Row[Any, Any, Any, Any] = Row(Push, (OPEN,), OPEN, effects=(creak,))
    door: AnyMachine = attrs.evolve(DOOR, rows=(*DOOR.rows, loud))

    assert list(door.diagram()) == [
        "stateDiagram-v2",
        "    [*] --> shut",
        "    shut --> open: Push [is_unbolted]",
        "    open --> shut: Pull [is_strong]",
        "    shut --> broken: Kick",
        "    open --> broken: Kick",
        "    open --> open: Push",
        "    broken --> [*]",
    ]


class Plain:
    """The model of an ordinary machine: rows as conditions and callbacks."""

    def __init__(self, declaration: AnyMachine, state: Enum, data: Any) -> None:
        self.data = data
        self.effects: tuple[object, ...] = ()
        self.machine = Machine(
            model=self,
            states=list(declaration.states),
            initial=state,
            transitions=[self.transition(row) for row in declaration.rows],
            auto_transitions=False,
        )

    def transition(self, row: Row[Any, Any, Any, Any]) -> dict[str, Any]:
        """Return *row* as transitions wants it."""

        def holds(event: object) -> bool:
            return row.guard is None or row.guard(self.data, event)

        def take(event: object) -> None:
            if row.refuse is not None:
                raise RefusedError(row.refuse, "", "", "")
            self.effects = tuple(effect(self.data, event) for effect in row.effects)
            if row.update is not None:
                self.data = row.update(self.data, event)
            for field, value in row.set.items():
                self.data = attrs.evolve(self.data, **{field: value})
            for field in row.count:
                one_more = getattr(self.data, field) + 1
                self.data = attrs.evolve(self.data, **{field: one_more})

        return {
            "trigger": row.trigger.__name__,
            "source": list(row.source),
            "dest": row.dest,
            "conditions": holds,
            "before": take,
        }

    def hear(self, event: object) -> Any:
        """Return the step which *event* makes, or the code of the error."""
        self.effects = ()
        model: Any = self
        try:
            taken = model.trigger(type(event).__name__, event)
        except RefusedError as error:
            return error.code
        except MachineError:
            return INVALID
        assert taken, "the table has a hole"
        return Step(model.state, self.data, self.effects)


Given: TypeAlias = Callable[[Any], st.SearchStrategy[Any]]

DECLARED: dict[str, tuple[AnyMachine, Given, Given]] = {
    machine.name: (machine, stands, events)
    for machine, stands, events in (
        (SEAT, strategies.seat_data, lambda _: strategies.seat_events()),
        (REQUEST, strategies.request_data, lambda _: strategies.request_events()),
        (
            INVITATION,
            lambda _: strategies.invitation_data(),
            strategies.invitation_events,
        ),
        (CONNECTION, strategies.connection_data, strategies.connection_events),
        (PLACE, strategies.place_data, strategies.place_events),
        (TRACK, strategies.track_data, strategies.track_events),
        (LIVE, strategies.live_data, lambda _: strategies.live_events()),
        (STAGE, strategies.stage_data, lambda _: strategies.stage_events()),
        (CALL, strategies.call_data, lambda _: strategies.call_events()),
        (CALLING, strategies.calling_data, strategies.calling_events),
        (SIGNAL, strategies.signal_data, strategies.signal_events),
    )
}


@pytest.mark.parametrize("name", DECLARED)
@given(data=st.data())
def test_plain_transitions_walk_the_same_way(name: str, data: st.DataObject) -> None:
    """Ours is `transitions` with less to call: no walk tells the two apart."""
    declaration, stands, events = DECLARED[name]
    state = data.draw(st.sampled_from(declaration.states))
    run = Run(declaration, data.draw(stands(state)))
    run.state = state
    plain = Plain(declaration, run.state, run.data)

    for _ in range(data.draw(st.integers(1, 8))):
        event = data.draw(events(run.data))
        ours = outcome(declaration, run.state, run.data, event)
        assert plain.hear(event) == ours
        if isinstance(ours, Step):
            run.state, run.data = ours.state, ours.data
        assert (plain.machine.get_model_state(plain).value, plain.data) == (
            run.state,
            run.data,
        )


@pytest.mark.parametrize("name", DECLARED)
@settings(max_examples=10)
@given(data=st.data())
def test_shared_machine_never_registers_models(name: str, data: st.DataObject) -> None:
    """Stepping leaves nothing behind in the machine which all runs share."""
    declaration, stands, events = DECLARED[name]
    state = data.draw(st.sampled_from(declaration.states))
    before = data.draw(stands(state))

    outcome(declaration, state, before, data.draw(events(before)))

    assert declaration._shared.models == []
    assert declaration._shared is declaration._shared
