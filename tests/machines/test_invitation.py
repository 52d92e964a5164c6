"""The invitation machine keeps the laws of its docstring."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.machines.laws import (
    AnyMachine,
    Vocabulary,
    check_names,
    check_table,
    check_where_taken,
)
from tests.machines.steps import Seen, every_step, fired, outcome
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
FACTS: tuple[InvitationEvent, ...] = (
    *(InviteeSeated(0), InviteeSeated(1), InviteeGone()),
    *(SeatDropped(), InvitationExpired()),
)


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return INVITATION


def everything(data: InvitationData) -> tuple[InvitationEvent, ...]:
    """Return every event of an invitation with or without a held seat."""
    accepts = (Accept(0),) if data.seat_index is None else (Accept(1), Accept(None))
    return (*accepts, *FACTS, Decline())


def every_invitation_step(machine: AnyMachine) -> Iterator[Seen]:
    """Yield each step of an invitation with a held seat and of one without."""
    for data in (HOLDING, LOOSE):
        yield from every_step(machine, data, everything)


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_settles_once(machine: AnyMachine) -> None:
    """An invitation ends once; an acceptance after that is refused."""
    for state in OVER:
        for accept in (Accept(1), Accept(None)):
            assert outcome(machine, state, HOLDING, accept) == "settled"


def test_every_event_ends_it(machine: AnyMachine) -> None:
    """Each event that is not refused ends a pending invitation in its own way."""
    check_where_taken(machine, {})
    for seen in every_invitation_step(machine):
        if seen.state is PENDING:
            assert seen.step.state is ending(seen.event, seen.data)


def ending(event: InvitationEvent, data: InvitationData) -> InvitationState:
    """Return how *event* ends an invitation."""
    match event:
        case Accept():
            return ACCEPTED
        case Decline():
            return DECLINED
        case InvitationExpired():
            return EXPIRED
        case InviteeSeated(index):
            return ACCEPTED if index == data.seat_index else WITHDRAWN
        case InviteeGone() | SeatDropped():
            return WITHDRAWN


def test_a_full_grid_keeps_it_pending(machine: AnyMachine) -> None:
    """Acceptance without a free seat is a conflict; a later one may succeed."""
    for data in (HOLDING, LOOSE):
        assert outcome(machine, PENDING, data, Accept(None)) == "conflict"


def test_a_held_seat_is_given_back(machine: AnyMachine) -> None:
    """An end without the invitee on the held seat releases that seat."""
    for seen in every_invitation_step(machine):
        if not seen.moved:
            assert seen.step.effects == ()
            continue
        sits = isinstance(seen.event, Accept) or seen.event == InviteeSeated(1)
        dropped = isinstance(seen.event, SeatDropped)
        opens = seen.data.seat_index is not None and not sits and not dropped
        assert (ReleaseSeat(1) in seen.step.effects) == opens


def test_acceptance_seats(machine: AnyMachine) -> None:
    """An invitee who accepts is seated; nothing else seats anybody."""
    for seen in every_invitation_step(machine):
        seated = [e for e in seen.step.effects if isinstance(e, SeatInvitee)]
        match seen.event:
            case Accept(seat_index=int(index)):
                assert seated == [SeatInvitee("ann", index)]
            case _:
                assert seated == []


def test_sitting_on_its_seat_accepts_it(machine: AnyMachine) -> None:
    """An invitee who sits on the held seat accepts; on another seat, withdraws."""
    accepted = machine.step(PENDING, HOLDING, InviteeSeated(1))
    withdrawn = machine.step(PENDING, HOLDING, InviteeSeated(0))

    assert (accepted.state, accepted.effects) == (ACCEPTED, ())
    assert (withdrawn.state, withdrawn.effects) == (WITHDRAWN, (ReleaseSeat(1),))


def test_late_facts_change_nothing(machine: AnyMachine) -> None:
    """Facts after the end of an invitation change nothing."""
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
