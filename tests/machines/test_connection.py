"""The connection machine keeps the laws of its docstring."""

from __future__ import annotations

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
from tests.machines.steps import Seen, every_step, fired
from utd_stream.machines import CONNECTION, Run, connection
from utd_stream.machines.connection import (
    FORCE_EXIT_AFTER,
    LIGHT_OUTAGE,
    RECONNECT_PAUSE,
    RETRY_PAUSE,
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
    TellEngine,
    TransportLost,
    is_late,
)
from utd_stream.models.rooms import UTDConnectionState
from utd_stream.testing.strategies import connection_data, connection_events

DISCONNECTED, CONNECTING, CONNECTED, RECONNECTING, FORCE_EXIT = UTDConnectionState
LIVE = (CONNECTING, CONNECTED, RECONNECTING)

VOCABULARY = Vocabulary(
    events=ConnectionEvent,
    effects=ConnectionEffect,
    commands=frozenset({Connect, Leave}),
)
WHERE: dict[type, tuple[UTDConnectionState, ...]] = {
    **dict.fromkeys((Admitted, ConnectFailed), (CONNECTING,)),
    **dict.fromkeys((RejoinFailed, ExitDue), (RECONNECTING,)),
    **dict.fromkeys((ConnectRefused, Resumed), (CONNECTING, RECONNECTING)),
    **dict.fromkeys((TransportLost, GaveUp, Removed), LIVE),
    Rejoined: (CONNECTED, RECONNECTING),
}

LOST_AT = 100.0
SHORT, LONG = LOST_AT + LIGHT_OUTAGE - 0.001, LOST_AT + LIGHT_OUTAGE
RELEASE, TELL = ReleaseTransport(), TellEngine()
ARM, DISARM = ArmExit(FORCE_EXIT_AFTER), DisarmExit()
# The order of effects: a read sees what the others have done.
ORDER = (
    *(ArmExit, DisarmExit, TellEngine, ReleaseTransport),
    *(OpenTransport, ReopenTransport, ReadRoom, ReadState),
)


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return CONNECTION


def everything(data: ConnectionData) -> tuple[ConnectionEvent, ...]:
    """Return every event of the connection that is current."""
    number = data.number
    return (
        *(Connect(0), Connect(2), Leave(), ExitDue(), Admitted(number)),
        *(ConnectFailed(number), ConnectRefused(number), RejoinFailed(number)),
        *(TransportLost(number, at) for at in (LOST_AT, SHORT)),
        *(Resumed(number, at) for at in (SHORT, LONG)),
        *(GaveUp(number, at) for at in (LOST_AT, SHORT)),
        *(Rejoined(number), Removed(number, "room_deleted")),
    )


@lru_cache(maxsize=1)
def every_connection_step(machine: AnyMachine) -> tuple[Seen, ...]:
    """Return each step that can be taken within three connections."""
    steps = every_step(
        machine, ConnectionData(), everything, within=lambda data: data.number <= 3
    )
    return tuple(steps)


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_leave_always_ends(machine: AnyMachine) -> None:
    """Leave is taken in every state; the engine is told of a live connection."""
    left = set()
    for seen in every_connection_step(machine):
        if isinstance(seen.event, Leave):
            left.add(seen.state)
            ended = FORCE_EXIT if seen.state is FORCE_EXIT else DISCONNECTED
            assert seen.step.state is ended
            live = seen.state in LIVE
            assert (RELEASE in seen.step.effects) == live
            assert (TELL in seen.step.effects) == (live or seen.data.may_be_listed)
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
    """Each opened transport is released, or replaced by the next try, once."""
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


def test_effects_keep_their_order(machine: AnyMachine) -> None:
    """The engine is told before the transport is released; what reads comes last."""
    for seen in every_connection_step(machine):
        ranks = [ORDER.index(type(effect)) for effect in seen.step.effects]
        assert ranks == sorted(ranks)


def test_connect_always_begins(machine: AnyMachine) -> None:
    """Connect begins a new connection in every state, with tries and no past."""
    begun = set()
    for seen in every_connection_step(machine):
        if isinstance(seen.event, Connect):
            begun.add(seen.state)
            number = seen.data.number + 1
            assert seen.step.state is CONNECTING
            assert seen.step.effects[-1] == OpenTransport(number)
            expected = ConnectionData(number=number, tries=seen.event.tries)
            assert seen.step.data == expected
    assert begun == set(UTDConnectionState)


def test_facts_come_where_they_fit(machine: AnyMachine) -> None:
    """A live connection takes each fact that it can cause, and no other state does."""
    check_where_taken(machine, WHERE)


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
    """An admission, or a repair within 15 s, reads the room's metadata only."""
    for seen in every_connection_step(machine):
        was_short = isinstance(seen.event, Admitted)
        if isinstance(seen.event, Resumed) and seen.state is RECONNECTING:
            was_short = seen.event.at < seen.data.lost_at + 15
        light = was_short and seen.step.state is CONNECTED
        assert (ReadRoom() in seen.step.effects) == light


def test_long_outage_is_full(machine: AnyMachine) -> None:
    """A longer outage, or a new connection, reads everything again."""
    for seen in every_connection_step(machine):
        if isinstance(seen.event, Rejoined):
            assert seen.step.effects[-1] == ReadState()
        elif isinstance(seen.event, Resumed) and seen.state is RECONNECTING:
            is_long = seen.event.at >= seen.data.lost_at + 15
            assert (ReadState() in seen.step.effects) == is_long
        else:
            assert ReadState() not in seen.step.effects


def test_connected_means_connected(machine: AnyMachine) -> None:
    """A connection under repair is not connected, and a repaired one is."""
    for seen in every_connection_step(machine):
        broken = seen.step.data.broken
        if seen.step.state not in {CONNECTING, RECONNECTING}:
            assert not broken
        if isinstance(seen.event, TransportLost):
            assert broken
        elif (
            isinstance(seen.event, Resumed) or seen.step.data.number > seen.data.number
        ):
            assert not broken
        else:
            assert broken == seen.data.broken
        if isinstance(seen.event, Admitted | Rejoined):
            assert (seen.step.state is CONNECTED) != broken
        elif isinstance(seen.event, Resumed):
            repaired = CONNECTING if seen.state is CONNECTING else CONNECTED
            assert seen.step.state is repaired
        elif isinstance(seen.event, TransportLost):
            lost = CONNECTING if seen.state is CONNECTING else RECONNECTING
            assert seen.step.state is lost


def test_first_connect_is_tried_again(machine: AnyMachine) -> None:
    """As often as there are tries, half a second apart; then it fails."""
    for seen in every_connection_step(machine):
        fails = isinstance(seen.event, ConnectFailed | GaveUp)
        if seen.state is CONNECTING and fails:
            if seen.data.tries > 0:
                again = OpenTransport(seen.data.number + 1, RETRY_PAUSE)
                assert (seen.step.state, seen.step.effects) == (CONNECTING, (again,))
                assert seen.step.data.tries == seen.data.tries - 1
            else:
                failed = (DISCONNECTED, (RELEASE,))
                assert (seen.step.state, seen.step.effects) == failed


def test_lost_connection_is_replaced(machine: AnyMachine) -> None:
    """A connection that ends is replaced at once, and a failed try after a pause."""
    for seen in every_connection_step(machine):
        number = seen.data.number + 1
        match seen.event:
            case GaveUp() if seen.state is not CONNECTING:
                assert seen.step.effects[-1] == ReopenTransport(number)
            case RejoinFailed():
                again = ReopenTransport(number, RECONNECT_PAUSE)
                assert seen.step.effects == (again,)
            case _:
                assert not any(
                    isinstance(effect, ReopenTransport) for effect in seen.step.effects
                )


def test_what_has_ended_is_not_admitted(machine: AnyMachine) -> None:
    """A connection that ends before its Admitted comes is never connected."""
    for seen in every_connection_step(machine):
        if isinstance(seen.event, GaveUp):
            assert is_late(seen.step.data, Admitted(seen.data.number))
            assert seen.step.state is not CONNECTED


def test_removal_is_no_outage(machine: AnyMachine) -> None:
    """A removed client is disconnected, and knows why until it connects again."""
    for seen in every_connection_step(machine):
        if isinstance(seen.event, Removed):
            assert seen.step.state is DISCONNECTED
            assert seen.step.data.reason == seen.event.reason
        elif seen.moved:
            assert seen.step.data.reason == ""


def test_late_facts_are_told_apart(machine: AnyMachine) -> None:
    """All facts of a connection are late once it is replaced or released."""
    for seen in every_connection_step(machine):
        replaced = any(
            isinstance(effect, OpenTransport | ReopenTransport | ReleaseTransport)
            for effect in seen.step.effects
        )
        assert is_late(seen.step.data, Rejoined(seen.data.number)) == replaced
        assert not is_late(seen.step.data, Rejoined(seen.step.data.number))
        assert not is_late(seen.step.data, Leave())


def test_a_failed_connect_is_taken_back(machine: AnyMachine) -> None:
    """The engine may list a client whose connect failed, until Leave or Connect."""
    for seen in every_connection_step(machine):
        listed = seen.step.data.may_be_listed
        if isinstance(seen.event, ConnectFailed | ConnectRefused | GaveUp):
            assert listed == (seen.step.state is DISCONNECTED)
        else:
            assert not listed


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
        """Take the event as a client does, and note what is open."""
        event = data.draw(connection_events(self.run.data))
        if is_late(self.run.data, event):
            return
        state, number = self.run.state, self.run.data.number
        listed = self.run.data.may_be_listed
        effects = fired(self.run, event)
        if effects is None:
            return
        known = state in LIVE or listed
        assert (TELL in effects) == (isinstance(event, Leave) and known)
        if isinstance(event, ExitDue):
            self.timers -= 1
        if isinstance(event, ConnectFailed | RejoinFailed | GaveUp) and state in LIVE:
            self.open.discard(number)
        for effect in effects:
            self.book(effect)

    def book(self, effect: ConnectionEffect) -> None:
        """Note what one effect opens, closes, arms and disarms."""
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
