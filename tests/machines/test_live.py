"""The live machine keeps the laws of its docstring."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

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
from utd_stream.machines import LIVE, Run, live
from utd_stream.machines.live import (
    Crown,
    EndStream,
    GoLive,
    HostGraceOver,
    HostLoss,
    HostMissed,
    HostPresent,
    HostsGone,
    LiveData,
    LiveEffect,
    LiveEvent,
    RegrantStage,
    StopLive,
    StreamEnded,
)
from utd_stream.models.stage import LiveState
from utd_stream.testing.strategies import NOON, live_events

BACKSTAGE, ON, AWAY, ENDED = LiveState
ON_AIR = {ON, AWAY}
BRIEF, GRACE = 2.0, 60.0
TIMES = tuple(NOON + timedelta(seconds=past) for past in (0, 1, 2, 59, 60, 120))

VOCABULARY = Vocabulary(
    events=LiveEvent,
    effects=LiveEffect,
    commands=frozenset({GoLive, StopLive}),
    final=frozenset({ENDED}),
)


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return LIVE


def everything(_: LiveData) -> Iterator[LiveEvent]:
    """Yield every event, early and late, with and without a successor."""
    yield from (StopLive(), HostPresent(), StreamEnded())
    for successor in ("cho", None):
        for how in HostLoss:
            yield HostsGone(how, successor)
        for at in TIMES:
            yield HostGraceOver(at, BRIEF, GRACE, successor)
    for at in TIMES[:2]:
        yield from (GoLive(at), HostMissed(at))


def every_live_step(machine: AnyMachine) -> Iterator[Seen]:
    """Yield each step of a stream."""
    return every_step(machine, LiveData(), everything)


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_everything_comes_anywhere(machine: AnyMachine) -> None:
    """The engine tells a stream everything, wherever it stands."""
    check_where_taken(machine, {})


def test_the_stage_opens_and_closes_by_command(machine: AnyMachine) -> None:
    """Rights are written when the stage opens or closes, and never by an absence."""
    for seen in every_live_step(machine):
        opens = isinstance(seen.event, GoLive) and seen.state is BACKSTAGE
        closes = isinstance(seen.event, StopLive) and seen.state in ON_AIR
        assert (RegrantStage() in seen.step.effects) == (opens or closes)
        if opens:
            assert seen.step.state is ON
            assert seen.step.data == LiveData(since=seen.event.at)
        elif closes:
            assert (seen.step.state, seen.step.data) == (BACKSTAGE, LiveData())
        elif isinstance(seen.event, GoLive | StopLive):
            assert not seen.moved
            assert seen.step.data == seen.data
        else:
            assert seen.step.data.since == seen.data.since
            assert (seen.step.state is BACKSTAGE) <= (seen.state is BACKSTAGE)


def test_absence_counts_from_its_beginning(machine: AnyMachine) -> None:
    """A report of an absence that goes on changes nothing."""
    for seen in every_live_step(machine):
        since = seen.data.missing_since
        match seen.event:
            case HostMissed(at) if seen.state is ON:
                since = since or at
            case HostPresent() | StopLive() if seen.state in ON_AIR:
                since = None
            case _ if any(isinstance(e, Crown) for e in seen.step.effects):
                since = None
            case _:
                pass
        assert seen.step.data.missing_since == since


def test_a_host_is_waited_for(machine: AnyMachine) -> None:
    """HostMissed moves nothing; a listing does, after the first and the last limit."""
    for seen in every_live_step(machine):
        if isinstance(seen.event, HostMissed):
            assert not seen.moved
        if isinstance(seen.event, HostGraceOver) and seen.state in ON_AIR:
            since = seen.data.missing_since
            missing = -1.0
            if since is not None:
                missing = (seen.event.at - since).total_seconds()
            if seen.state is ON:
                assert seen.step.state is (AWAY if missing >= BRIEF else ON)
            elif missing >= GRACE:
                assert seen.step.state is (ON if seen.event.successor else ENDED)
            else:
                assert seen.step.state is AWAY
        elif seen.step.state is AWAY:
            assert seen.state is AWAY


def test_a_host_who_returns_leads(machine: AnyMachine) -> None:
    """The stream is live once a host is here, and nobody else leads then."""
    for seen in every_live_step(machine):
        if isinstance(seen.event, HostPresent) and seen.state in ON_AIR:
            assert seen.step.state is ON
            assert seen.step.effects == ()


def test_never_hostless(machine: AnyMachine) -> None:
    """Who succeeds is crowned when hosts are gone for good, but not after a goodbye."""
    for seen in every_live_step(machine):
        crowned = [e.identity for e in seen.step.effects if isinstance(e, Crown)]
        match seen.event:
            case HostsGone(how, successor) if seen.state in ON_AIR:
                leads = how is HostLoss.LOST and successor is not None
                assert crowned == ([successor] if leads else [])
                assert seen.step.state is (ON if leads else ENDED)
            case HostGraceOver(successor=successor) if seen.state is AWAY:
                assert crowned == ([successor] if seen.step.state is ON else [])
            case _:
                assert crowned == []


def test_every_end_ends_the_room(machine: AnyMachine) -> None:
    """The room is ended with the stream, unless the room told of its end."""
    for seen in every_live_step(machine):
        ends = [e.how for e in seen.step.effects if isinstance(e, EndStream)]
        is_over = seen.moved and seen.step.state is ENDED
        match seen.event:
            case HostsGone(how, _) if is_over:
                assert ends == [how]
            case HostGraceOver() if is_over:
                assert ends == [HostLoss.LOST]
            case StreamEnded():
                assert seen.step.state is ENDED
                assert ends == []
            case _:
                assert not is_over
                assert ends == []


def test_backstage_waits_for_nobody(machine: AnyMachine) -> None:
    """Whether hosts are there changes nothing before the stream goes live."""
    for seen in every_live_step(machine):
        if seen.state is BACKSTAGE and not isinstance(seen.event, GoLive | StreamEnded):
            assert (seen.step.state, seen.step.data) == (BACKSTAGE, LiveData())
            assert seen.step.effects == ()


def test_nothing_follows_the_end(machine: AnyMachine) -> None:
    """Commands are refused, facts change nothing."""
    data = LiveData(since=NOON)
    for event in everything(data):
        after = outcome(machine, ENDED, data, event)
        if isinstance(event, GoLive | StopLive):
            assert after == "conflict"
        else:
            assert (after.state, after.data, after.effects) == (ENDED, data, ())


class LiveWalk(RuleBasedStateMachine):
    """Any sequence of events keeps the laws."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(LIVE, LiveData())
        self.is_open = False
        self.ends = 0

    @rule(event=live_events())
    def hear(self, event: LiveEvent) -> None:
        """Take the event as the engine does, and note what is asked."""
        for effect in fired(self.run, event) or ():
            self.is_open ^= isinstance(effect, RegrantStage)
            self.ends += isinstance(effect, EndStream)

    @invariant()
    def the_stage_is_as_it_was_written(self) -> None:
        """Law 1: while it is not over, each change of the stage was written."""
        if self.run.state is not ENDED:
            assert self.is_open == self.run.state.is_on_air
            assert (self.run.data.since is not None) == self.is_open

    @invariant()
    def away_means_missing(self) -> None:
        """Law 3: a stream without a host knows since when."""
        if self.run.state is AWAY:
            assert self.run.data.missing_since is not None

    @invariant()
    def it_ends_once(self) -> None:
        """Law 6."""
        assert self.ends <= (self.run.state is ENDED)


TestLiveWalk = LiveWalk.TestCase


def test_each_law_has_a_test() -> None:
    """The docstring's laws and the tests carry the same names."""
    check_names(live, globals())
