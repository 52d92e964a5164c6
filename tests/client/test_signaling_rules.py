"""What a client makes of all that it hears of calls, in whatever order it comes."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest

from utd_stream.client._signaling import signal_url
from utd_stream.client.rules.signaling import (
    AnsweringHere,
    AskForCall,
    CallUnknown,
    KnownCall,
    NewsCame,
    ReadyCame,
    RowCame,
    SignalingFact,
    SignalingState,
    TellCall,
)
from utd_stream.contract.signaling import CallSignal, ReadyFrame
from utd_stream.machines.signal import Open, SignalState, SocketLost
from utd_stream.models.calls import (
    CallEndReason,
    RingEndReason,
    UTDCall,
    UTDCallStatus,
)
from utd_stream.models.rooms import UTDStreamType

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
CALL = UTDCall(
    call_id="call_1",
    type=UTDStreamType.AUDIO_CALL,
    status=UTDCallStatus.INITIATING,
    caller_identity="ana",
    callee_identity="ben",
    room_name="call_1",
    rev=1,
    ring_until=NOON,
    initiated_at=NOON,
)
RINGING = attrs.evolve(CALL, status=UTDCallStatus.RINGING, rev=2)
ACTIVE = attrs.evolve(CALL, status=UTDCallStatus.ACTIVE, rev=3)
ENDED = attrs.evolve(
    CALL,
    status=UTDCallStatus.ENDED,
    rev=4,
    ended_at=NOON,
    end_reason=CallEndReason.CANCELLED,
    ended_by="ana",
)
INCOMING = TellCall("call_1", is_incoming=True)


class Device:
    """A device of ben's, and what it begins."""

    def __init__(self, identity: str = "ben") -> None:
        self.state = SignalingState(identity=identity)
        self.effects: list[object] = []

    def hear(self, *facts: SignalingFact) -> None:
        """Take facts, and what follows from them."""
        for fact in facts:
            taken = self.state.take(fact)
            self.state = taken.state
            self.effects += taken.effects
            self.hear(*taken.derived)

    def news(self, seq: int, signal: CallSignal, call: UTDCall) -> None:
        """Take news of its socket."""
        self.hear(NewsCame(self.state.data.number, seq, signal, call))

    def ready(self, *calls: UTDCall, resumed: bool = False, seq: int = 0) -> None:
        """Take `ready`."""
        frame = ReadyFrame(
            epoch="e", seq=seq, resumed=resumed, calls=calls, expires_at=NOON
        )
        self.hear(ReadyCame(self.state.data.number, frame))

    @property
    def rings(self) -> bool:
        """Whether the call rings."""
        return self.state.ringing == ("call_1",)


def known(device: Device, call_id: str = "call_1") -> KnownCall:
    """Return what a device knows of a call."""
    told = device.state.known(call_id)
    assert told is not None
    return told


def test_a_call_is_told_once() -> None:
    """However often, and by whichever way, it comes."""
    ben = Device()
    ben.hear(RowCame(CALL))
    ben.news(1, CallSignal.INCOMING, CALL)
    ben.ready(CALL)
    ben.hear(RowCame(CALL))

    assert ben.effects.count(INCOMING) == 1
    assert ben.rings


def test_news_told_twice_is_heard_once() -> None:
    """By its number."""
    ben = Device()
    ben.news(5, CallSignal.RINGING, RINGING)
    before = ben.state
    ben.news(5, CallSignal.RINGING, attrs.evolve(RINGING, rev=9))
    ben.news(4, CallSignal.ENDED, ENDED)

    assert ben.state == before


@pytest.mark.parametrize("late", [CALL, RINGING, ACTIVE])
def test_what_is_over_never_rings(late: UTDCall) -> None:
    """An older row that comes later changes nothing (L49)."""
    ben = Device()
    ben.hear(RowCame(ENDED), RowCame(late))

    assert not ben.rings
    assert INCOMING not in ben.effects
    assert known(ben).call is not late


def test_an_outcome_that_overtakes_is_kept() -> None:
    """L39: the create's answer comes after the end of the call."""
    ana = Device("ana")
    ana.news(1, CallSignal.REJECTED, ENDED)
    ana.hear(RowCame(attrs.evolve(CALL, token="t", url="u")))  # noqa: S106 -- none

    assert known(ana).call == ENDED


def test_nobody_rings_who_calls() -> None:
    """One's own call is not incoming."""
    ana = Device("ana")
    ana.hear(RowCame(CALL), RowCame(RINGING))

    assert not ana.rings
    assert INCOMING not in ana.effects


def test_an_answer_elsewhere_stops_the_ring() -> None:
    """L40, L41: it rings no more, and says which it was; the end changes that not."""
    ben = Device()
    ben.news(1, CallSignal.INCOMING, CALL)
    ben.news(2, CallSignal.ANSWERED_ELSEWHERE, ACTIVE)
    told = known(ben)

    assert not ben.rings
    assert told.ended is not None
    assert told.ended.reason is RingEndReason.ANSWERED_ELSEWHERE


def test_an_answer_heard_of_by_rest_is_elsewhere_too() -> None:
    """A device without a socket polls: active, and not by this device."""
    ben = Device()
    ben.hear(RowCame(RINGING), RowCame(ACTIVE))

    assert not ben.rings
    ended = known(ben).ended
    assert ended is not None
    assert ended.reason is RingEndReason.ANSWERED_ELSEWHERE


@pytest.mark.parametrize("is_known", [True, False])
def test_what_is_answered_here_does_not_ring(is_known: bool) -> None:  # noqa: FBT001
    """L51: also where the call is told only while it is being answered."""
    ben = Device()
    if is_known:
        ben.hear(RowCame(CALL))
    ben.hear(AnsweringHere("call_1"))
    ben.effects.clear()
    ben.news(1, CallSignal.INCOMING, CALL)
    ben.news(2, CallSignal.RINGING, RINGING)
    assert not ben.rings
    assert INCOMING not in ben.effects

    ben.news(3, CallSignal.ACCEPTED, ACTIVE)
    assert known(ben).ended is None  # L43


def test_an_answer_that_is_taken_back_rings_again() -> None:
    """It still waits for somebody."""
    ben = Device()
    ben.hear(RowCame(RINGING), AnsweringHere("call_1"))
    assert not ben.rings

    ben.hear(AnsweringHere("call_1", answers=False))

    assert ben.rings


def test_a_call_that_is_gone_is_asked_for() -> None:
    """Where the engine knows not what was missed, a call it does not name is over."""
    ben = Device()
    ben.ready(CALL)
    ben.effects.clear()

    ben.ready(resumed=False)
    assert AskForCall("call_1") in ben.effects


def test_a_resumed_socket_tells_the_rest() -> None:
    """What it does not name follows, and is not asked for."""
    ben = Device()
    ben.ready(CALL, seq=3)
    ben.effects.clear()

    ben.ready(resumed=True, seq=3)

    assert not [each for each in ben.effects if isinstance(each, AskForCall)]
    assert ben.state.seq == 3


def test_a_new_epoch_drops_the_old_number() -> None:
    """L59: numbers of another database mean nothing."""
    ben = Device()
    ben.ready(seq=900)
    ben.ready(seq=2)
    ben.news(3, CallSignal.INCOMING, CALL)

    assert ben.rings


def test_ready_makes_the_socket_ready() -> None:
    """By the machine."""
    ben = Device()
    ben.hear(Open())
    ben.ready()

    assert ben.state.socket is SignalState.READY


def test_calls_that_are_over_are_forgotten_in_the_end() -> None:
    """The newest are remembered, and every one that goes on."""
    ben = Device()
    ben.hear(RowCame(attrs.evolve(CALL, call_id="live")))
    for number in range(500):
        ben.hear(RowCame(attrs.evolve(ENDED, call_id=f"over {number}")))

    assert len(ben.state.over) == 64
    assert list(ben.state.going) == ["live"]
    assert "over 499" in ben.state.over

    ben.effects.clear()
    ben.hear(RowCame(attrs.evolve(ENDED, call_id="live")))
    assert ben.effects == [TellCall("live")]
    assert known(ben, "live").call.status is UTDCallStatus.ENDED


def test_calls_are_asked_for_while_no_socket_tells() -> None:
    """Those that go on, and nothing where none does."""
    ben = Device()
    assert not ben.state.polls
    ben.hear(RowCame(CALL))
    assert ben.state.polls
    ben.hear(Open())
    ben.ready(CALL)
    assert not ben.state.polls
    ben.hear(RowCame(ENDED), SocketLost(ben.state.data.number))
    assert not ben.state.polls


def test_a_call_that_the_engine_has_not_rings_no_more() -> None:
    """As after a database was lost."""
    ben = Device()
    ben.hear(RowCame(RINGING), CallUnknown("call_1"))

    assert not ben.rings
    assert not ben.state.going
    assert not ben.state.over


def test_whose_answer_it_was_is_forgotten_with_the_call() -> None:
    """However many calls are answered."""
    ben = Device()
    for number in range(200):
        call_id = f"call {number}"
        ben.hear(AnsweringHere(call_id), RowCame(attrs.evolve(ENDED, call_id=call_id)))

    assert len(ben.state.answering) == 64


@pytest.mark.parametrize(
    ("base_url", "ws_url", "expected"),
    [
        ("http://127.0.0.1:8080", "", "ws://127.0.0.1:8080/api/v1/signal"),
        ("https://x.org/audio/", "", "wss://x.org/audio/api/v1/signal"),
        (
            "https://x.org:8443/audio",
            "ws://x.org/api/v1/signal",
            "wss://x.org:8443/audio/api/v1/signal",
        ),
        ("https://x.org", "wss://calls.x.org/s", "wss://calls.x.org/s"),
    ],
)
def test_the_socket_is_where_the_engine_is(
    base_url: str, ws_url: str, expected: str
) -> None:
    """By the way of requests, through TLS and below a path; else where it is told."""
    assert signal_url(base_url, ws_url) == expected


def test_no_way_into_the_media_room_is_kept() -> None:
    """Tokens are nobody's but the session's."""
    ben = Device()
    ben.hear(RowCame(attrs.evolve(CALL, token="t", url="u")))  # noqa: S106 -- none

    assert known(ben).call.token is None
