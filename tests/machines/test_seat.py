"""The seat machine keeps the laws of its docstring."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.machines.laws import AnyMachine, Vocabulary, check_names, check_table
from tests.machines.reading import (
    Changes,
    Seen,
    check_reading,
    every_step,
    fired,
    on,
    outcome,
)
from utd_stream.machines import SEAT, Run, Step, seat
from utd_stream.machines.seat import (
    Absent,
    Dropped,
    GraceOver,
    Grant,
    Kick,
    Lock,
    MovedAway,
    Mute,
    Present,
    Reassert,
    Released,
    Replaced,
    Reserve,
    Revoke,
    SeatData,
    Seated,
    SeatEffect,
    SeatEvent,
    SeatState,
    Take,
    Unlock,
    Unmute,
    Vacated,
)
from utd_stream.testing.strategies import NOON, seat_data, seat_events

FREE, RESERVED, TAKEN, LOCKED = SeatState
GRACE = 15.0
LATER = NOON + timedelta(seconds=GRACE)
TOO_SOON = LATER - timedelta(microseconds=1)

VOCABULARY = Vocabulary(
    events=SeatEvent,
    effects=SeatEffect,
    commands=frozenset({Take, Reserve, Kick, Lock, Unlock, Mute, Unmute}),
)

# Ann sits on a seat that is taken, and a seat that is reserved waits for her.
STANDS = {
    FREE: SeatData(),
    RESERVED: SeatData(reserved_for="ann"),
    TAKEN: SeatData(occupant="ann", since=NOON),
    LOCKED: SeatData(),
}
GONE: Changes = {"occupant": None, "since": None}
MUTED: Changes = {"muted": True}
AWAY: Changes = {"absent_since": NOON}

UNASKED = Take("ann", LATER, mode_allows=False)
BOB_SITS: Changes = {"occupant": "bob", "since": LATER}
ANN_SITS: Changes = {"occupant": "ann", "since": LATER, "reserved_for": None}

READING = (
    on(FREE, Take("bob", LATER), TAKEN, Grant("bob"), **BOB_SITS),
    on(FREE, Take("bob", LATER, mode_allows=False), "forbidden"),
    on(FREE, Seated("bob", LATER), TAKEN, Grant("bob"), **BOB_SITS),
    on(FREE, Reserve("bob"), RESERVED, reserved_for="bob"),
    on(FREE, Lock(), LOCKED),
    on(FREE, Unlock(), FREE),
    on(FREE, Kick(), FREE),
    on(FREE, Released(), FREE),
    on(FREE, Dropped(), FREE, given=MUTED, muted=False),
    on(FREE, GraceOver("ann", LATER, GRACE), FREE),
    # Who is waited for sits down whatever the mode says; nobody else does.
    on(RESERVED, Take("ann", LATER), TAKEN, Grant("ann"), **ANN_SITS),
    on(
        RESERVED, Take("ann", LATER, mode_allows=False), TAKEN, Grant("ann"), **ANN_SITS
    ),
    on(RESERVED, Seated("ann", LATER), TAKEN, Grant("ann"), **ANN_SITS),
    on(RESERVED, Take("bob", LATER), "seat_taken"),
    on(RESERVED, Seated("bob", LATER), "seat_taken"),
    on(RESERVED, Lock(), "seat_taken"),
    on(RESERVED, Kick(), "seat_taken"),
    on(RESERVED, Reserve("ann"), "seat_taken"),
    on(RESERVED, Released(), FREE, given=MUTED, reserved_for=None),
    on(RESERVED, Dropped(), FREE, given=MUTED, reserved_for=None, muted=False),
    on(RESERVED, Unlock(), RESERVED),
    on(RESERVED, GraceOver("ann", LATER, GRACE), RESERVED),
    on(TAKEN, Take("bob", LATER), "seat_taken"),
    # Who sits there has what is asked for, whatever the mode says.
    on(TAKEN, Take("ann", LATER), TAKEN, given=MUTED),
    on(TAKEN, UNASKED, TAKEN, given=AWAY),
    on(TAKEN, Seated("bob", LATER), "seat_taken"),
    on(TAKEN, Reserve("bob"), "seat_taken"),
    on(TAKEN, Kick(), FREE, Revoke("ann"), given=MUTED, **GONE),
    on(TAKEN, Vacated(), FREE, Revoke("ann"), given=MUTED, **GONE),
    on(TAKEN, Dropped(), FREE, Revoke("ann"), given=MUTED, **GONE, muted=False),
    on(TAKEN, MovedAway(), FREE, given=MUTED, **GONE),
    on(TAKEN, Replaced("bob", LATER), TAKEN, Grant("bob"), given=MUTED, **BOB_SITS),
    on(TAKEN, Lock(), LOCKED, Revoke("ann"), given=MUTED, **GONE),
    on(TAKEN, Unlock(), TAKEN),
    on(TAKEN, Released(), TAKEN),
    on(TAKEN, Absent(LATER), TAKEN, absent_since=LATER),
    on(TAKEN, Absent(LATER), TAKEN, given=AWAY),
    on(TAKEN, Present(), TAKEN, Reassert("ann"), given=AWAY, absent_since=None),
    on(
        *(TAKEN, GraceOver("ann", LATER, GRACE), FREE, Revoke("ann")),
        given={**AWAY, **MUTED},
        **GONE,
        absent_since=None,
    ),
    on(TAKEN, GraceOver("ann", TOO_SOON, GRACE), TAKEN, given=AWAY),
    on(TAKEN, GraceOver("bob", LATER, GRACE), TAKEN, given=AWAY),
    on(TAKEN, GraceOver("ann", LATER, GRACE), TAKEN),
    on(LOCKED, Take("ann", LATER), "seat_locked"),
    on(LOCKED, Seated("ann", LATER), "seat_locked"),
    on(LOCKED, Reserve("ann"), "seat_locked"),
    on(LOCKED, Unlock(), FREE),
    on(LOCKED, Dropped(), FREE, given=MUTED, muted=False),
    on(LOCKED, Lock(), LOCKED),
    on(LOCKED, Kick(), LOCKED),
    on(LOCKED, GraceOver("ann", LATER, GRACE), LOCKED),
    on(TAKEN, Mute(), TAKEN, Grant("ann"), muted=True),
    on(TAKEN, Unmute(), TAKEN, Grant("ann"), given=MUTED, muted=False),
    on((FREE, RESERVED, LOCKED), Mute(), muted=True),
    on((FREE, RESERVED, LOCKED), Unmute(), given=MUTED, muted=False),
)

EVERYTHING: tuple[SeatEvent, ...] = (
    *(Take(who, NOON, mode) for who in ("ann", "bob") for mode in (True, False)),
    *(Seated(who, NOON) for who in ("ann", "bob")),
    *(Reserve(who) for who in ("ann", "bob")),
    *(Replaced(who, NOON) for who in ("ann", "bob")),
    *(GraceOver(who, at, GRACE) for who in ("ann", "bob") for at in (TOO_SOON, LATER)),
    *(Absent(at) for at in (NOON, LATER)),
    *(Kick(), Lock(), Unlock(), Mute(), Unmute(), Vacated(), MovedAway()),
    *(Released(), Dropped(), Present()),
)


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return SEAT


def every_seat_step(machine: AnyMachine) -> Iterator[Seen]:
    """Each step of two people around one seat, at two moments."""
    return every_step(machine, SeatData(), lambda _: EVERYTHING)


def keeps_occupied_iff_taken(state: SeatState, data: SeatData) -> bool:
    """Law 1; when somebody sits it is known since when, and only then absent."""
    sits = (data.occupant is not None, data.since is not None)
    taken = state is TAKEN
    return sits == (taken, taken) and (taken or data.absent_since is None)


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_table_reads_as_agreed(machine: AnyMachine) -> None:
    """Each row does what a person says it does, and there is no other."""
    check_reading(machine, READING, STANDS)


def test_occupied_iff_taken(machine: AnyMachine) -> None:
    """A seat has an occupant exactly while it is taken."""
    for seen in every_seat_step(machine):
        assert keeps_occupied_iff_taken(seen.step.state, seen.step.data)


def test_reserved_iff_reserved_for(machine: AnyMachine) -> None:
    """A seat names whom it waits for exactly while it is reserved."""
    for seen in every_seat_step(machine):
        waits = seen.step.data.reserved_for is not None
        assert waits == (seen.step.state is RESERVED)


def test_every_grant_is_revoked(machine: AnyMachine) -> None:
    """Who sits down is granted; who stands up is revoked, or sits elsewhere."""
    for seen in every_seat_step(machine):
        before, after = seen.data.occupant, seen.step.data.occupant
        stays_granted = isinstance(seen.event, MovedAway | Replaced)
        if after != before:
            assert (after is None) or Grant(after) in seen.step.effects
            revoked = Revoke(before) in seen.step.effects
            assert revoked == (before is not None and not stays_granted)
        else:
            assert not any(isinstance(e, Revoke) for e in seen.step.effects)


def test_reserved_seat_opens_to_one(machine: AnyMachine) -> None:
    """From a reserved seat only the one it waits for comes to sit."""
    sat = [
        seen.step.data.occupant == seen.data.reserved_for
        for seen in every_seat_step(machine)
        if seen.data.reserved_for is not None and seen.step.data.occupant is not None
    ]

    assert sat
    assert all(sat)


def test_grace_frees_the_absent_only(machine: AnyMachine) -> None:
    """The end of a grace unseats who was absent all the time, and nobody else."""
    for seen in every_seat_step(machine):
        if isinstance(seen.event, GraceOver):
            since = seen.data.absent_since
            overdue = since is not None and seen.event.at - since >= LATER - NOON
            theirs = seen.event.identity == seen.data.occupant
            assert seen.moved == (overdue and theirs)


def test_absence_counts_from_its_beginning(machine: AnyMachine) -> None:
    """Telling an absence twice does not prolong it."""
    for seen in every_seat_step(machine):
        if isinstance(seen.event, Absent) and seen.data.absent_since is not None:
            assert seen.step.data.absent_since == seen.data.absent_since


def test_mute_outlives_the_occupant(machine: AnyMachine) -> None:
    """A mute begins with Mute and ends with Unmute or Dropped, and not else."""
    for seen in every_seat_step(machine):
        now = seen.data.muted
        if isinstance(seen.event, Unmute | Dropped):
            now = False
        elif isinstance(seen.event, Mute):
            now = True
        assert seen.step.data.muted == now


def test_mute_is_written_at_once(machine: AnyMachine) -> None:
    """Muting a seat rewrites the right of whoever sits there."""
    for seen in every_seat_step(machine):
        if isinstance(seen.event, Mute | Unmute) and seen.data.occupant is not None:
            assert seen.step.effects == (Grant(seen.data.occupant),)


class SeatWalk(RuleBasedStateMachine):
    """Any sequence of events keeps the laws."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(SEAT, SeatData())
        self.granted: set[str] = set()

    @rule(event=seat_events())
    def hear(self, event: SeatEvent) -> None:
        """Take the event and keep the books about rights beside it."""
        occupant = self.run.data.occupant
        effects = fired(self.run, event)
        if effects is not None and isinstance(event, MovedAway | Replaced):
            self.granted.discard(occupant or "")
        for effect in effects or ():
            if isinstance(effect, Revoke):
                self.granted.remove(effect.identity)
            else:
                self.granted.add(effect.identity)

    @invariant()
    def occupied_iff_taken(self) -> None:
        """Law 1."""
        assert keeps_occupied_iff_taken(self.run.state, self.run.data)

    @invariant()
    def reserved_iff_reserved_for(self) -> None:
        """Law 2."""
        waits = self.run.data.reserved_for is not None
        assert waits == (self.run.state is RESERVED)

    @invariant()
    def every_grant_is_revoked(self) -> None:
        """Law 3: who has a right because of this seat sits on it."""
        sits = {self.run.data.occupant} if self.run.data.occupant else set()
        assert self.granted == sits


TestSeatWalk = SeatWalk.TestCase


@given(st.sampled_from(SeatState), st.data())
def test_fitting_data_stay_fitting(state: SeatState, data: st.DataObject) -> None:
    """The laws hold after any event if they held before it, however that came."""
    before = data.draw(seat_data(state))
    step = outcome(SEAT, state, before, data.draw(seat_events()))

    if isinstance(step, Step):
        assert keeps_occupied_iff_taken(step.state, step.data)
        assert (step.data.reserved_for is not None) == (step.state is RESERVED)


def test_each_law_has_a_test() -> None:
    """The docstring's laws and the tests carry the same names."""
    check_names(seat, globals())
