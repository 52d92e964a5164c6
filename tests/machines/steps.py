"""Every step of a machine, and what one event does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any, Final

import attrs

from tests.machines.laws import AnyMachine
from utd_stream.errors import InvalidTransitionError, RefusedError
from utd_stream.machines import Run, Step

INVALID: Final = InvalidTransitionError.code


def outcome(machine: AnyMachine, state: Enum, data: Any, event: object) -> Any:
    """Return the step which *event* makes, or the code of the error."""
    try:
        return machine.step(state, data, event)
    except (InvalidTransitionError, RefusedError) as error:
        return error.code


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
