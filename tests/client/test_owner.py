"""Tasks with an owner: none is lost, none outlives it, none fails in silence."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from utd_stream.client._owner import Owner
from utd_stream.errors import ClosedError


async def forever() -> None:
    """Wait for nothing."""
    await asyncio.Event().wait()


async def fail(error: Exception) -> None:
    """Fail at once."""
    raise error


async def test_work_begins_by_itself() -> None:
    """Nobody has to wait for it."""
    owner, done = Owner(), asyncio.Event()

    async def work() -> None:
        done.set()

    owner.start(work())

    await done.wait()
    await owner.aclose()


async def test_closing_ends_what_runs() -> None:
    """Each task is cancelled, and its end waited for."""
    owner, ended = Owner(), list[int]()

    async def work(number: int) -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            ended.append(number)

    tasks = [owner.task(work(number)) for number in range(3)]
    await asyncio.sleep(0)

    await owner.aclose()

    assert ended == [0, 1, 2]
    assert all(task.cancelled() for task in tasks)


async def test_closing_twice_is_closing_once() -> None:
    """An owner of nothing closes at once, as often as one likes."""
    owner = Owner()

    await owner.aclose()
    await owner.aclose()


async def test_a_task_may_close_its_own_owner() -> None:
    """The one that asks goes on; the others end."""
    owner, went_on = Owner(), asyncio.Event()
    other = owner.task(forever())

    async def close() -> None:
        await owner.aclose()
        went_on.set()

    await owner.task(close())

    assert went_on.is_set()
    assert other.cancelled()


async def test_one_task_can_be_cancelled() -> None:
    """The others run on."""
    owner = Owner()
    one, other = owner.task(forever()), owner.task(forever())

    one.cancel()
    await asyncio.wait([one])

    assert (one.cancelled(), other.done()) == (True, False)
    await owner.aclose()


@pytest.mark.parametrize(
    ("error", "level"),
    [(ClosedError("the session is disposed"), "INFO"), (KeyError("bug"), "ERROR")],
    ids=["ours", "a bug"],
)
async def test_failures_are_logged(
    error: Exception, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors of ours in a line, bugs with their trace; nobody is stranded."""
    owner = Owner()

    with caplog.at_level(logging.INFO, "utd_stream.client"):
        await asyncio.wait([owner.task(fail(error))])
        await asyncio.sleep(0)

    (record,) = caplog.records
    assert record.levelname == level
    assert (record.exc_info is not None) == (level == "ERROR")
    await owner.aclose()


async def test_a_cancelled_task_is_no_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Ending it was what somebody wanted."""
    owner = Owner()

    with caplog.at_level(logging.DEBUG, "utd_stream.client"):
        owner.start(forever())
        await owner.aclose()

    assert caplog.records == []


async def test_finished_work_is_forgotten() -> None:
    """An owner of many short tasks does not grow."""
    owner = Owner()

    await asyncio.wait([owner.task(asyncio.sleep(0)) for _ in range(100)])
    await asyncio.sleep(0)

    assert owner._tasks == {}


async def test_a_running_task_is_held() -> None:
    """The loop holds tasks weakly; the owner does not."""
    owner = Owner()
    owner.start(forever())  # of which nobody else knows
    await asyncio.sleep(0)

    gc.collect()

    assert len(owner._tasks) == 1
    await owner.aclose()
