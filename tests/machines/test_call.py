"""The call machine keeps the laws of its docstring."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache

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
from utd_stream.machines import CALL, Run, Step, call
from utd_stream.machines.call import (
    Accept,
    CallAbsent,
    CallData,
    CallEffect,
    CallEvent,
    CallGraceOver,
    CallPresent,
    CloseRoom,
    DurationDue,
    End,
    MediaRemoved,
    Party,
    RegrantParty,
    Reject,
    Ring,
    RingDue,
    SayBusy,
    Tell,
)
from utd_stream.models.calls import CallEndReason, UTDCallStatus
from utd_stream.testing.strategies import NOON, call_events

INITIATING, RINGING, ACTIVE, ENDED, REJECTED, BUSY, MISSED = UTDCallStatus
UNANSWERED = {INITIATING, RINGING}
LIVE = {INITIATING, RINGING, ACTIVE}

SOON, LATER = NOON + timedelta(seconds=1), NOON + timedelta(seconds=100)
RING_UNTIL, LASTS_UNTIL = NOON + timedelta(seconds=30), NOON + timedelta(seconds=60)
GRACE = 15.0

VOCABULARY = Vocabulary(
    events=CallEvent,
    effects=CallEffect,
    commands=frozenset({Ring, Accept, Reject, SayBusy, End}),
    final=frozenset({ENDED, REJECTED, BUSY, MISSED}),
)
BORN = CallData(ring_until=RING_UNTIL, caller_absent_since=NOON)


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return CALL


def everything(data: CallData) -> tuple[CallEvent, ...]:
    """Return every event, early and late."""
    return (*told_at(SOON), *told_at(LATER))


def told_at(at: datetime) -> Iterator[CallEvent]:
    """Yield every event of one moment."""
    yield from (Ring(at), Reject(at), SayBusy(at), RingDue(at), DurationDue(at))
    yield from (Accept(device, at, LASTS_UNTIL) for device in ("phone", "laptop"))
    yield End(at, None)
    for party in Party:
        yield from (End(at, party), End(at, party, is_lost=True))
        yield from (CallAbsent(party, at), CallPresent(party))
        yield from (CallGraceOver(party, at, GRACE), MediaRemoved(party, at))


def alike(data: CallData) -> CallData:
    """Return what stands for *data*: of the past only what is looked at later."""
    rung = data.ringing_at and SOON
    if data.ended_at is None:
        return attrs.evolve(data, rev=1, ringing_at=rung)
    return attrs.evolve(
        BORN,
        ended_at=SOON,
        end_reason=CallEndReason.CANCELLED,
        answered_at=data.answered_at and SOON,
        answered_by=data.answered_by,
    )


@lru_cache(maxsize=1)
def every_call_step(machine: AnyMachine) -> tuple[Seen, ...]:
    """Return each step, whatever the revision is."""
    return tuple(every_step(machine, BORN, everything, alike=alike))


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_everything_comes_anywhere(machine: AnyMachine) -> None:
    """The engine tells a call everything, whatever its status is."""
    check_where_taken(machine, {})


def test_a_call_has_one_outcome(machine: AnyMachine) -> None:
    """A final status and all that a call remembers then are never changed."""
    for seen in every_call_step(machine):
        if seen.state not in LIVE:
            assert (seen.step.state, seen.step.data) == (seen.state, seen.data)
            assert seen.step.effects == ()
        else:
            is_over = seen.step.state not in LIVE
            assert (seen.step.data.ended_at is not None) == is_over
            assert (seen.step.data.end_reason is not None) == is_over


def row(state: UTDCallStatus, data: CallData) -> tuple[object, ...]:
    """Return what both parties see of a call, but for its revision."""
    return state, attrs.evolve(
        data, rev=0, caller_absent_since=None, callee_absent_since=None
    )


def test_every_change_is_told(machine: AnyMachine) -> None:
    """The revision rises by one with each Tell, which comes with each change."""
    for seen in every_call_step(machine):
        changes = row(seen.state, seen.data) != row(seen.step.state, seen.step.data)
        assert seen.step.data.rev == seen.data.rev + changes
        assert (seen.step.effects[:1] == (Tell(),)) == changes
        assert seen.step.effects.count(Tell()) == changes


def test_every_end_closes_the_room(machine: AnyMachine) -> None:
    """The room is closed by an end, after it was told, and by nothing else."""
    for seen in every_call_step(machine):
        ends = seen.state in LIVE and seen.step.state not in LIVE
        assert not ends or seen.step.effects == (Tell(), CloseRoom())
        assert seen.step.effects.count(CloseRoom()) == ends


def test_one_party_answers(machine: AnyMachine) -> None:
    """Who accepted first is remembered, and may accept again; others may not."""
    for seen in every_call_step(machine):
        if isinstance(seen.event, Accept) and seen.state in LIVE:
            answers = seen.state in UNANSWERED
            assert answers or seen.data.answered_by == seen.event.device
            assert seen.step.state is ACTIVE
            assert seen.step.data.answered_by == seen.event.device
            if answers:
                assert seen.step.data.answered_at == seen.event.at
                assert seen.step.data.lasts_until == seen.event.lasts_until
        else:
            assert seen.step.data.answered_by == seen.data.answered_by
            assert seen.step.data.answered_at == seen.data.answered_at
            assert (seen.step.state is ACTIVE) <= (seen.state is ACTIVE)
    again = attrs.evolve(BORN, answered_at=SOON, answered_by="phone")
    elsewhere = Accept("laptop", LATER, LASTS_UNTIL)
    assert outcome(machine, ACTIVE, again, elsewhere) == "answered_elsewhere"
    here = attrs.evolve(elsewhere, device="phone")
    assert outcome(machine, ACTIVE, again, here) == Step(ACTIVE, again, ())


def test_ring_ends_the_unanswered_only(machine: AnyMachine) -> None:
    """A ring that is over misses an unanswered call, and does nothing else."""
    for seen in every_call_step(machine):
        if isinstance(seen.event, RingDue):
            is_over = seen.event.at >= RING_UNTIL and seen.state in UNANSWERED
            assert seen.step.state is (MISSED if is_over else seen.state)
        else:
            assert seen.step.state is not MISSED or seen.state is MISSED


def test_duration_ends_the_active_only(machine: AnyMachine) -> None:
    """An active call ends at its longest duration, and not before."""
    for seen in every_call_step(machine):
        if isinstance(seen.event, DurationDue):
            is_over = seen.event.at >= LASTS_UNTIL and seen.state is ACTIVE
            assert seen.step.state is (ENDED if is_over else seen.state)


def test_absence_counts_from_its_beginning(machine: AnyMachine) -> None:
    """A report of an absence that goes on changes nothing; Present ends it."""
    for seen in every_call_step(machine):
        if seen.state not in LIVE:
            continue
        for party in Party:
            since = seen.data.absent_since(party)
            match seen.event:
                case CallAbsent(gone, at) if gone is party:
                    since = since or at
                case CallPresent(back) if back is party:
                    since = None
                case Accept(_, at) if party is Party.CALLEE and seen.moved:
                    since = at
                case _:
                    pass
            assert seen.step.data.absent_since(party) == since


def test_grace_ends_for_the_absent_only(machine: AnyMachine) -> None:
    """The end of a grace ends the call of a party that was absent for all of it."""
    for seen in every_call_step(machine):
        if isinstance(seen.event, CallGraceOver) and seen.state in LIVE:
            since = seen.data.absent_since(seen.event.party)
            grace = timedelta(seconds=GRACE)
            is_over = since is not None and seen.event.at - since >= grace
            assert seen.step.state is (ENDED if is_over else seen.state)


OF_EVENT = {
    Reject: (CallEndReason.REJECTED, Party.CALLEE),
    SayBusy: (CallEndReason.BUSY, Party.CALLEE),
    RingDue: (CallEndReason.NO_ANSWER, None),
    DurationDue: (CallEndReason.MAX_DURATION, None),
}
OF_HANGUP = {
    (Party.CALLER, False): CallEndReason.CANCELLED,
    (Party.CALLEE, False): CallEndReason.DECLINED,
    (Party.CALLER, True): CallEndReason.CALLER_HANGUP,
    (Party.CALLEE, True): CallEndReason.CALLEE_HANGUP,
}


def why(seen: Seen) -> tuple[CallEndReason, Party | None]:
    """Return why the call that *seen* ended is over, and by whom."""
    event = seen.event
    if isinstance(event, CallGraceOver | MediaRemoved):
        return CallEndReason.CONNECTION_LOST, event.party
    if not isinstance(event, End):
        return OF_EVENT[type(event)]
    if event.by is None:
        return CallEndReason.ENDED_BY_APP, None
    if event.is_lost:
        return CallEndReason.CONNECTION_LOST, event.by
    is_answered = seen.data.answered_at is not None
    return OF_HANGUP[event.by, is_answered], event.by


def test_reasons_tell_who_and_when(machine: AnyMachine) -> None:
    """Each end has its reason, its party and its time."""
    statuses = {Reject: REJECTED, SayBusy: BUSY, RingDue: MISSED}
    for seen in every_call_step(machine):
        if seen.state in LIVE and seen.step.state not in LIVE:
            after = seen.step.data
            assert (after.end_reason, after.ended_by) == why(seen)
            assert after.ended_at == seen.event.at
            assert seen.step.state is statuses.get(type(seen.event), ENDED)


def test_what_comes_too_late_is_refused(machine: AnyMachine) -> None:
    """After the end the same command is quiet, and every other one is refused."""
    over = attrs.evolve(BORN, ended_at=SOON, end_reason=CallEndReason.BUSY)
    same = {End: ENDED, Reject: REJECTED, SayBusy: BUSY}
    for state in VOCABULARY.final:
        for event in everything(over):
            after = outcome(machine, state, over, event)
            quiet = same.get(type(event)) is state
            if quiet or type(event) not in VOCABULARY.commands:
                assert (after.state, after.data, after.effects) == (state, over, ())
            else:
                assert after == "invalid_transition"


def test_only_the_unanswered_is_declined(machine: AnyMachine) -> None:
    """Ring, Reject and SayBusy change what nobody answered, and refuse an answer."""
    for seen in every_call_step(machine):
        if isinstance(seen.event, Ring) and seen.state in LIVE:
            rings = seen.state is INITIATING
            assert seen.step.state is (RINGING if rings else seen.state)
            at = seen.event.at if rings else seen.data.ringing_at
            assert seen.step.data.ringing_at == at
        elif isinstance(seen.event, Reject | SayBusy):
            assert seen.state is not ACTIVE
            assert seen.step.state not in LIVE
        else:
            assert seen.step.data.ringing_at == seen.data.ringing_at
            assert (seen.step.state is RINGING) <= (seen.state is RINGING)
    for event in (Reject(SOON), SayBusy(SOON)):
        assert outcome(machine, ACTIVE, BORN, event) == "invalid_transition"


def test_a_loss_of_media_ends_the_call(machine: AnyMachine) -> None:
    """MediaRemoved and End end each live call, and facts of presence end none."""
    for seen in every_call_step(machine):
        if seen.state in LIVE:
            match seen.event:
                case MediaRemoved() | End():
                    assert seen.step.state is ENDED
                case CallAbsent() | CallPresent():
                    assert seen.step.state is seen.state
                case _:
                    pass


def test_returned_parties_are_granted(machine: AnyMachine) -> None:
    """Present writes the right of the party, while the call is live."""
    for seen in every_call_step(machine):
        regrants = [e for e in seen.step.effects if isinstance(e, RegrantParty)]
        is_back = isinstance(seen.event, CallPresent) and seen.state in LIVE
        assert regrants == ([RegrantParty(seen.event.party)] if is_back else [])


class CallWalk(RuleBasedStateMachine):
    """Any sequence of events keeps the laws."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(CALL, BORN)
        self.told: list[tuple[object, ...]] = [row(INITIATING, BORN)]
        self.closed = 0

    @rule(event=call_events())
    def hear(self, event: CallEvent) -> None:
        """Take the event as the engine does, and note what the parties are told."""
        for effect in fired(self.run, event) or ():
            if isinstance(effect, Tell):
                self.told.append(row(self.run.state, self.run.data))
            self.closed += isinstance(effect, CloseRoom)

    @invariant()
    def parties_know_the_row(self) -> None:
        """Law 2: the last row told is the row, and each has its revision."""
        assert self.told[-1] == row(self.run.state, self.run.data)
        assert self.run.data.rev == len(self.told)

    @invariant()
    def the_room_is_closed_with_the_end(self) -> None:
        """Law 3."""
        assert self.closed == (self.run.state not in LIVE)


TestCallWalk = CallWalk.TestCase


def test_each_law_has_a_test() -> None:
    """The docstring's laws and the tests carry the same names."""
    check_names(call, globals())
