"""A session of a call: one outcome, the same at every device and in the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.client.telephone import Telephone, outcome, telephone
from tests.sources import BEGINS_WRONG, Source
from utd_stream.client.call import UTDCallSession
from utd_stream.errors import (
    ClosedError,
    ConflictError,
    InvalidArgumentError,
    InvalidTransitionError,
    NotFoundError,
    PublishError,
    RefusedError,
    TransportError,
    UsageError,
    UTDStreamException,
)
from utd_stream.machines.calling import CallingState
from utd_stream.models.calls import (
    CallDirection,
    CallEndReason,
    RingEndReason,
    UTDCallStatus,
)
from utd_stream.models.names import sfu_room_name
from utd_stream.models.rooms import UTDStreamType

__all__ = ["telephone"]

ACTIVE, ENDED = UTDCallStatus.ACTIVE, UTDCallStatus.ENDED
FOREIGN = "call_" + "0" * 24


# What becomes of a call.


def test_a_call_is_made_answered_and_ended(telephone: Telephone) -> None:
    """Both are heard, both hear the same end, and nobody is busy afterwards."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    calling, answering = telephone.talk(ana, ben)
    assert (calling.microphone_muted.value, answering.microphone_muted.value) == (
        False,
        False,
    )
    assert calling.direction.value is CallDirection.OUTGOING
    assert answering.direction.value is CallDirection.INCOMING
    assert calling.call_id.value == answering.call_id.value == ben.told[0]

    telephone.sim.advance(10)
    telephone.sim.run(answering.end())
    telephone.sim.settle()

    expected = (ENDED, CallEndReason.CALLEE_HANGUP)
    assert outcome(calling) == outcome(answering) == expected
    assert calling.end_info.value == answering.end_info.value
    (call,) = telephone.calls("ana")
    assert (call.duration_seconds, call.ended_by) == (10, "ben")
    assert not any(each.connected.value for each in (calling, answering))


def test_start_says_that_it_rings(telephone: Telephone) -> None:
    """A client that listens says so by itself; the status is the engine's."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    session = ana.session()
    seen: list[UTDCallStatus | None] = []
    session.status.subscribe(seen.append)
    telephone.sim.run(session.start("ben", "Ben", {"theme": "blue"}))
    telephone.sim.settle()

    assert seen == [None, UTDCallStatus.INITIATING, UTDCallStatus.RINGING]
    assert ben.rings
    call = ben.rang[0].call.value
    assert (call.callee_name, call.metadata) == ("Ben", {"theme": "blue"})


def test_no_media_of_the_callee_before_the_answer(telephone: Telephone) -> None:
    """L53: the caller alone is in the media room while it rings."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    session = ana.session()
    telephone.sim.run(session.start("ben"))
    telephone.sim.advance(5)

    room = sfu_room_name(telephone.sim.world.app.id, session.room_name)
    found = telephone.sim.run(telephone.sim.world.sfu.list_participants(room))
    assert [each.identity for each in found] == ["ana"]
    assert ben.rings


@pytest.mark.parametrize(
    ("act", "status", "reason"),
    [
        ("reject", UTDCallStatus.REJECTED, CallEndReason.REJECTED),
        ("busy", UTDCallStatus.BUSY, CallEndReason.BUSY),
        ("cancel", ENDED, CallEndReason.CANCELLED),
        ("decline", ENDED, CallEndReason.DECLINED),
        ("nothing", UTDCallStatus.MISSED, CallEndReason.NO_ANSWER),
    ],
)
def test_every_device_hears_the_outcome(
    telephone: Telephone, act: str, status: UTDCallStatus, reason: CallEndReason
) -> None:
    """L40, L41: one end, the same everywhere; nothing rings on, nobody is busy."""
    ana, ben, desk = map(telephone.phone, ("ana", "ben", "ben"))
    session, followed = ana.session(), ben.session()
    telephone.sim.run(session.start("ben"))
    telephone.sim.settle()
    rang = [phone.rang[0] for phone in (ben, desk)]
    acts: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "reject": rang[0].reject,
        "busy": rang[0].busy,
        "cancel": session.end,
        "decline": followed.end,
    }
    if act == "decline":
        telephone.sim.run(followed.ringing(session.room_name))
    if act in acts:
        telephone.sim.run(acts[act]())
    telephone.sim.advance(31)

    assert outcome(session) == (status, reason)
    for incoming in rang:
        ended = incoming.ended.value
        assert ended is not None
        assert (ended.status, ended.reason) == (status, reason)
    assert not any(phone.rings for phone in (ben, desk))
    telephone.nobody_is_busy()
    telephone.sim.run(session.start("ben"))  # later calls work


def test_one_device_answers(telephone: Telephone) -> None:
    """L42, L43: the others stop, say why, and never turn active."""
    ana, ben, desk = map(telephone.phone, ("ana", "ben", "ben"))
    followed = desk.session()
    session = ana.session()
    telephone.sim.run(session.start("ben"))
    telephone.sim.settle()
    telephone.sim.run(followed.ringing(session.room_name))
    seen: list[UTDCallStatus | None] = []
    followed.status.subscribe(seen.append)
    answering = telephone.sim.run(ben.rang[0].answer())
    ben.sessions.append(answering)
    telephone.sim.settle()

    elsewhere = RingEndReason.ANSWERED_ELSEWHERE
    assert outcome(followed)[1] is elsewhere
    assert ACTIVE not in seen
    ended = desk.rang[0].ended.value
    assert ended is not None
    assert ended.reason is elsewhere
    assert ben.rang[0].ended.value is None
    assert answering.status.value is ACTIVE
    assert answering.end_info.value is None
    assert not any(phone.rings for phone in (ben, desk))


def test_two_devices_answer_at_once(telephone: Telephone) -> None:
    """L44: one wins, the other is told who did, and later calls work."""
    ana, ben, desk = map(telephone.phone, ("ana", "ben", "ben"))
    session = ana.session()
    telephone.sim.run(session.start("ben"))
    telephone.sim.settle()

    async def both() -> list[Any]:
        answers = (phone.rang[0].answer() for phone in (ben, desk))
        return await asyncio.gather(*answers, return_exceptions=True)

    found = telephone.sim.run(both())
    won = [each for each in found if isinstance(each, UTDCallSession)]
    lost = [each for each in found if isinstance(each, ConflictError)]
    ben.sessions += won
    assert [error.code for error in lost] == ["answered_elsewhere"]
    assert len(won) == 1
    telephone.sim.run(won[0].end())
    telephone.sim.settle()
    telephone.sim.run(session.start("ben"))
    telephone.sim.settle()
    assert ben.rings
    assert desk.rings


@pytest.mark.parametrize("kinds", [("audio", "audio"), ("audio", "video")], ids=str)
def test_glare_is_one_call(telephone: Telephone, kinds: tuple[str, str]) -> None:
    """L45, L46: both call each other at once, and talk; the first's type holds."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    sessions = [
        phone.session(UTDStreamType(f"{kind}_call"))
        for phone, kind in zip((ana, ben), kinds, strict=True)
    ]

    async def both() -> None:
        await asyncio.gather(sessions[0].start("ben"), sessions[1].start("ana"))

    telephone.sim.run(both())
    telephone.sim.advance(2)

    assert [session.status.value for session in sessions] == [ACTIVE, ACTIVE]
    assert sessions[0].call_id.value == sessions[1].call_id.value
    assert not any(session.microphone_muted.value for session in sessions)
    assert not any(phone.rings for phone in (ana, ben))
    first = telephone.calls("ana")[0].type
    assert first.value.removesuffix("_call") in kinds


def test_a_hang_up_overtakes_the_create(telephone: Telephone) -> None:
    """L38: nobody rings for a call that is given up while it is made."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    session = ana.session()

    async def quickly() -> None:
        starting = asyncio.ensure_future(session.start("ben"))
        await asyncio.sleep(0)
        await session.end()
        with pytest.raises(UTDStreamException):
            await starting

    telephone.sim.run(quickly())
    telephone.sim.advance(5)

    assert not ben.rings
    assert not telephone.is_busy("ana")
    telephone.sim.run(session.start("ben"))


def test_end_is_quiet(telephone: Telephone) -> None:
    """L31, L55: twice, without a call, after any end."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    calling, answering = telephone.talk(ana, ben)
    telephone.sim.run(calling.end())
    telephone.sim.run(calling.end())
    telephone.sim.run(answering.end())
    telephone.sim.run(answering.leave())
    telephone.sim.run(ana.session().end())


def test_answering_a_call_that_is_over_says_so(telephone: Telephone) -> None:
    """L50: at once, by a typed error, and the session is as before."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    session, late = ana.session(), ben.session()
    telephone.sim.run(session.start("ben"))
    telephone.sim.settle()
    call_id = session.room_name
    telephone.sim.run(session.end())

    with pytest.raises(ConflictError) as caught:
        telephone.sim.run(late.accept(call_id))

    assert caught.value.code == "invalid_transition"
    telephone.sim.run(late.start("ana"))


def test_a_call_whose_parties_vanish_ends(telephone: Telephone) -> None:
    """L48: clients that are killed leave nobody busy."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    calling, _ = telephone.talk(ana, ben)
    room = sfu_room_name(telephone.sim.world.app.id, calling.room_name)
    for phone in (ana, ben):
        telephone.sim.world.sfu.lines.kill(room, phone.client.identity or "")
        phone.line.is_down = True
        phone.line.cut()
    telephone.sim.advance(120)

    telephone.nobody_is_busy()


# What is refused.


def test_a_call_needs_a_sign_in(telephone: Telephone) -> None:
    """And a type of its own."""
    client = telephone.sim.world.client()
    with pytest.raises(UsageError, match="authenticate"):
        client.call_session(UTDStreamType.AUDIO_CALL)
    telephone.sim.run(client.authenticate("ana"))
    for kind in (UTDStreamType.AUDIO_ROOM, "audio_call", None):
        with pytest.raises(InvalidArgumentError):
            client.call_session(kind)  # type: ignore[arg-type]


def test_without_a_microphone_nobody_is_called(telephone: Telephone) -> None:
    """An argument error that names the choices, before any request."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    mute = telephone.sim.world.client()
    telephone.sim.run(mute.authenticate("cho"))
    session = mute.call_session(UTDStreamType.AUDIO_CALL)

    with pytest.raises(InvalidArgumentError, match="microphone="):
        telephone.sim.run(session.start("ben"))
    with pytest.raises(InvalidArgumentError, match="microphone="):
        telephone.sim.run(session.accept(FOREIGN))

    assert not ben.rang
    assert ana.client.identity == "ana"
    telephone.sim.run(session.dispose())


@pytest.mark.parametrize("callee", ["ana", "", "x" * 257, 7, None])
def test_nobody_can_be_called_so(telephone: Telephone, callee: Any) -> None:
    """Oneself, nobody, no name: an argument error, and the session stays usable."""
    ana = telephone.phone("ana")
    session = ana.session()

    with pytest.raises(InvalidArgumentError):
        telephone.sim.run(session.start(callee))

    assert session.status.value is None
    telephone.sim.run(session.start("ben"))


@pytest.mark.parametrize(
    "metadata",
    [{"text": "x" * 4_097}, {"n": float("nan")}, {"s": {1}}, {"t": "\ud800"}],
    ids=["4,097 bytes", "no number", "no JSON", "half a character"],
)
def test_metadata_is_bounded(telephone: Telephone, metadata: dict[str, Any]) -> None:
    """What the engine would refuse is an argument error."""
    ana = telephone.phone("ana")

    with pytest.raises(InvalidArgumentError):
        telephone.sim.run(ana.session().start("ben", metadata=metadata))

    assert telephone.calls("ana") == []


def test_whoever_is_busy_is_busy_on_all_devices(telephone: Telephone) -> None:
    """L47: for callers and callees, decided by the engine."""
    ana, ben, desk, cho = map(telephone.phone, ("ana", "ben", "ben", "cho"))
    telephone.talk(ana, ben)

    with pytest.raises(ConflictError) as callee:
        telephone.sim.run(cho.session().start("ben"))
    with pytest.raises(ConflictError) as caller:
        telephone.sim.run(desk.session().start("cho"))

    assert (callee.value.code, caller.value.code) == ("callee_busy", "caller_busy")
    assert not cho.rings


def test_a_command_that_does_not_fit_names_what_does(telephone: Telephone) -> None:
    """State, command, and what is allowed."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    calling, _ = telephone.talk(ana, ben)

    with pytest.raises(InvalidTransitionError) as caught:
        telephone.sim.run(calling.start("cho"))

    assert caught.value.state == CallingState.OPEN.value
    assert caught.value.allowed == ("HangUp",)
    assert "allowed: HangUp" in str(caught.value)
    assert calling.status.value is ACTIVE


def test_one_call_is_followed(telephone: Telephone) -> None:
    """Another one is refused before any request."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    calling, followed = ana.session(), ben.session()
    telephone.sim.run(calling.start("ben"))
    telephone.sim.run(followed.ringing(calling.room_name))

    with pytest.raises(ConflictError, match="follows"):
        telephone.sim.run(followed.reject(FOREIGN))
    with pytest.raises(RefusedError):
        telephone.sim.run(followed.accept(FOREIGN))

    telephone.sim.run(followed.accept(calling.room_name))
    assert followed.status.value is ACTIVE


@pytest.mark.parametrize(
    "call_id", [FOREIGN, "call_", "lounge", "", "call_" + "g" * 24]
)
@pytest.mark.parametrize("verb", ["accept", "ringing", "reject", "busy"])
def test_a_call_that_is_not_there(
    telephone: Telephone, verb: str, call_id: str
) -> None:
    """Not found, or no id at all: a typed error, and nothing is followed."""
    session = telephone.phone("ben").session()
    expected = NotFoundError if call_id == FOREIGN else InvalidArgumentError

    with pytest.raises(expected):
        telephone.sim.run(getattr(session, verb)(call_id))

    assert session.status.value is None


def test_a_call_is_not_joined_again(telephone: Telephone) -> None:
    """The error says what to do instead."""
    session = telephone.phone("ana").session()
    with pytest.raises(UsageError, match="start another"):
        telephone.sim.run(session.rejoin())


@pytest.mark.parametrize("wrong", BEGINS_WRONG.values(), ids=BEGINS_WRONG.keys())
def test_a_microphone_that_fails_ends_the_call(
    telephone: Telephone, wrong: Any
) -> None:
    """The error is the microphone's, and nobody is busy afterwards."""
    ana = telephone.phone("ana", microphone=Source(wrong[0]))
    ben = telephone.phone("ben")
    session = ana.session()

    with pytest.raises(PublishError):
        telephone.sim.run(session.start("ben"))
    telephone.sim.advance(5)

    assert not ben.rings
    assert not telephone.is_busy("ben")
    assert session.status.value is ENDED


def test_an_engine_that_is_away_is_a_transport_error(telephone: Telephone) -> None:
    """The call is taken back once the engine is there again; nobody rings."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    session = ana.session()
    telephone.sim.run(telephone.sim.world.kill_engine())
    with pytest.raises(TransportError):
        telephone.sim.run(session.start("ben"))
    telephone.sim.run(telephone.sim.world.start_engine())
    telephone.sim.advance(20)

    assert not ben.rang
    assert not telephone.is_busy("ana")
    telephone.sim.run(session.start("ben"))
    telephone.sim.settle()
    assert ben.rings


def test_a_session_that_is_disposed_has_ended_its_call(telephone: Telephone) -> None:
    """Its values complete, and it takes no more commands."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    calling, answering = telephone.talk(ana, ben)
    telephone.sim.run(calling.dispose())
    telephone.sim.settle()

    assert outcome(answering) == (ENDED, CallEndReason.CALLER_HANGUP)
    with pytest.raises(ClosedError):
        telephone.sim.run(calling.start("ben"))
