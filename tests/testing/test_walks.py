"""Whole rooms: they hold without faults of ours, and planted ones are found."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import engine
from hypothesis.stateful import (
    RuleBasedStateMachine,
    rule,
    run_state_machine_as_test,
)

from tests.testing.planted import FAULTS
from utd_stream.testing.rooms import AudioRoomMachine, FaultyAudioRoomMachine

# How Hypothesis marks a rule.
_RULE = "hypothesis_stateful_rule"
_EASY = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


# `make props` asks for more.
_IS_THOROUGH = settings().max_examples > 1_000
_EXAMPLES = 5_000 if _IS_THOROUGH else 500

# A room without faults, and one through any fault, hold every law.
TestRoom = AudioRoomMachine.TestCase
TestRoom.settings = settings(max_examples=100, suppress_health_check=_EASY)
TestFaultyRoom = FaultyAudioRoomMachine.TestCase
TestFaultyRoom.settings = settings(
    max_examples=_EXAMPLES, stateful_step_count=30, suppress_health_check=_EASY
)


class NarrowRoom(FaultyAudioRoomMachine):
    """A room of two, for walks that look for one fault."""

    people = ("ana", "ben")

    @rule(who=st.sampled_from(people))
    def come_back(self, who: str) -> None:
        """Enter anew and sit down."""
        self.crowd.join(who)
        self.crowd.sim.advance(0.2)
        self.crowd.ask(who, "take_seat", lambda session: session.take_seat(0))
        self.crowd.sim.advance(1)

    @rule()
    def slow(self) -> None:
        """Let the SFU take its time over what the engine asks of it."""
        self.crowd.sim.world.sfu.delay = 0.3

    @rule()
    def hold(self) -> None:
        """Keep webhooks back."""
        self.crowd.sim.world.webhooks.hold()

    @rule()
    def release(self) -> None:
        """Deliver them, the newest first."""
        webhooks = self.crowd.sim.world.webhooks
        self.crowd.begin("release", lambda: webhooks.release(reversed))


def narrowed(steps: frozenset[str]) -> type[RuleBasedStateMachine]:
    """Return a room in which nothing but *steps* happens."""
    others = [
        name
        for name in dir(NarrowRoom)
        if hasattr(getattr(NarrowRoom, name), _RULE) and name not in steps
    ]
    kept = {name: staticmethod(lambda: None) for name in others}
    return type("Room", (NarrowRoom,), kept)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk finds it, and shrinks it to a script that a person can read."""
    fault = FAULTS[name]
    fault.plant(monkeypatch)
    # A script that was made shorter for this long is short enough to be read.
    monkeypatch.setattr(engine, "MAX_SHRINKING_SECONDS", 20)
    looks = settings(
        max_examples=2_000,
        stateful_step_count=12,
        derandomize=True,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=_EASY,
    )

    with pytest.raises(AssertionError, match=fault.found) as found:
        run_state_machine_as_test(narrowed(fault.steps), settings=looks)

    script = [
        line
        for note in found.value.__notes__
        for line in note.splitlines()
        if re.match(r"state\.(?!holds_now|teardown)", line)
    ]
    assert 2 <= len(script) <= 10, "\n".join(script)


@pytest.mark.parametrize("name", FAULTS)
def test_what_finds_a_fault_is_silent_without_it(name: str) -> None:
    """The same walk breaks no law where nothing was planted."""
    looks = settings(
        max_examples=20,
        stateful_step_count=12,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=_EASY,
    )

    run_state_machine_as_test(narrowed(FAULTS[name].steps), settings=looks)
