"""A command of a call that is cancelled leaves nothing behind, wherever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.client.telephone import Telephone, outcome, telephone
from utd_stream.models.calls import CallEndReason, UTDCallStatus

__all__ = ["telephone"]

STEPS = (*range(12), 16, 24, 40, 80)


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


async def left_after(turns: int, work: Coroutine[Any, Any, Any]) -> bool:
    """Cancel *work* after so many turns of the loop; return whether it went on."""
    task = asyncio.ensure_future(work)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()
