"""The signal machine keeps the laws of its docstring."""

from __future__ import annotations

from functools import lru_cache

import attrs
import pytest
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
from utd_stream.machines import SIGNAL, Run, signal
from utd_stream.machines.signal import (
    Close,
    DialSocket,
    DropSocket,
    Hinted,
    Open,
    PauseOver,
    RenewFailed,
    RenewLater,
    RenewSignIn,
    SignalData,
    SignalEffect,
    SignalEvent,
    SignalState,
    SignInDue,
    SignInRefused,
    SocketBanned,
    SocketLost,
    SocketReadied,
    SocketReplaced,
    StartPause,
    is_late,
)
from utd_stream.testing.strategies import signal_events

OFF, CONNECTING, READY, WAITING, REFUSED = SignalState
OPENED = {CONNECTING, READY}

VOCABULARY = Vocabulary(
    events=SignalEvent, effects=SignalEffect, commands=frozenset({Open, Close})
)


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return SIGNAL


def everything(data: SignalData) -> tuple[SignalEvent, ...]:
    """Return every event of the socket that goes on."""
    number = data.number
    return (
        *(Open(), Close(), Hinted(), PauseOver(number)),
        *(SocketReadied(number), SocketLost(number)),
        *(SocketBanned(number), SocketReplaced(number)),
        *(SignInRefused(number), SignInDue(number)),
        *(RenewFailed(number, may_pass=each) for each in (True, False)),
    )


@lru_cache(maxsize=1)
def every_signal_step(machine: AnyMachine) -> tuple[Seen, ...]:
    """Return each step, whatever the socket's number; two losses stand for more."""
    steps = every_step(
        *(machine, SignalData(number=1), everything),
        alike=lambda data: attrs.evolve(data, number=1, tries=min(data.tries, 2)),
    )
    return tuple(steps)


def asked(seen: Seen, kind: type) -> list[object]:
    """Return the effects of one kind."""
    return [effect for effect in seen.step.effects if isinstance(effect, kind)]


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_everything_comes_anywhere(machine: AnyMachine) -> None:
    """Facts of the network come whenever they like."""
    check_where_taken(machine, {})


def refused(seen: Seen) -> bool:
    """Whether it is the first refusal of a sign-in."""
    first = isinstance(seen.event, SignInRefused) and not seen.data.renewed
    return first and seen.state in OPENED


def test_one_socket_at_a_time(machine: AnyMachine) -> None:
    """A socket is dialed on entering connecting and for a renewed sign-in alone."""
    for seen in every_signal_step(machine):
        enters = seen.moved and seen.step.state is CONNECTING
        dials = enters or refused(seen)
        number = seen.step.data.number
        dialed = [DialSocket(number, renews=refused(seen))] if dials else []
        assert asked(seen, DialSocket) == dialed
        assert not dials or seen.step.state is CONNECTING


def test_a_lost_socket_comes_back(machine: AnyMachine) -> None:
    """A loss leads to waiting, and the end of the pause or a hint to connecting."""
    for seen in every_signal_step(machine):
        match seen.event:
            case SocketLost():
                after = WAITING if seen.state in OPENED else seen.state
            case PauseOver() | Hinted():
                after = CONNECTING if seen.state is WAITING else seen.state
            case SocketReadied():
                after = READY if seen.state in OPENED else seen.state
            case _:
                continue
        assert seen.step.state is after


def test_a_refused_sign_in_is_renewed_once(machine: AnyMachine) -> None:
    """The second refusal in a row is the end, and so is one that cannot be renewed."""
    for seen in every_signal_step(machine):
        if isinstance(seen.event, SignInRefused) and seen.state in OPENED:
            assert seen.step.state is (CONNECTING if refused(seen) else REFUSED)
        elif isinstance(seen.event, RenewFailed) and seen.state is CONNECTING:
            may_pass = seen.event.may_pass
            assert seen.step.state is (WAITING if may_pass else REFUSED)
        elif isinstance(seen.event, SignInRefused | RenewFailed):
            assert seen.step.state is seen.state
        is_anew = isinstance(seen.event, Close | SocketReadied | Open)
        keeps = seen.data.renewed and not (is_anew and counts_anew(seen))
        assert seen.step.data.renewed == (keeps or refused(seen))


def counts_anew(seen: Seen) -> bool:
    """Whether the losses and the renewal are forgotten."""
    match seen.event:
        case Close():
            return True
        case SocketReadied():
            return seen.state in OPENED
        case Open():
            return seen.state in {OFF, REFUSED}
        case _:
            return False


def test_who_was_replaced_does_not_dial(machine: AnyMachine) -> None:
    """Replaced and Banned lead to refused, which only Open and Close leave."""
    for seen in every_signal_step(machine):
        if isinstance(seen.event, SocketBanned | SocketReplaced):
            ends = seen.state in OPENED
            assert seen.step.state is (REFUSED if ends else seen.state)
        elif seen.state in {OFF, REFUSED}:
            opens = isinstance(seen.event, Open)
            closes = isinstance(seen.event, Close)
            after = CONNECTING if opens else OFF if closes else seen.state
            assert seen.step.state is after
        elif isinstance(seen.event, Open):
            assert seen.step.state is seen.state


def test_pauses_grow_until_ready(machine: AnyMachine) -> None:
    """Every loss counts, its pause is told the number, and Ready counts anew."""
    for seen in every_signal_step(machine):
        waits = seen.moved and seen.step.state is WAITING
        tries = 0 if counts_anew(seen) else seen.data.tries + waits
        assert seen.step.data.tries == tries
        pause = [StartPause(seen.step.data.number, tries)] if waits else []
        assert asked(seen, StartPause) == pause


def test_an_expiring_sign_in_is_renewed(machine: AnyMachine) -> None:
    """A ready socket stays ready while its sign-in is renewed, and tried again."""
    for seen in every_signal_step(machine):
        is_ready, number = seen.state is READY, seen.data.number
        expiring = is_ready and isinstance(seen.event, SignInDue)
        failed = is_ready and isinstance(seen.event, RenewFailed)
        assert asked(seen, RenewSignIn) == ([RenewSignIn(number)] if expiring else [])
        assert asked(seen, RenewLater) == ([RenewLater(number)] if failed else [])
        if expiring or failed:
            assert seen.step.state is READY
        elif isinstance(seen.event, SignInDue):
            assert seen.step.state is seen.state


def test_close_ends_it(machine: AnyMachine) -> None:
    """Close leads to off from anywhere, and drops the socket."""
    for seen in every_signal_step(machine):
        closes = isinstance(seen.event, Close)
        assert asked(seen, DropSocket) == ([DropSocket()] if closes else [])
        assert not closes or seen.step.state is OFF
        assert seen.step.state is not OFF or closes or seen.state is OFF


def test_ended_sockets_are_late(machine: AnyMachine) -> None:
    """Whatever ends or begins a socket or a pause has the next number."""
    for seen in every_signal_step(machine):
        becomes_ready = seen.step.state is READY
        moved = seen.moved and not becomes_ready
        counts = moved or refused(seen) or isinstance(seen.event, Close)
        assert seen.step.data.number == seen.data.number + counts
        assert is_late(seen.step.data, SocketLost(seen.data.number)) == counts
        assert not is_late(seen.step.data, SocketLost(seen.step.data.number))
        assert not is_late(seen.step.data, Hinted())


class SignalWalk(RuleBasedStateMachine):
    """Any sequence of events keeps the laws, late facts being dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(SIGNAL, SignalData())
        self.dialed: int | None = None

    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        """Take the event as a client does, and note which socket there is."""
        event = data.draw(signal_events(self.run.data))
        if is_late(self.run.data, event):
            return
        effects = fired(self.run, event) or ()
        if self.run.state not in OPENED:
            self.dialed = None
        for effect in effects:
            if isinstance(effect, DialSocket):
                self.dialed = effect.number

    @invariant()
    def there_is_one_socket(self) -> None:
        """Laws 1 and 9: the socket that was dialed last is the one that is heard."""
        is_open = self.run.state in OPENED
        assert self.dialed == (self.run.data.number if is_open else None)


TestSignalWalk = SignalWalk.TestCase


def test_each_law_has_a_test() -> None:
    """The docstring's laws and the tests carry the same names."""
    check_names(signal, globals())
