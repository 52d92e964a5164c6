"""Whole rooms: they hold without faults of ours, and planted ones are found."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import engine
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.testing.looking import LOOKS, found, narrowed, walked
from tests.testing.planted import FAULTS, Fault
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.models.rooms import SeatMode
from utd_stream.testing.rooms import AudioRoomMachine, FaultyAudioRoomMachine

# `make props` asks for more.
_IS_THOROUGH = settings().max_examples > 1_000
_EXAMPLES = 5_000 if _IS_THOROUGH else 500

# For a planted fault.  Of the examples a tenth, the first ones, are as small as can
# be and find little, so there are few in all.
_STEPS = 8
_SHORT = settings(LOOKS, max_examples=200, stateful_step_count=_STEPS)

# A room without faults, and one through any fault, hold every law.
TestRoom = AudioRoomMachine.TestCase
TestRoom.settings = settings(TestRoom.settings, max_examples=100)
TestFaultyRoom = FaultyAudioRoomMachine.TestCase
TestFaultyRoom.settings = settings(
    TestFaultyRoom.settings, max_examples=_EXAMPLES, stateful_step_count=30
)


class NarrowRoom(FaultyAudioRoomMachine):
    """A small room of two, for walks that look for one fault.

    Both are there, and the host sits: what a walk need not choose it finds sooner.
    """

    people = ("ana", "ben")
    seat_count = 2

    @initialize(seed=st.integers(0, 7))
    def open(
        self,
        seed: int,
        mode: SeatMode = SeatMode.FREE,
        guests: int = 1,
        *,
        host_sits: bool = True,
    ) -> None:
        """Open it."""
        super().open(seed, mode, guests, host_sits=host_sits)

    @rule(pause=st.sampled_from((0.2, 3.0)))
    def wait(self, pause: float) -> None:
        """Let what is under way come, or a short grace pass."""
        super().wait(pause)

    @rule(locked=st.booleans())
    def lock_seat(
        self,
        who: str = "ana",
        index: int = 1,
        *,
        locked: bool,
        then: float | None = None,
    ) -> None:
        """Let the host close the free seat, or open it, and wait for no answer."""
        super().lock_seat(who, index, locked=locked, then=then)

    @rule()
    def ask_first(self) -> None:
        """Let nobody sit down who has not asked."""
        self.setup_seats("ana", self.seat_count, SeatMode.REQUEST, 0.1)

    @rule(index=st.integers(0, seat_count - 1))
    def forge(self, who: str = "ben", index: int = 0) -> None:
        """Let the guest pose as the engine."""
        super().forge(who, index)

    @rule()
    def kick(
        self, who: str = "ana", whom: str = "ben", then: float | None = 0.0
    ) -> None:
        """Let the host remove the guest."""
        super().kick(who, whom, then)

    @rule()
    def come_back(self) -> None:
        """Let the guest enter anew and sit down."""
        self.crowd.join("ben")
        self.crowd.sim.advance(0.2)
        self.ask("ben", "take_seat", lambda session: session.take_seat(1), 1.0)

    @rule(index=st.integers(0, seat_count - 1))
    def flip(self, index: int) -> None:
        """Mute a seat, or unmute it."""

        async def _flip(session: UTDAudioRoomSession) -> None:
            is_muted = session.snapshot.value.grid.seats[index].muted
            await (session.unmute_seat if is_muted else session.mute_seat)(index)

        self.ask("ana", "flip", _flip, 0.1)

    @rule()
    def slow(self) -> None:
        """Let the SFU take its time over what the engine asks of it."""
        self.crowd.sim.world.sfu.delay = 0.3

    @rule()
    def lag(self) -> None:
        """Let the engine hear late of departures."""
        webhooks = self.crowd.sim.world.webhooks
        webhooks.delay(1.0, lambda notice: notice.event == "participant_left")


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
    # What is found is short as it is: nobody waits longer for a shorter one.
    monkeypatch.setattr(engine, "MAX_SHRINKING_SECONDS", 20)

    script = found(room_of(fault), fault.found, _SHORT)

    assert 1 <= len(script) < _STEPS, "\n".join(script)


@pytest.mark.parametrize("name", FAULTS)
def test_what_finds_a_fault_is_silent_without_it(name: str) -> None:
    """The same walk breaks no law where nothing was planted."""
    fault = FAULTS[name]

    walked(room_of(fault), settings(_SHORT, max_examples=60))


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
        "00:00:02.005 ana in lounge: Changed(version=12, fields={occupancy=spe" in told
    )
    assert "grid=rev 2 of [-, ana, -]" in told
    assert "MembersListed" not in told
    assert max(map(len, lines)) <= 150
