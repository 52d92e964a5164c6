"""What a client decides by all that it hears of calls, from the socket and by REST.

`SignalingState.take` is all of it.  Rows are folded by their revision, wherever they
come from; a call is told as incoming once.

Source: contract.md section 4, Signaling websocket; lessons L39 to L42, L49, L51, L59.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import attrs

from utd_stream.contract.signaling import CallSignal, ReadyFrame
from utd_stream.machines import signal as s
from utd_stream.models.calls import EndInfo, RingEndReason, UTDCall, end_of

__all__ = [
    "AnsweringHere",
    "AskForCall",
    "CallUnknown",
    "KnownCall",
    "NewsCame",
    "ReadyCame",
    "RowCame",
    "SignalingEffect",
    "SignalingFact",
    "SignalingState",
    "SignalingTaken",
    "TellCall",
]

# Calls that are over are remembered for what comes late: so many.
_REMEMBERED = 64


@attrs.frozen
class ReadyCame:
    """The engine took the sign-in of socket *number*."""

    number: int
    frame: ReadyFrame


@attrs.frozen
class NewsCame:
    """Socket *number* told *signal* of *call*, as news *seq*."""

    number: int
    seq: int
    signal: CallSignal
    call: UTDCall


@attrs.frozen
class RowCame:
    """REST answered the row of a call."""

    call: UTDCall


@attrs.frozen
class CallUnknown:
    """The engine has no such call, or has it no more."""

    call_id: str


@attrs.frozen
class AnsweringHere:
    """A session of this client answers the call, or answers it no more."""

    call_id: str
    answers: bool = True


SignalingFact: TypeAlias = (
    s.SignalEvent | ReadyCame | NewsCame | RowCame | CallUnknown | AnsweringHere
)


@attrs.frozen
class AskForCall:
    """Ask the engine for a call whose end was not told."""

    call_id: str


@attrs.frozen
class TellCall:
    """Tell whoever follows the call; *is_incoming* for the first time it rings."""

    call_id: str
    is_incoming: bool = False


SignalingEffect: TypeAlias = s.SignalEffect | AskForCall | TellCall


@attrs.frozen(kw_only=True)
class KnownCall:
    """A call, as far as it is known.

    Attributes:
        call: The newest row.
        is_incoming: It rang here.
        is_elsewhere: Another device answered it.
    """

    call: UTDCall
    is_incoming: bool = False
    is_elsewhere: bool = False

    @property
    def rings(self) -> bool:
        """Whether it rings here now."""
        is_unanswered = self.call.status.is_unanswered and not self.is_elsewhere
        return self.is_incoming and is_unanswered

    @property
    def ended(self) -> EndInfo | None:
        """How it ended, or stopped ringing here; None while it does not."""
        if self.is_elsewhere:
            reason = RingEndReason.ANSWERED_ELSEWHERE
            return EndInfo(status=self.call.status, reason=reason)
        return end_of(self.call)


@attrs.frozen(kw_only=True)
class SignalingState:
    """All that a client decides by.

    Attributes:
        identity: Who is signed in.
        socket: Where the socket stands.
        data: What its machine remembers.
        epoch: Names the engine's database; None before the first `ready`.
        seq: Of the newest news that was heard.
        going: Calls that ring or go on, by id, oldest first.
        over: The newest that are over, by id, the one told last at the end.
        answering: Those that sessions of this client answer, or have answered.
    """

    identity: str
    socket: s.SignalState = s.SIGNAL.initial
    data: s.SignalData = attrs.field(factory=s.SignalData)
    epoch: str | None = None
    seq: int | None = None
    going: Mapping[str, KnownCall] = MappingProxyType({})
    over: Mapping[str, KnownCall] = MappingProxyType({})
    answering: frozenset[str] = frozenset()

    def known(self, call_id: str) -> KnownCall | None:
        """Return what is known of a call; None if nothing is."""
        return self.going.get(call_id) or self.over.get(call_id)

    @property
    def polls(self) -> bool:
        """Whether the engine is asked for calls that go on: no socket tells of them."""
        return self.socket is not s.SignalState.READY and bool(self.going)

    @property
    def ringing(self) -> tuple[str, ...]:
        """The calls that ring here now, by id, oldest first."""
        rings = (i for i, known in self.going.items() if known.rings)
        return tuple(i for i in rings if i not in self.answering)

    def is_late(self, fact: SignalingFact) -> bool:
        """Whether *fact* belongs to a socket that was given up."""
        return s.is_late(self.data, fact)

    def take(self, fact: SignalingFact) -> SignalingTaken:  # noqa: PLR0911 -- a line each
        """Take one fact; a pure function.

        Raises:
            InvalidTransitionError: If it does not fit.
        """
        match fact:
            case ReadyCame(number, frame):
                return _ready(self, number, frame)
            case NewsCame(_, seq, signal, call):
                if self.seq is not None and seq <= self.seq:
                    return SignalingTaken(self)  # told twice
                elsewhere = signal is CallSignal.ANSWERED_ELSEWHERE
                state = attrs.evolve(self, seq=seq)
                return _folded(state, (call,), is_elsewhere=elsewhere)
            case RowCame(call):
                return _folded(self, (call,))
            case CallUnknown(call_id):
                return SignalingTaken(_without(self, call_id))
            case AnsweringHere(call_id, answers):
                rest = self.answering - {call_id}
                answering = rest | {call_id} if answers else rest
                return SignalingTaken(attrs.evolve(self, answering=answering))
            case _:
                step = s.SIGNAL.step(self.socket, self.data, fact)
                state = attrs.evolve(self, socket=step.state, data=step.data)
                return SignalingTaken(state, step.effects)


@attrs.frozen
class SignalingTaken:
    """What one fact did.

    Attributes:
        state: After it.
        effects: What is begun then, in this order.
        derived: Facts that follow, to be taken next.
    """

    state: SignalingState
    effects: tuple[SignalingEffect, ...] = ()
    derived: tuple[SignalingFact, ...] = ()


def _ready(state: SignalingState, number: int, frame: ReadyFrame) -> SignalingTaken:
    is_prolonged = state.socket is s.SignalState.READY
    seq = state.seq if is_prolonged or frame.resumed else frame.seq
    taken = _folded(attrs.evolve(state, epoch=frame.epoch, seq=seq), frame.calls)
    told = {call.call_id for call in frame.calls}
    # What goes on here and is not told has ended while nobody listened.
    lost = [i for i in state.going if i not in told and not frame.resumed]
    return SignalingTaken(
        taken.state,
        (*taken.effects, *map(AskForCall, lost)),
        (s.SocketReadied(number),),
    )


def _folded(
    state: SignalingState, calls: Iterable[UTDCall], *, is_elsewhere: bool = False
) -> SignalingTaken:
    effects: list[SignalingEffect] = []
    for call in calls:
        before = state.known(call.call_id)
        known = _known(state, before, call, is_elsewhere=is_elsewhere)
        if known == before:
            continue
        state = _with(state, known)
        began = known.is_incoming and not (before and before.is_incoming)
        effects.append(TellCall(call.call_id, is_incoming=began))
    return SignalingTaken(state, tuple(effects))


def _known(
    state: SignalingState,
    before: KnownCall | None,
    call: UTDCall,
    *,
    is_elsewhere: bool,
) -> KnownCall:
    known = before or KnownCall(call=_without_way_in(call))
    if call.rev > known.call.rev:
        known = attrs.evolve(known, call=_without_way_in(call))
    now = known.call.status
    is_mine = call.callee_identity == state.identity
    is_here = call.call_id in state.answering
    rings = is_mine and now.is_unanswered and not is_here
    # Whoever answers here says so before the engine is asked.
    is_active = not (now.is_unanswered or now.is_final)
    elsewhere = is_mine and is_active and not is_here
    return attrs.evolve(
        known,
        is_incoming=known.is_incoming or rings,
        is_elsewhere=known.is_elsewhere or is_elsewhere or elsewhere,
    )


def _without_way_in(call: UTDCall) -> UTDCall:
    return attrs.evolve(call, token=None, url=None)


def _with(state: SignalingState, known: KnownCall) -> SignalingState:
    call_id = known.call.call_id
    if known.call.status.is_live:
        going = {**state.going, call_id: known}
        return attrs.evolve(state, going=MappingProxyType(going))
    over = {**_but(state.over, call_id), call_id: known}
    state = attrs.evolve(
        state, going=_but(state.going, call_id), over=MappingProxyType(over)
    )
    return _without(state, next(iter(over))) if len(over) > _REMEMBERED else state


def _without(state: SignalingState, call_id: str) -> SignalingState:
    return attrs.evolve(
        state,
        going=_but(state.going, call_id),
        over=_but(state.over, call_id),
        answering=state.answering - {call_id},
    )


def _but(calls: Mapping[str, KnownCall], call_id: str) -> Mapping[str, KnownCall]:
    return MappingProxyType({i: known for i, known in calls.items() if i != call_id})
