"""Tables read a second time, line by line, beside what the code declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, Final, TypeAlias

import attrs

from tests.machines.laws import AnyMachine
from utd_stream.errors import InvalidTransitionError, RefusedError
from utd_stream.machines import Run, Step

INVALID: Final = InvalidTransitionError.code
SAME: Final = "same"

Changes: TypeAlias = Mapping[str, Any]  # what some fields of the data are


@attrs.frozen
class Line:
    """What one event does in each of some states.

    Attributes:
        states: Where it comes.
        event: The event.
        then: The state after it, `SAME`, or the code of a refusal.
        effects: What it asks for.
        given: What the data are before, where it matters.
        changes: What becomes of them.
    """

    states: tuple[Enum, ...]
    event: object
    then: Enum | str
    effects: tuple[object, ...] = ()
    given: Changes = attrs.field(factory=dict)
    changes: Changes = attrs.field(factory=dict)


def on(
    states: Enum | tuple[Enum, ...],
    event: object,
    then: Enum | str = SAME,
    /,
    *effects: object,
    given: Changes | None = None,
    **changes: Any,
) -> Line:
    """Return the line: in *states* on *event* go to *then*."""
    states = states if isinstance(states, tuple) else (states,)
    return Line(states, event, then, effects, given or {}, changes)


def outcome(machine: AnyMachine, state: Enum, data: Any, event: object) -> Any:
    """Return the step which *event* makes, or the code of the error."""
    try:
        return machine.step(state, data, event)
    except (InvalidTransitionError, RefusedError) as error:
        return error.code


def check_reading(
    machine: AnyMachine, lines: Iterable[Line], data: Mapping[Any, Any]
) -> None:
    """Each line happens as it is read, and what no line names is invalid.

    Args:
        machine: The machine.
        lines: The reading; each class of event is in some line.
        data: What the machine remembers in each state, where no line says more.
    """
    lines = tuple(lines)
    for line in lines:
        for state in line.states:
            before = attrs.evolve(data[state], **line.given)
            expected = _expected(line, state, before)
            got = outcome(machine, state, before, line.event)
            assert got == expected, f"{state.name} on {line.event}: {got}"

    read = {(state, type(line.event)) for line in lines for state in line.states}
    examples = {type(line.event): line.event for line in lines}
    for state in machine.states:
        for kind, event in examples.items():
            if (state, kind) not in read:
                got = outcome(machine, state, data[state], event)
                assert got == INVALID, f"{state.name} on {event}: {got}"


def _expected(line: Line, state: Enum, before: Any) -> Any:
    if isinstance(line.then, str) and line.then != SAME:
        return line.then
    after = state if isinstance(line.then, str) else line.then
    return Step(after, attrs.evolve(before, **line.changes), line.effects)


@attrs.frozen
class Seen:
    """One step that was taken while every path was walked."""

    state: Any
    data: Any
    event: Any
    step: Step[Any, Any, Any]

    @property
    def moved(self) -> bool:
        """Whether the state changed."""
        return self.state is not self.step.state


def every_step(
    machine: AnyMachine,
    data: Any,
    events: Callable[[Any], Iterable[object]],
    *,
    within: Callable[[Any], bool] | None = None,
    alike: Callable[[Any], Any] | None = None,
) -> Iterator[Seen]:
    """Yield each step that can be taken on any path from the beginning.

    Args:
        machine: The machine.
        data: What it remembers at the beginning.
        events: What it may hear, given what it remembers.
        within: Whether paths are followed beyond these data; counters make
            them endless.
        alike: Returns the data that stand for these, such as with other counters;
            paths are followed beyond one of those that are alike.
    """
    known, frontier = {(machine.initial, data)}, [(machine.initial, data)]
    while frontier:
        state, before = frontier.pop()
        for event in events(before):
            step = outcome(machine, state, before, event)
            if isinstance(step, Step):
                yield Seen(state, before, event, step)
                after = (step.state, alike(step.data) if alike else step.data)
                if after not in known and (within is None or within(step.data)):
                    known.add(after)
                    frontier.append(after)


def fired(run: Run[Any, Any, Any, Any], event: object) -> tuple[Any, ...] | None:
    """Return what *event* asked for, or None when it was not taken.

    An event that is not taken changes nothing.
    """
    before = run.state, run.data
    try:
        return run.fire(event)
    except (InvalidTransitionError, RefusedError):
        assert (run.state, run.data) == before
        return None
