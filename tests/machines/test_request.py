"""The request machine keeps the laws of its docstring."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import attrs
import pytest
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
BY_CHO: Changes = {"settled_by": "cho"}

READING = (
    on(PENDING, Approve("cho", 0), APPROVED, SeatRequester("ann", 0), **BY_CHO),
    on(PENDING, Approve("cho", None), "conflict"),
    on(PENDING, Reject("cho"), REJECTED, **BY_CHO),
    on(PENDING, Cancel(), CANCELLED),
    on(PENDING, RequesterSeated(), CANCELLED),
    on(PENDING, RequesterGone(), CANCELLED),
    on(PENDING, ModeFreed(), CANCELLED),
    on(PENDING, RequestExpired(), EXPIRED),
    # The second moderator is told; whatever else comes late means nothing.
    on(OVER, Approve("cho", 0), "settled"),
    on(OVER, Approve("cho", None), "settled"),
    on(OVER, Reject("cho"), "settled"),
    on(OVER, Cancel()),
    on(OVER, RequesterSeated()),
    on(OVER, RequesterGone()),
    on(OVER, ModeFreed()),
    on(OVER, RequestExpired()),
)

ANSWERS: tuple[RequestEvent, ...] = (
    *(Approve(by, seat) for by in ("bob", "cho") for seat in (0, 1, None)),
    *(Reject(by) for by in ("bob", "cho")),
)
FACTS: tuple[RequestEvent, ...] = (
    *(RequesterSeated(), RequesterGone(), ModeFreed(), RequestExpired()),
)


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return REQUEST


def every_request_step(machine: AnyMachine) -> Iterator[Seen]:
    """Each step of a request that two moderators see."""
    return every_step(machine, ASKED, lambda _: (*ANSWERS, *FACTS, Cancel()))


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_table_reads_as_agreed(machine: AnyMachine) -> None:
    """Each row does what a person says it does, and there is no other."""
    check_reading(machine, READING, STANDS)


def test_settles_once(machine: AnyMachine) -> None:
    """Any end is the last one; a later answer hears that it is settled."""
    ends = {seen.step.state for seen in every_request_step(machine) if seen.moved}
    assert ends == set(OVER)

    for state in OVER:
        for answer in ANSWERS:
            assert outcome(machine, state, STANDS[state], answer) == "settled"


def test_who_settled_it_is_known(machine: AnyMachine) -> None:
    """The moderator who answered first is remembered, for the second to hear."""
    for seen in every_request_step(machine):
        if isinstance(seen.event, Approve | Reject):
            assert seen.step.data.settled_by == seen.event.by
        else:
            assert seen.step.data == seen.data


def test_seats_only_when_approved(machine: AnyMachine) -> None:
    """Approval seats the requester, on the seat that was free; nothing else seats."""
    for seen in every_request_step(machine):
        match seen.event:
            case Approve(seat_index=int(index)):
                assert seen.step.state is APPROVED
                assert seen.step.effects == (SeatRequester("ann", index),)
            case _:
                assert seen.step.state is not APPROVED or not seen.moved
                assert seen.step.effects == ()


def test_a_full_grid_keeps_it_pending(machine: AnyMachine) -> None:
    """Approval without a free seat is a conflict, and can be said again later."""
    assert outcome(machine, PENDING, ASKED, Approve("bob", None)) == "conflict"
    assert outcome(machine, PENDING, ASKED, Approve("bob", 1)) != "conflict"


def test_late_facts_change_nothing(machine: AnyMachine) -> None:
    """What is told about a settled request leaves it as it is."""
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
