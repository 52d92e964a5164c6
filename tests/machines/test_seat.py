"""The seat machine keeps the laws of its docstring."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

import pytest
from hypothesis import given
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

# Events that do not come in every state: the grid asks for them where they fit.
WHERE: dict[type, tuple[SeatState, ...]] = {
    **dict.fromkeys((Vacated, MovedAway, Replaced, Absent, Present), (TAKEN,)),
    Released: (FREE, RESERVED, TAKEN),
}

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


@lru_cache(maxsize=1)
def every_seat_step(machine: AnyMachine) -> tuple[Seen, ...]:
    """Return each step of two people around one seat, at two moments."""
    return tuple(every_step(machine, SeatData(), lambda _: EVERYTHING))


def refusal(state: SeatState, data: SeatData, event: SeatEvent) -> str | None:
    """Return the code with which a seat refuses *event*, if it does."""
    match event:
        case Take(occupant) if state is TAKEN and occupant == data.occupant:
            return None
        case Take(mode_allows=False) if state is FREE:
            return "forbidden"
        case Take(guest) | Seated(guest) if guest == data.reserved_for:
            return None
        case Take() | Seated() | Reserve() if state is not FREE:
            return "seat_locked" if state is LOCKED else "seat_taken"
        case Lock() | Kick() if state is RESERVED:
            return "seat_taken"
        case _:
            return None


def keeps_occupied_iff_taken(state: SeatState, data: SeatData) -> bool:
    """Return whether law 1 holds; an occupant has a time, and may be absent."""
    sits = (data.occupant is not None, data.since is not None)
    taken = state is TAKEN
    return sits == (taken, taken) and (taken or data.absent_since is None)


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_occupied_iff_taken(machine: AnyMachine) -> None:
    """A seat has an occupant exactly while it is taken."""
    for seen in every_seat_step(machine):
        assert keeps_occupied_iff_taken(seen.step.state, seen.step.data)


def test_reserved_iff_reserved_for(machine: AnyMachine) -> None:
    """A seat names an invited person exactly while it is reserved."""
    for seen in every_seat_step(machine):
        waits = seen.step.data.reserved_for is not None
        assert waits == (seen.step.state is RESERVED)


def test_every_grant_is_revoked(machine: AnyMachine) -> None:
    """A newcomer is granted; a former occupant is revoked, or sits elsewhere."""
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
    """Only the invited person sits down on a reserved seat."""
    sat = [
        seen.step.data.occupant == seen.data.reserved_for
        for seen in every_seat_step(machine)
        if seen.data.reserved_for is not None and seen.step.data.occupant is not None
    ]

    assert sat
    assert all(sat)


def test_grace_frees_the_absent_only(machine: AnyMachine) -> None:
    """The end of a grace unseats an occupant who was absent for all of it."""
    for seen in every_seat_step(machine):
        if isinstance(seen.event, GraceOver):
            since = seen.data.absent_since
            overdue = since is not None and seen.event.at - since >= LATER - NOON
            theirs = seen.event.identity == seen.data.occupant
            assert seen.moved == (overdue and theirs)


def test_absence_counts_from_its_beginning(machine: AnyMachine) -> None:
    """An absence lasts from its first report until Present or the next occupant."""
    for seen in every_seat_step(machine):
        expected = seen.data.absent_since
        if isinstance(seen.event, Absent):
            expected = expected or seen.event.at
        elif isinstance(seen.event, Present | Replaced) or seen.moved:
            expected = None
        assert seen.step.data.absent_since == expected


def test_mute_outlives_the_occupant(machine: AnyMachine) -> None:
    """A mute begins with Mute and ends with Unmute or Dropped only."""
    for seen in every_seat_step(machine):
        now = seen.data.muted
        if isinstance(seen.event, Unmute | Dropped):
            now = False
        elif isinstance(seen.event, Mute):
            now = True
        assert seen.step.data.muted == now


def test_newcomer_is_the_occupant(machine: AnyMachine) -> None:
    """Whoever sits down or is seated is the occupant from then on."""
    for seen in every_seat_step(machine):
        sits, since = seen.step.data.occupant, seen.step.data.since
        match seen.event:
            case Take(identity, at) | Seated(identity, at) if seen.moved:
                assert (sits, since) == (identity, at)
            case Replaced(identity, at):
                assert (sits, since) == (identity, at)
            case _ if seen.step.state is TAKEN:
                assert (sits, since) == (seen.data.occupant, seen.data.since)
            case _:
                assert (sits, since) == (None, None)


def test_refusals_say_why(machine: AnyMachine) -> None:
    """A locked, taken or reserved seat refuses with its code; the mode forbids."""
    check_where_taken(machine, WHERE)
    stands = {(seen.step.state, seen.step.data) for seen in every_seat_step(machine)}
    for state, data in stands:
        for event in EVERYTHING:
            if state in WHERE.get(type(event), SeatState):
                got = outcome(machine, state, data, event)
                code = refusal(state, data, event)
                assert isinstance(got, Step) if code is None else got == code


def test_lock_outlives_all_but_unlock(machine: AnyMachine) -> None:
    """An empty seat is locked exactly from Lock until Unlock or Dropped."""
    for seen in every_seat_step(machine):
        locked = seen.state is LOCKED and not isinstance(seen.event, Unlock | Dropped)
        if seen.step.state in {FREE, LOCKED}:
            assert (seen.step.state is LOCKED) == (
                locked or isinstance(seen.event, Lock)
            )
        else:
            assert not locked


def test_emptied_seat_is_empty(machine: AnyMachine) -> None:
    """An occupant who is kicked, locked out, gone or moved sits here no longer."""
    leaves = (Kick, Lock, Vacated, MovedAway, Dropped)
    for seen in every_seat_step(machine):
        if isinstance(seen.event, leaves):
            assert seen.step.state in {FREE, LOCKED}
        elif isinstance(seen.event, Reserve):
            assert seen.step.data.reserved_for == seen.event.identity
        elif isinstance(seen.event, Released):
            assert seen.step.state is not RESERVED


def test_mute_is_written_at_once(machine: AnyMachine) -> None:
    """Muting a seat rewrites the right of its occupant."""
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
        """Take the event, and note who has a right because of this seat."""
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
        """Law 3: the occupant alone has a right because of this seat."""
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
