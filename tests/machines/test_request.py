"""The request machine keeps the laws of its docstring."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import attrs
import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.machines.laws import (
    AnyMachine,
    Vocabulary,
    check_names,
    check_table,
    check_where_taken,
)
from tests.machines.steps import Seen, every_step, fired, outcome
from utd_stream.machines import REQUEST, Run, request
from utd_stream.machines.request import (
    Approve,
    Cancel,
    ModeFreed,
    Reject,
    RequestData,
    RequestEffect,
    RequesterGone,
    RequesterSeated,
    RequestEvent,
    RequestExpired,
    RequestState,
    SeatRequester,
)
from utd_stream.testing.strategies import NOON, request_events

PENDING, APPROVED, REJECTED, CANCELLED, EXPIRED = RequestState
OVER = (APPROVED, REJECTED, CANCELLED, EXPIRED)

VOCABULARY = Vocabulary(
    events=RequestEvent,
    effects=RequestEffect,
    commands=frozenset({Approve, Reject, Cancel}),
    final=frozenset(OVER),
)

ASKED = RequestData(
    identity="ann", created_at=NOON, expires_at=NOON + timedelta(seconds=60)
)
ANSWERED = attrs.evolve(ASKED, settled_by="bob")
STANDS = {
    PENDING: ASKED,
    APPROVED: ANSWERED,
    REJECTED: ANSWERED,
    CANCELLED: ASKED,
    EXPIRED: ASKED,
}
ANSWERS: tuple[RequestEvent, ...] = (
    *(Approve(by, seat) for by in ("bob", "cho") for seat in (0, 1, None)),
    *(Reject(by) for by in ("bob", "cho")),
)
FACTS: tuple[RequestEvent, ...] = (
    *(RequesterSeated(), RequesterGone(), ModeFreed(), RequestExpired()),
)
# How an event ends a request, unless it cancels it.
ENDS = {Approve: APPROVED, Reject: REJECTED, RequestExpired: EXPIRED}


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return REQUEST


def every_request_step(machine: AnyMachine) -> Iterator[Seen]:
    """Yield each step of a request that two moderators see."""
    return every_step(machine, ASKED, lambda _: (*ANSWERS, *FACTS, Cancel()))


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_settles_once(machine: AnyMachine) -> None:
    """A request ends once and names who answered; later answers are refused."""
    for seen in every_request_step(machine):
        if isinstance(seen.event, Approve | Reject):
            assert seen.step.data.settled_by == seen.event.by
        else:
            assert seen.step.data == seen.data
    for state in OVER:
        for answer in ANSWERS:
            assert outcome(machine, state, STANDS[state], answer) == "settled"


def test_every_event_ends_it(machine: AnyMachine) -> None:
    """Each event that is not refused ends a pending request in its own way."""
    check_where_taken(machine, {})
    for seen in every_request_step(machine):
        if seen.state is PENDING:
            assert seen.step.state is ENDS.get(type(seen.event), CANCELLED)


def test_seats_only_when_approved(machine: AnyMachine) -> None:
    """Approval seats the requester on the free seat; nothing else seats anybody."""
    for seen in every_request_step(machine):
        match seen.event:
            case Approve(seat_index=int(index)):
                assert seen.step.effects == (SeatRequester("ann", index),)
            case _:
                assert seen.step.effects == ()


def test_a_full_grid_keeps_it_pending(machine: AnyMachine) -> None:
    """Approval without a free seat is a conflict; a later one may succeed."""
    assert outcome(machine, PENDING, ASKED, Approve("bob", None)) == "conflict"
    assert outcome(machine, PENDING, ASKED, Approve("bob", 1)) != "conflict"


def test_late_facts_change_nothing(machine: AnyMachine) -> None:
    """Facts after the end of a request change nothing."""
    for state in OVER:
        for event in (*FACTS, Cancel()):
            step = outcome(machine, state, STANDS[state], event)
            assert (step.state, step.data, step.effects) == (state, STANDS[state], ())


class RequestWalk(RuleBasedStateMachine):
    """Any sequence of events keeps the laws."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(REQUEST, ASKED)
        self.ended: tuple[RequestState, RequestData] | None = None
        self.seated: list[SeatRequester] = []

    @rule(event=request_events())
    def hear(self, event: RequestEvent) -> None:
        """Take the event and remember the first end."""
        self.seated += fired(self.run, event) or ()
        if self.ended is None and self.run.state is not PENDING:
            self.ended = self.run.state, self.run.data

    @invariant()
    def settles_once(self) -> None:
        """Law 1: the first end stays."""
        assert self.ended in {None, (self.run.state, self.run.data)}

    @invariant()
    def seats_only_when_approved(self) -> None:
        """Law 2: once, and then only."""
        assert len(self.seated) == (self.run.state is APPROVED)


TestRequestWalk = RequestWalk.TestCase


def test_each_law_has_a_test() -> None:
    """The docstring's laws and the tests carry the same names."""
    check_names(request, globals())
