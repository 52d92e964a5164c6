"""A command of a call that is cancelled leaves nothing behind, wherever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest

from tests.client.telephone import Telephone, outcome, telephone
from utd_stream.models.calls import CallEndReason, UTDCallStatus

__all__ = ["telephone"]

STEPS = (*range(12), 16, 24, 40, 80)
SAID = {
    "ringing": UTDCallStatus.RINGING,
    "reject": UTDCallStatus.REJECTED,
    "busy": UTDCallStatus.BUSY,
}


@pytest.mark.parametrize("turns", STEPS)
def test_a_start_that_is_left_leaves_nothing(telephone: Telephone, turns: int) -> None:
    """L38: wherever it is cancelled, no call, no ring, no task; the session works."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    session = ana.session()
    was_left = telephone.sim.run(left_after(turns, session.start("ben")))
    telephone.sim.advance(3)  # long before the ring is over

    assert ben.rings is not was_left
    assert telephone.is_busy("ana") is not was_left
    assert session.connected.value is not was_left
    telephone.sim.advance(100)  # LiveKit's client connects so long
    assert not session._owner._tasks
    telephone.sim.run(session.start("ben"))


@pytest.mark.parametrize("turns", STEPS)
def test_an_answer_that_is_left_leaves_nothing(
    telephone: Telephone, turns: int
) -> None:
    """Either it was not given, and the call rings on, or the call is over."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    calling, answering = ana.session(), ben.session()
    telephone.sim.run(calling.start("ben"))
    telephone.sim.settle()
    accepting = answering.accept(calling.room_name)
    was_left = telephone.sim.run(left_after(turns, accepting))
    telephone.sim.advance(5)

    assert answering.connected.value is not was_left
    assert (answering.status.value is UTDCallStatus.ACTIVE) is not was_left
    assert ben.rings == (calling.status.value is UTDCallStatus.RINGING)
    if not was_left:
        telephone.sim.run(answering.end())
    telephone.sim.advance(100)  # LiveKit's client connects so long
    assert not answering._owner._tasks
    telephone.nobody_is_busy()
    telephone.sim.run(answering.start("ana"))


@pytest.mark.parametrize("turns", STEPS[1:])
def test_a_hang_up_that_is_left_goes_on(telephone: Telephone, turns: int) -> None:
    """Cancelling ends the waiting only."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    calling, answering = telephone.talk(ana, ben)
    telephone.sim.run(left_after(turns, calling.end()))
    telephone.sim.advance(3)

    assert outcome(answering) == (UTDCallStatus.ENDED, CallEndReason.CALLER_HANGUP)
    telephone.nobody_is_busy()


@pytest.mark.parametrize("verb", ["ringing", "reject", "busy"])
@pytest.mark.parametrize("turns", STEPS)
def test_a_word_that_is_left_is_said_or_not(
    telephone: Telephone, turns: int, verb: str
) -> None:
    """The call rings on or is over, at every device alike; the session works."""
    ana, ben, desk = (telephone.phone(name) for name in ("ana", "ben", "ben"))
    calling, session = ana.session(), ben.session()
    telephone.sim.run(calling.start("ben"))
    telephone.sim.settle()
    saying = getattr(session, verb)(calling.room_name)
    was_left = telephone.sim.run(left_after(turns, saying))
    telephone.sim.advance(5)

    said = SAID[verb]
    assert calling.status.value in {
        said,
        *([UTDCallStatus.RINGING] if was_left else ()),
    }
    for phone in (ben, desk):
        assert phone.rings == (calling.status.value is UTDCallStatus.RINGING)
    telephone.sim.run(calling.end())
    telephone.sim.advance(100)  # LiveKit's client connects so long
    assert not session._owner._tasks
    telephone.nobody_is_busy()
    telephone.sim.run(session.start("ana"))


@pytest.mark.parametrize("verb", ["answer", "reject", "busy"])
@pytest.mark.parametrize("turns", STEPS)
def test_an_incoming_call_that_is_left_wedges_nothing(
    telephone: Telephone, turns: int, verb: str
) -> None:
    """Wherever it is cancelled, both are free once the caller has hung up."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    calling = ana.session()
    telephone.sim.run(calling.start("ben"))
    telephone.sim.settle()
    was_left = telephone.sim.run(left_after(turns, getattr(ben.rang[-1], verb)()))
    telephone.sim.advance(5)

    is_ringing = calling.status.value is UTDCallStatus.RINGING
    assert ben.rings == is_ringing
    assert was_left or not is_ringing
    telephone.sim.run(calling.end())
    telephone.sim.advance(100)  # LiveKit's client connects so long
    telephone.nobody_is_busy()
    telephone.talk(ana, ben)


@pytest.mark.parametrize("command", ["mute", "unmute", "leave", "dispose"])
@pytest.mark.parametrize("turns", STEPS)
def test_what_is_left_in_a_call_wedges_nothing(
    telephone: Telephone, turns: int, command: str
) -> None:
    """The call goes on, or its end does; in the end nobody is busy."""
    ana, ben = telephone.phone("ana"), telephone.phone("ben")
    calling, answering = telephone.talk(ana, ben)
    commands: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "mute": partial(calling.set_microphone, on=False),
        "unmute": partial(calling.set_microphone, on=True),
        "leave": calling.leave,
        "dispose": calling.dispose,
    }
    if command == "unmute":
        telephone.sim.run(calling.set_microphone(False))
    telephone.sim.run(left_after(turns, commands[command]()))
    telephone.sim.advance(5)

    goes_on = calling.connected.value
    assert (answering.status.value is UTDCallStatus.ACTIVE) == goes_on
    if command in {"mute", "unmute"}:
        assert goes_on
    telephone.sim.run(calling.dispose())
    telephone.sim.advance(100)
    assert not calling._owner._tasks
    assert outcome(answering) == (UTDCallStatus.ENDED, CallEndReason.CALLER_HANGUP)
    telephone.nobody_is_busy()
    telephone.talk(ana, ben)


async def left_after(turns: int, work: Coroutine[Any, Any, Any]) -> bool:
    """Cancel *work* after so many turns of the loop; return whether it went on."""
    task = asyncio.ensure_future(work)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()
