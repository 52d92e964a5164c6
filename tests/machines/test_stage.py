"""The stage machine keeps the laws of its docstring."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
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
from utd_stream.machines import STAGE, Run, Step, stage
from utd_stream.machines.stage import (
    Accept,
    Ask,
    BecameHost,
    Decline,
    Grant,
    Invite,
    MemberAbsent,
    MemberGone,
    MemberPresent,
    Promote,
    Reassert,
    Reject,
    Remove,
    Revoke,
    RightsChanged,
    StageData,
    StageEffect,
    StageEvent,
    StageGraceOver,
    StepDown,
    TakeBack,
    WaitExpired,
)
from utd_stream.models.stage import StageState
from utd_stream.testing.strategies import NOON, stage_events

AUDIENCE, REQUESTED, INVITED, ON_STAGE = StageState
WAITING = {REQUESTED, INVITED}
COMMANDS = frozenset(
    {Ask, TakeBack, Promote, Invite, Accept, Decline, Reject, Remove, StepDown}
)
SOON, LATER = NOON + timedelta(seconds=1), NOON + timedelta(seconds=100)
LAPSES = NOON + timedelta(seconds=60)
GRACES = (2.0, 15.0)

VOCABULARY = Vocabulary(events=StageEvent, effects=StageEffect, commands=COMMANDS)


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return STAGE


def everything(_: StageData) -> Iterator[StageEvent]:
    """Yield every event, early and late."""
    yield from (TakeBack(), Decline(), MemberGone(), WaitExpired())
    yield from (MemberPresent(), RightsChanged(), Reject("bob"))
    for is_host in (False, True):
        yield from (Remove("bob", is_host), StepDown(is_host))
    for at in (SOON, LATER):
        yield from (Ask(at, 7, LAPSES), Promote(at, "cho"), Accept(at))
        yield from (Invite(at, "cho", 8, LAPSES), BecameHost(at), StageGraceOver(at))
        for grace in GRACES:
            yield MemberAbsent(at, grace)


@lru_cache(maxsize=1)
def every_stage_step(machine: AnyMachine) -> tuple[Seen, ...]:
    """Return each step of a member's place."""
    return tuple(every_step(machine, StageData(), everything))


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_everything_comes_anywhere(machine: AnyMachine) -> None:
    """The engine tells a place everything, wherever the member stands."""
    check_where_taken(machine, {})


def test_one_place_each(machine: AnyMachine) -> None:
    """What is remembered is of the state, and nothing is of another."""
    for seen in every_stage_step(machine):
        state, data = seen.step.state, seen.step.data
        assert (data.request_id is not None) == (state is REQUESTED)
        assert (data.invitation_id is not None) == (state is INVITED)
        assert (data.expires_at is not None) == (state in WAITING)
        assert (data.since is not None) == (state is not AUDIENCE)
        assert (data.absent_since is None) == (data.grace is None)
        assert data.absent_since is None or state is ON_STAGE
        if seen.moved and state is REQUESTED:
            assert (data.request_id, data.expires_at) == (7, LAPSES)
        elif seen.moved and state is INVITED:
            assert (data.invitation_id, data.expires_at) == (8, LAPSES)
        if seen.moved and state is not AUDIENCE:
            assert data.since == seen.event.at


COMES: dict[type, set[StageState]] = {
    Ask: {INVITED},
    Promote: {AUDIENCE, REQUESTED, INVITED},
    Invite: {REQUESTED},
    Accept: {INVITED},
    BecameHost: {AUDIENCE, REQUESTED, INVITED},
}
GOES: dict[type, set[StageState]] = {
    TakeBack: {REQUESTED},
    Decline: {INVITED},
    Reject: {REQUESTED},
    Remove: {REQUESTED, INVITED, ON_STAGE},
    StepDown: {ON_STAGE},
    MemberGone: {REQUESTED, INVITED, ON_STAGE},
    WaitExpired: WAITING,
    StageGraceOver: {ON_STAGE},
}


def test_coming_on_stage_grants(machine: AnyMachine) -> None:
    """The events that put on stage do so, each with one Grant and nothing waiting."""
    for seen in every_stage_step(machine):
        comes = seen.state in COMES.get(type(seen.event), set())
        is_new = seen.step.state is ON_STAGE and seen.state is not ON_STAGE
        assert is_new == comes
        if comes:
            assert seen.step.effects == (Grant(),)


def test_leaving_the_stage_revokes(machine: AnyMachine) -> None:
    """The events that end a place do so, with one Revoke if it was on stage."""
    for seen in every_stage_step(machine):
        goes = seen.state in GOES.get(type(seen.event), set())
        if isinstance(seen.event, StageGraceOver):
            goes = goes and is_overdue(seen)
        assert (seen.moved and seen.step.state is AUDIENCE) == goes
        assert (Revoke() in seen.step.effects) == (goes and seen.state is ON_STAGE)
        if goes:
            left = attrs.evolve(seen.step.data, settled_by=None)
            assert left == StageData()


def test_two_wills_meet(machine: AnyMachine) -> None:
    """An invitation to who asks, and a request of who is invited, both promote."""
    ask, invite = Ask(SOON, 7, LAPSES), Invite(SOON, "cho", 8, LAPSES)
    for first, second in ((ask, invite), (invite, ask)):
        once = outcome(machine, AUDIENCE, StageData(), first)
        assert once.state in WAITING
        assert once.effects == ()
        assert outcome(machine, once.state, once.data, second).state is ON_STAGE
        assert outcome(machine, once.state, once.data, first) == "pending"
    on_stage = StageData(since=NOON)
    for event in (ask, invite, Promote(SOON, "cho")):
        assert outcome(machine, ON_STAGE, on_stage, event) == "on_stage"


def test_the_first_answer_counts(machine: AnyMachine) -> None:
    """Who has answered too late hears that it is settled."""
    asked = StageData(since=NOON, request_id=7, expires_at=LAPSES)
    invited = StageData(since=NOON, invitation_id=8, expires_at=LAPSES)
    on_stage = StageData(since=NOON)
    places = {AUDIENCE: StageData(), INVITED: invited, ON_STAGE: on_stage}
    for state, data in places.items():
        assert outcome(machine, state, data, Reject("bob")) == "settled"
    for state, data in {AUDIENCE: StageData(), REQUESTED: asked}.items():
        assert outcome(machine, state, data, Accept(SOON)) == "settled"


def test_a_host_stays_on_stage(machine: AnyMachine) -> None:
    """Remove and StepDown are refused for hosts, and taken for others."""
    on_stage = StageData(since=NOON)
    for event in (Remove("bob", is_host=True), StepDown(is_host=True)):
        assert outcome(machine, ON_STAGE, on_stage, event) == "conflict"
    for event in (Remove("bob"), StepDown()):
        assert outcome(machine, ON_STAGE, on_stage, event).state is AUDIENCE


def test_absence_counts_from_its_beginning(machine: AnyMachine) -> None:
    """A report of an absence that goes on changes neither beginning nor grace."""
    for seen in every_stage_step(machine):
        if seen.state is not ON_STAGE or seen.moved:
            continue
        absence = seen.data.absent_since, seen.data.grace
        match seen.event:
            case MemberAbsent(at, grace) if seen.data.absent_since is None:
                absence = at, grace
            case MemberPresent():
                absence = None, None
            case _:
                pass
        assert (seen.step.data.absent_since, seen.step.data.grace) == absence
        assert seen.step.data.since == seen.data.since


def is_overdue(seen: Seen) -> bool:
    """Return whether the member was absent for the whole grace."""
    since, grace = seen.data.absent_since, seen.data.grace
    if since is None:
        return False
    return bool(seen.event.at - since >= timedelta(seconds=grace))


def test_grace_ends_for_the_absent_only(machine: AnyMachine) -> None:
    """A present member, and one absent for less than the grace, stays on stage."""
    for seen in every_stage_step(machine):
        if isinstance(seen.event, StageGraceOver) and seen.state is ON_STAGE:
            assert seen.step.state is (AUDIENCE if is_overdue(seen) else ON_STAGE)


def test_rights_are_written_when_told(machine: AnyMachine) -> None:
    """Nothing else writes the right of who stays where they are."""
    for seen in every_stage_step(machine):
        if seen.moved:
            continue
        written: tuple[object, ...] = ()
        if seen.state is ON_STAGE and isinstance(seen.event, RightsChanged):
            written = (Grant(),)
        elif seen.state is ON_STAGE and isinstance(seen.event, MemberPresent):
            written = (Reassert(),)
        assert seen.step.effects == written


def test_who_answered_is_remembered(machine: AnyMachine) -> None:
    """Whoever answers is named; coming or going otherwise names nobody."""
    for seen in every_stage_step(machine):
        by = seen.data.settled_by
        if seen.moved:
            by = getattr(seen.event, "by", None)
            by = None if seen.step.state is INVITED else by
        assert seen.step.data.settled_by == by


def test_what_waits_lapses(machine: AnyMachine) -> None:
    """WaitExpired moves those who wait, and nobody else."""
    for seen in every_stage_step(machine):
        if isinstance(seen.event, WaitExpired):
            assert seen.moved == (seen.state in WAITING)


def test_commands_may_be_repeated(machine: AnyMachine) -> None:
    """What a member says of themselves is quiet when it is so already."""
    for seen in every_stage_step(machine):
        if isinstance(seen.event, TakeBack | Decline | Accept | StepDown):
            again = outcome(machine, seen.step.state, seen.step.data, seen.event)
            assert again == Step(seen.step.state, seen.step.data, ())
    for state, data in ((AUDIENCE, StageData()), (ON_STAGE, StageData(since=NOON))):
        for event in (TakeBack(), Decline(), BecameHost(SOON), MemberGone()):
            after = outcome(machine, state, data, event)
            stays = state is AUDIENCE and not isinstance(event, BecameHost)
            stays = stays or not isinstance(event, MemberGone | BecameHost)
            assert not stays or after == Step(state, data, ())


class StageWalk(RuleBasedStateMachine):
    """Any sequence of events keeps the laws."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(STAGE, StageData())
        self.is_granted = False

    @rule(event=stage_events())
    def hear(self, event: StageEvent) -> None:
        """Take the event as the engine does, and note what is written."""
        for effect in fired(self.run, event) or ():
            self.is_granted = not isinstance(effect, Revoke)

    @invariant()
    def the_right_is_the_place(self) -> None:
        """Laws 2 and 3: what was written last is whether the member is on stage."""
        assert self.is_granted == (self.run.state is ON_STAGE)

    @invariant()
    def nothing_waits_on_stage(self) -> None:
        """Law 1."""
        waits = self.run.data.expires_at is not None
        assert waits == (self.run.state in WAITING)


TestStageWalk = StageWalk.TestCase


def test_each_law_has_a_test() -> None:
    """The docstring's laws and the tests carry the same names."""
    check_names(stage, globals())
