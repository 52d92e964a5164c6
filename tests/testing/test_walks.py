"""Whole rooms: they hold without faults of ours, and planted ones are found."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import engine
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.testing.looking import LOOKS, found, narrowed, walked
from tests.testing.planted import FAULTS, Fault
from utd_stream.models.rooms import SeatMode
from utd_stream.testing.rooms import AudioRoomMachine, FaultyAudioRoomMachine

# `make props` asks for more.
_IS_THOROUGH = settings().max_examples > 1_000
_EXAMPLES = 5_000 if _IS_THOROUGH else 500

# A room without faults, and one through any fault, hold every law.
TestRoom = AudioRoomMachine.TestCase
TestRoom.settings = settings(TestRoom.settings, max_examples=100)
TestFaultyRoom = FaultyAudioRoomMachine.TestCase
TestFaultyRoom.settings = settings(
    TestFaultyRoom.settings, max_examples=_EXAMPLES, stateful_step_count=30
)


class NarrowRoom(FaultyAudioRoomMachine):
    """A room of two, for walks that look for one fault."""

    people = ("ana", "ben")

    @rule(who=st.sampled_from(people))
    def come_back(self, who: str) -> None:
        """Enter anew and sit down."""
        self.crowd.join(who)
        self.crowd.sim.advance(0.2)
        self.crowd.ask(who, "take_seat", lambda session: session.take_seat(1))
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


class CalmRoom(NarrowRoom):
    """The same without a fault, so that whoever wants to be heard must be."""

    quiet_laws = AudioRoomMachine.quiet_laws


def room_of(fault: Fault) -> type[RuleBasedStateMachine]:
    """Return the room in which a walk looks for *fault*."""
    return narrowed(CalmRoom if fault.is_calm else NarrowRoom, fault.steps)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk finds it, and shrinks it to a script that a person can read and run."""
    fault = FAULTS[name]
    fault.plant(monkeypatch)
    # A script that was made shorter for this long is short enough to be read.
    monkeypatch.setattr(engine, "MAX_SHRINKING_SECONDS", 20)

    script = found(room_of(fault), fault.found, fault.within)

    # On a busy machine that time may be over before all is tried.
    assert 1 <= len(script) <= 12, "\n".join(script)


@pytest.mark.parametrize("name", FAULTS)
def test_what_finds_a_fault_is_silent_without_it(name: str) -> None:
    """The same walk breaks no law where nothing was planted."""
    fault = FAULTS[name]

    walked(room_of(fault), settings(LOOKS, max_examples=20))


def test_many_of_one_name_come_in_one_by_one() -> None:
    """Joins that push each other out while they come in are waited for."""
    room = NarrowRoom()
    room.open(seed=0, mode=SeatMode.FREE, guests=0, host_sits=False)
    for _ in range(7):
        room.join("ana")
    room.fall_quiet()

    assert len(room.crowd.everybody) == 8
    room.teardown()


def test_a_failure_tells_what_happened() -> None:
    """A sentence for each law, and the newest lines of the log, short ones."""

    class Wrong(AudioRoomMachine):
        def quiet_laws(self) -> Iterator[str]:
            yield "pigs fly"

    room = Wrong()
    room.open(seed=0, mode=SeatMode.FREE, guests=1, host_sits=False)
    room.take_seat("ana", 1, 0.1)
    with pytest.raises(AssertionError, match="pigs fly") as error:
        room.teardown()

    (told,) = error.value.__notes__
    lines = told.splitlines()
    assert re.fullmatch(r"fact log, newest 40 of \d+ lines, shortened:", lines[0])
    assert (
        "00:00:02.005 ana in lounge: Changed(version=11, fields={occupancy=spe" in told
    )
    assert "grid=rev 2 of [-, ana, -]" in told
    assert "MembersListed" not in told
    assert max(map(len, lines)) <= 150
