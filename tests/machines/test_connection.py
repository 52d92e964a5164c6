"""The connection machine keeps the laws of its docstring."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.machines.connection_reading import (
    ARM,
    CONNECTED,
    CONNECTING,
    DISARM,
    DISCONNECTED,
    FORCE_EXIT,
    LIVE,
    LONG,
    LOST_AT,
    READING,
    RECONNECTING,
    RELEASE,
    SHORT,
    STANDS,
    TELL,
    VOCABULARY,
)
from tests.machines.laws import AnyMachine, check_names, check_table
from tests.machines.reading import Seen, check_reading, every_step, fired
from utd_stream.machines import CONNECTION, Run, connection
from utd_stream.machines.connection import (
    Admitted,
    ArmExit,
    Connect,
    ConnectFailed,
    ConnectionData,
    ConnectionEffect,
    ConnectionEvent,
    ConnectRefused,
    DisarmExit,
    ExitDue,
    GaveUp,
    Leave,
    OpenTransport,
    ReadRoom,
    ReadState,
    Rejoined,
    RejoinFailed,
    ReleaseTransport,
    Removed,
    ReopenTransport,
    Resumed,
    TransportLost,
    is_late,
)
from utd_stream.models.rooms import UTDConnectionState
from utd_stream.testing.strategies import connection_data, connection_events


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return CONNECTION


def everything(data: ConnectionData) -> tuple[ConnectionEvent, ...]:
    """Return whatever the connection that is current may hear."""
    number = data.number
    return (
        *(Connect(0), Connect(2), Leave(), ExitDue(), Admitted(number)),
        *(ConnectFailed(number), ConnectRefused(number), RejoinFailed(number)),
        *(TransportLost(number, at) for at in (LOST_AT, SHORT)),
        *(Resumed(number, at) for at in (SHORT, LONG)),
        *(GaveUp(number, at) for at in (LOST_AT, SHORT)),
        *(Rejoined(number), Removed(number, "room_deleted")),
    )


def every_connection_step(machine: AnyMachine) -> Iterator[Seen]:
    """Each step that can be taken within five connections."""
    yield from every_step(
        machine, ConnectionData(), everything, within=lambda data: data.number <= 5
    )


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_table_reads_as_agreed(machine: AnyMachine) -> None:
    """Each row does what a person says it does, and there is no other."""
    check_reading(machine, READING, STANDS)


def test_leave_always_ends(machine: AnyMachine) -> None:
    """Leave is taken everywhere; what is live is left, the engine told first."""
    left = set()
    for seen in every_connection_step(machine):
        if isinstance(seen.event, Leave):
            left.add(seen.state)
            ended = FORCE_EXIT if seen.state is FORCE_EXIT else DISCONNECTED
            assert seen.step.state is ended
            told = [e for e in seen.step.effects if e in {TELL, RELEASE}]
            owed = [TELL] if seen.data.may_be_listed else []
            assert told == ([TELL, RELEASE] if seen.state in LIVE else owed)
        else:
            assert TELL not in seen.step.effects
    assert left == set(UTDConnectionState)


def test_one_timer(machine: AnyMachine) -> None:
    """The force-exit timer runs exactly while reconnecting, and is armed once."""
    for seen in every_connection_step(machine):
        # A timer that went off runs no more.
        armed = seen.state is RECONNECTING and seen.event != ExitDue()
        for effect in seen.step.effects:
            if effect in {ARM, DISARM}:
                assert armed == (effect == DISARM)
                armed = not armed
        assert armed == (seen.step.state is RECONNECTING)


def test_released_once_per_connection(machine: AnyMachine) -> None:
    """What was opened is released, or replaced by the next try, exactly once."""
    for seen in every_connection_step(machine):
        live = seen.state in LIVE
        for effect in seen.step.effects:
            if effect == RELEASE:
                assert live
                live = False
            elif isinstance(effect, OpenTransport | ReopenTransport):
                replaced = isinstance(seen.event, ConnectFailed | RejoinFailed | GaveUp)
                assert live == replaced
                assert effect.number == seen.step.data.number > seen.data.number
                live = True
        assert live == (seen.step.state in LIVE)


def test_outage_begins_once(machine: AnyMachine) -> None:
    """The outage counts from the first loss, however often the transport flaps."""
    for seen in every_connection_step(machine):
        away = seen.step.state is RECONNECTING
        lost = seen.step.data.broken and seen.step.state is CONNECTING
        assert (seen.step.data.lost_at is not None) == (away or lost)
        if away and not isinstance(seen.event, TransportLost | GaveUp):
            assert seen.step.data.lost_at == seen.data.lost_at
        if away and seen.state is RECONNECTING:
            assert seen.step.data.lost_at == seen.data.lost_at


def test_short_outage_is_light(machine: AnyMachine) -> None:
    """What was repaired within 15 s reads the room again, no more."""
    for seen in every_connection_step(machine):
        if seen.state is not RECONNECTING or not isinstance(seen.event, Resumed):
            continue
        if seen.event.at < seen.data.lost_at + 15:
            assert seen.step.state is CONNECTED
            assert seen.step.effects == (DISARM, ReadRoom())


def test_long_outage_is_full(machine: AnyMachine) -> None:
    """What took longer, or needed a new connection, reads everything again."""
    for seen in every_connection_step(machine):
        if isinstance(seen.event, Rejoined):
            assert seen.step.effects[-1] == ReadState()
        elif isinstance(seen.event, Resumed) and seen.state is RECONNECTING:
            is_long = seen.event.at >= seen.data.lost_at + 15
            assert (ReadState() in seen.step.effects) == is_long
        else:
            assert ReadState() not in seen.step.effects


def test_connected_means_connected(machine: AnyMachine) -> None:
    """Nobody is connected over a connection that is under repair."""
    for seen in every_connection_step(machine):
        broken = seen.step.data.broken
        if seen.step.state not in {CONNECTING, RECONNECTING}:
            assert not broken
        # Known as long as it is so, of the connection that is current.
        if isinstance(seen.event, TransportLost):
            assert broken
        elif (
            isinstance(seen.event, Resumed) or seen.step.data.number > seen.data.number
        ):
            assert not broken
        else:
            assert broken == seen.data.broken
        if isinstance(seen.event, Admitted | Rejoined) and seen.state is not CONNECTED:
            assert (seen.step.state is CONNECTED) != broken


@pytest.mark.parametrize("tries", [0, 1, 2])
def test_first_connect_is_tried_again(tries: int) -> None:
    """As often as there are tries, half a second apart; then it ends."""
    run = Run(CONNECTION, ConnectionData())
    opened = run.fire(Connect(tries))
    for _ in range(tries):
        opened += run.fire(ConnectFailed(run.data.number))
    ended = run.fire(ConnectFailed(run.data.number))

    later = [OpenTransport(number + 2, 0.5) for number in range(tries)]
    assert list(opened) == [OpenTransport(1), *later]
    assert ended == (RELEASE,)
    assert run.state is DISCONNECTED


def test_what_has_ended_is_not_admitted(machine: AnyMachine) -> None:
    """A connection that ends before its admission is told never counts as there."""
    for seen in every_connection_step(machine):
        if isinstance(seen.event, GaveUp):
            assert is_late(seen.step.data, Admitted(seen.data.number))
            assert seen.step.state is not CONNECTED
    begun = machine.step(DISCONNECTED, ConnectionData(), Connect(0)).data
    ended = machine.step(CONNECTING, begun, GaveUp(begun.number, LOST_AT))
    assert (ended.state, ended.effects) == (DISCONNECTED, (RELEASE,))


def test_removal_is_no_outage(machine: AnyMachine) -> None:
    """Who was removed stays out and knows why."""
    for seen in every_connection_step(machine):
        if isinstance(seen.event, Removed):
            assert seen.step.state is DISCONNECTED
            assert seen.step.data.reason == seen.event.reason
            assert set(seen.step.effects) <= {DISARM, RELEASE}
        elif seen.moved:
            assert seen.step.data.reason == ""


def test_late_facts_are_told_apart(machine: AnyMachine) -> None:
    """Once a connection is replaced or released, all it says is late."""
    for seen in every_connection_step(machine):
        replaced = any(
            isinstance(effect, OpenTransport | ReopenTransport | ReleaseTransport)
            for effect in seen.step.effects
        )
        assert is_late(seen.step.data, Rejoined(seen.data.number)) == replaced
        assert not is_late(seen.step.data, Rejoined(seen.step.data.number))
        assert not is_late(seen.step.data, Leave())


def test_a_failed_connect_is_taken_back(machine: AnyMachine) -> None:
    """Goodbye is owed by what has failed, until it is said or tried again."""
    for seen in every_connection_step(machine):
        owes = seen.step.data.may_be_listed
        if isinstance(seen.event, ConnectFailed | ConnectRefused | GaveUp):
            assert owes == (seen.step.state is DISCONNECTED)
        else:
            assert not owes


class ConnectionWalk(RuleBasedStateMachine):
    """Any sequence of events keeps the laws, late facts being dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(CONNECTION, ConnectionData())
        self.timers = 0
        self.open: set[int] = set()
        self.used: set[int] = set()

    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        """Take the event as a client does and keep books of what is open."""
        event = data.draw(connection_events(self.run.data))
        if is_late(self.run.data, event):
            return
        state, number = self.run.state, self.run.data.number
        owed = self.run.data.may_be_listed
        effects = fired(self.run, event)
        if effects is None:
            return
        heard = state in LIVE or owed
        assert (TELL in effects) == (isinstance(event, Leave) and heard)
        if isinstance(event, ExitDue):
            self.timers -= 1
        if isinstance(event, ConnectFailed | RejoinFailed | GaveUp) and state in LIVE:
            self.open.discard(number)
        for effect in effects:
            self.book(effect)

    def book(self, effect: ConnectionEffect) -> None:
        """Write down what one effect opens, closes, arms and disarms."""
        match effect:
            case OpenTransport(number) | ReopenTransport(number):
                assert number not in self.used
                self.used.add(number)
                self.open.add(number)
            case ReleaseTransport():
                self.open.clear()
            case ArmExit():
                self.timers += 1
            case DisarmExit():
                self.timers -= 1
            case _:
                pass

    @invariant()
    def one_timer(self) -> None:
        """Law 2."""
        assert self.timers == (self.run.state is RECONNECTING)

    @invariant()
    def released_once_per_connection(self) -> None:
        """Law 3: the current connection is open while there is one, no other."""
        live = self.run.state in LIVE
        assert self.open == ({self.run.data.number} if live else set())


TestConnectionWalk = ConnectionWalk.TestCase


@given(st.sampled_from(UTDConnectionState), st.data())
def test_leave_ends_from_any_fitting_data(
    state: UTDConnectionState, data: st.DataObject
) -> None:
    """Law 1, whatever happened before."""
    step = CONNECTION.step(state, data.draw(connection_data(state)), Leave())

    assert step.state in {DISCONNECTED, FORCE_EXIT}
    assert step.data.lost_at is None


def test_each_law_has_a_test() -> None:
    """The docstring's laws and the tests carry the same names."""
    check_names(connection, globals())
