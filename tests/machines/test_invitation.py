"""The invitation machine keeps the laws of its docstring."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

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
from utd_stream.machines import INVITATION, Run, invitation
from utd_stream.machines.invitation import (
    Accept,
    Decline,
    InvitationData,
    InvitationEffect,
    InvitationEvent,
    InvitationExpired,
    InvitationState,
    InviteeGone,
    InviteeSeated,
    ReleaseSeat,
    SeatDropped,
    SeatInvitee,
)
from utd_stream.testing.strategies import NOON, invitation_data, invitation_events

PENDING, ACCEPTED, DECLINED, EXPIRED, WITHDRAWN = InvitationState
OVER = (ACCEPTED, DECLINED, EXPIRED, WITHDRAWN)

VOCABULARY = Vocabulary(
    events=InvitationEvent,
    effects=InvitationEffect,
    commands=frozenset({Accept, Decline}),
    final=frozenset(OVER),
)

HOLDING = InvitationData(
    identity="ann",
    seat_index=1,
    created_at=NOON,
    expires_at=NOON + timedelta(seconds=60),
)
LOOSE = attrs.evolve(HOLDING, seat_index=None)
STANDS = dict.fromkeys(InvitationState, HOLDING)
NO_SEAT: Changes = {"seat_index": None}

READING = (
    on(PENDING, Accept(1), ACCEPTED, SeatInvitee("ann", 1)),
    on(PENDING, Accept(0), ACCEPTED, SeatInvitee("ann", 0), given=NO_SEAT),
    on(PENDING, Accept(None), "conflict"),
    on(PENDING, Accept(None), "conflict", given=NO_SEAT),
    on(PENDING, Decline(), DECLINED, ReleaseSeat(1)),
    on(PENDING, Decline(), DECLINED, given=NO_SEAT),
    on(PENDING, InvitationExpired(), EXPIRED, ReleaseSeat(1)),
    on(PENDING, InvitationExpired(), EXPIRED, given=NO_SEAT),
    on(PENDING, InviteeSeated(1), ACCEPTED),
    on(PENDING, InviteeSeated(0), WITHDRAWN, ReleaseSeat(1)),
    on(PENDING, InviteeSeated(0), WITHDRAWN, given=NO_SEAT),
    on(PENDING, InviteeGone(), WITHDRAWN, ReleaseSeat(1)),
    on(PENDING, InviteeGone(), WITHDRAWN, given=NO_SEAT),
    # The seat itself is gone; it cannot be opened any more.
    on(PENDING, SeatDropped(), WITHDRAWN),
    on(OVER, Accept(1), "settled"),
    on(OVER, Accept(None), "settled"),
    on(OVER, Decline()),
    on(OVER, InvitationExpired()),
    on(OVER, InviteeSeated(1)),
    on(OVER, InviteeSeated(0)),
    on(OVER, InviteeGone()),
    on(OVER, SeatDropped()),
)

FACTS: tuple[InvitationEvent, ...] = (
    *(InviteeSeated(0), InviteeSeated(1), InviteeGone()),
    *(SeatDropped(), InvitationExpired()),
)


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return INVITATION


def everything(data: InvitationData) -> tuple[InvitationEvent, ...]:
    """Return whatever an invitation with or without a seat may hear."""
    accepts = (Accept(0),) if data.seat_index is None else (Accept(1), Accept(None))
    return (*accepts, *FACTS, Decline())


def every_invitation_step(machine: AnyMachine) -> Iterator[Seen]:
    """Each step of an invitation with a seat held and of one without."""
    for data in (HOLDING, LOOSE):
        yield from every_step(machine, data, everything)


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_table_reads_as_agreed(machine: AnyMachine) -> None:
    """Each row does what a person says it does, and there is no other."""
    check_reading(machine, READING, STANDS)


def test_settles_once(machine: AnyMachine) -> None:
    """Any end is the last one; a later acceptance hears that it is settled."""
    ends = {seen.step.state for seen in every_invitation_step(machine) if seen.moved}
    assert ends == set(OVER)

    for state in OVER:
        for accept in (Accept(1), Accept(None)):
            assert outcome(machine, state, HOLDING, accept) == "settled"


def test_a_held_seat_is_given_back(machine: AnyMachine) -> None:
    """Who ends it without sitting on the held seat opens that seat."""
    for seen in every_invitation_step(machine):
        if not seen.moved:
            assert seen.step.effects == ()
            continue
        sits = isinstance(seen.event, Accept) or seen.event == InviteeSeated(1)
        dropped = isinstance(seen.event, SeatDropped)
        opens = seen.data.seat_index is not None and not sits and not dropped
        assert (ReleaseSeat(1) in seen.step.effects) == opens


def test_acceptance_seats(machine: AnyMachine) -> None:
    """Who accepts is seated; nobody else is."""
    for seen in every_invitation_step(machine):
        asked = any(isinstance(effect, SeatInvitee) for effect in seen.step.effects)
        assert asked == isinstance(seen.event, Accept)
        if asked:
            assert seen.step.state is ACCEPTED


def test_sitting_on_its_seat_accepts_it(machine: AnyMachine) -> None:
    """Taking the seat that is held accepts; taking another one withdraws."""
    for seen in every_invitation_step(machine):
        if isinstance(seen.event, InviteeSeated) and seen.moved:
            theirs = seen.event.seat_index == seen.data.seat_index
            assert seen.step.state is (ACCEPTED if theirs else WITHDRAWN)


def test_late_facts_change_nothing(machine: AnyMachine) -> None:
    """What is told about a settled invitation leaves it as it is."""
    for state in OVER:
        for event in (*FACTS, Decline()):
            step = outcome(machine, state, HOLDING, event)
            assert (step.state, step.data, step.effects) == (state, HOLDING, ())


class InvitationWalk(RuleBasedStateMachine):
    """Any sequence of events keeps the laws."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(INVITATION, LOOSE)
        self.ended: InvitationState | None = None
        self.asked: list[InvitationEffect] = []
        self.last: InvitationEvent | None = None

    @initialize(data=invitation_data())
    def begin(self, data: InvitationData) -> None:
        """Begin with a seat or without."""
        self.run = Run(INVITATION, data)

    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        """Take the event and remember the first end and what it asked for."""
        event = data.draw(invitation_events(self.run.data))
        self.asked += fired(self.run, event) or ()
        if self.ended is None and self.run.state is not PENDING:
            self.ended, self.last = self.run.state, event

    @invariant()
    def settles_once(self) -> None:
        """Law 1: the first end stays."""
        assert self.ended in {None, self.run.state}

    @invariant()
    def a_held_seat_is_given_back(self) -> None:
        """Law 2: once, unless the invitee sits on it or it is gone."""
        held = self.run.data.seat_index
        kept = self.run.state in {PENDING, ACCEPTED} or self.last == SeatDropped()
        released = [effect for effect in self.asked if isinstance(effect, ReleaseSeat)]
        assert released == ([] if held is None or kept else [ReleaseSeat(held)])

    @invariant()
    def acceptance_seats(self) -> None:
        """Who said yes is seated, once."""
        seated = [effect for effect in self.asked if isinstance(effect, SeatInvitee)]
        assert len(seated) == isinstance(self.last, Accept)


TestInvitationWalk = InvitationWalk.TestCase


def test_each_law_has_a_test() -> None:
    """The docstring's laws and the tests carry the same names."""
    check_names(invitation, globals())
