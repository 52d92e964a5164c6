"""How a walk looks for a planted fault, and what it prints when it finds it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from utd_stream.engine.rules import commands
from utd_stream.models.rooms import DisconnectReason, SeatMode

__all__ = ["LOOKS", "found", "narrowed", "walked"]

# Walks of a few steps, until something is found.
LOOKS = settings(
    max_examples=2_000,
    stateful_step_count=12,
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=(
        *(HealthCheck.too_slow, HealthCheck.filter_too_much),
        HealthCheck.data_too_large,
    ),
)
# How Hypothesis marks a rule.
_RULE = "hypothesis_stateful_rule"
# What a script may name.
_NAMES = {**vars(commands), "DisconnectReason": DisconnectReason, "SeatMode": SeatMode}


def narrowed(
    machine: type[RuleBasedStateMachine], steps: Collection[str]
) -> type[RuleBasedStateMachine]:
    """Return a machine of which nothing but *steps* happens; the rest costs time."""
    others = {
        name: _unmarked(step)
        for name, step in inspect.getmembers(machine, inspect.isfunction)
        if hasattr(step, _RULE) and name not in steps
    }
    assert set(steps) <= set(dir(machine))
    return type(machine.__name__, (machine,), others)


def _unmarked(step: Callable[..., object]) -> Callable[..., object]:
    def plain(*args: Any, **named: Any) -> object:
        return step(*args, **named)

    return plain


def walked(machine: type[RuleBasedStateMachine], looks: settings = LOOKS) -> None:
    """Let it walk."""
    run_state_machine_as_test(machine, settings=looks)


def found(
    machine: type[RuleBasedStateMachine], law: str, looks: settings = LOOKS
) -> list[str]:
    """The steps of the shortest script that breaks a law; it can be run as printed.

    What every script has, its opening, its laws and its end, is not counted.
    """
    with pytest.raises(AssertionError, match=law) as error:
        walked(machine, looks)
    printed = "\n".join(error.value.__notes__)
    script = re.findall(r"^state\b.*$", printed, re.MULTILINE)
    names: dict[str, Any] = {**_NAMES, machine.__name__: machine}
    try:
        with pytest.raises(AssertionError, match=law):
            exec("\n".join(script), names)  # noqa: S102 -- as printed
    finally:
        names["state"].teardown()  # it failed before it came to that
    return [line for line in script if re.match(_STEP, line)]


_STEP = r"state\.(?!open\(|holds_now\(|teardown\()"
