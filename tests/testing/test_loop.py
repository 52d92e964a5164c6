"""Virtual time: what a loop that jumps promises."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.errors import UsageError
from utd_stream.testing import HorizonError, StalledError, VirtualLoop, run


def the_loop() -> VirtualLoop:
    """The running loop."""
    return cast("VirtualLoop", asyncio.get_running_loop())


def test_time_passes_only_when_nothing_is_ready() -> None:
    """What is awaited takes just as long as it says, and work takes none."""

    async def program() -> list[float]:
        loop = the_loop()
        seen = [loop.time()]
        for _ in range(100):
            await asyncio.sleep(0)
        seen.append(loop.time())
        await asyncio.sleep(0.1)
        seen.append(loop.time())
        await asyncio.sleep(86_000)
        return [*seen, loop.time()]

    assert run(program()) == [0.0, 0.0, 0.1, 86_000.1]


@given(start=st.floats(0, 1e5), pause=st.floats(0, 100), rest=st.floats(0, 1e-8))
def test_every_pause_moves_time(start: float, pause: float, rest: float) -> None:
    """Whoever waits until an instant, asking how much is left, gets there."""

    async def program() -> int:
        clock = the_loop().clock
        await clock.sleep(start)
        due = clock.monotonic() + pause + rest
        pauses = 0
        while (left := due - clock.monotonic()) > 0:
            await clock.sleep(left)
            pauses += 1
            assert pauses < 20
        return pauses

    assert run(program(), horizon=1e9) < 20


def test_clock_is_that_of_the_loop() -> None:
    """Date, monotonic time, sleeping and bounding agree with the loop."""

    async def program() -> None:
        clock = the_loop().clock
        began = clock.now()
        assert began.tzinfo is UTC
        await clock.sleep(90)
        assert (clock.now() - began, clock.monotonic()) == (timedelta(seconds=90), 90)
        with pytest.raises(TimeoutError):
            async with clock.timeout(5):
                await clock.sleep(6)
        async with clock.timeout(None):
            await clock.sleep(6)
        assert clock.monotonic() == 101

    run(program())


def test_skewed_clock_differs_in_its_date_alone() -> None:
    """Another's clock is ahead by as much as was said, skew upon skew."""

    async def program() -> tuple[datetime, datetime, bool]:
        clock = the_loop().clock
        other = clock.skewed(40).skewed(-100)
        return clock.now(), other.now(), clock.monotonic() == other.monotonic()

    mine, theirs, same = run(program())
    assert (mine - theirs, same) == (timedelta(seconds=60), True)


def test_clock_of_another_loop_is_refused() -> None:
    """A virtual clock waits on its own loop only; elsewhere the remedy is named."""
    loop = VirtualLoop()
    loop.close()

    async def program() -> None:
        with pytest.raises(UsageError, match=r"its own loop.*run\("):
            await loop.clock.sleep(1)
        with pytest.raises(UsageError, match=r"its own loop.*run\("):
            loop.clock.timeout(1)

    asyncio.run(program())


async def test_inside_a_running_loop_the_remedy_is_named() -> None:
    """As in a notebook: a thread runs it, and what was refused is not left behind."""

    async def program() -> float:
        await asyncio.sleep(3_600)
        return the_loop().time()

    with pytest.raises(UsageError, match=r"asyncio\.to_thread\(run, work\(\)\)"):
        run(program())
    gc.collect()  # what was never awaited would warn here

    assert await asyncio.to_thread(run, program()) == 3_600


def test_settled_is_when_only_time_can_change_anything() -> None:
    """`settle` outlasts whatever is ready, and lets no time pass."""

    async def program() -> None:
        done: list[int] = []

        async def work() -> None:
            for step in range(500):
                await asyncio.sleep(0)
                done.append(step)
            await asyncio.sleep(1)
            done.append(-1)

        task = asyncio.create_task(work())
        await the_loop().clock.settle()
        assert (len(done), the_loop().time()) == (500, 0)
        await the_loop().clock.advance(1)
        assert done[-1] == -1
        await task

    run(program())


def test_advancing_includes_what_falls_due_at_its_end() -> None:
    """Whatever was set for the instant it ends at has happened, to the last turn."""

    async def program() -> list[str]:
        heard: list[str] = []

        async def after(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            await asyncio.sleep(0)
            heard.append(name)

        async with asyncio.TaskGroup() as group:
            for seconds in (3, 1, 2):
                group.create_task(after(seconds, f"{seconds}"))
            await the_loop().clock.advance(2)
            return list(heard)

    assert run(program()) == ["1", "2"]


def test_stall_is_an_error_that_names_who_waits() -> None:
    """What can never come is told, not waited for."""

    async def waits_for_nothing() -> None:
        await asyncio.get_running_loop().create_future()

    async def program() -> None:
        task = asyncio.create_task(waits_for_nothing(), name="the lost one")
        await task

    with pytest.raises(StalledError, match=r"the lost one in .*waits_for_nothing"):
        run(program())


def test_horizon_ends_a_run() -> None:
    """A run that goes on for too long is ended, and its tasks are cleaned up."""
    ends: list[str] = []

    async def program() -> None:
        try:
            while True:  # noqa: ASYNC110 -- that it goes on is the point
                await asyncio.sleep(60)
        finally:
            await asyncio.sleep(60)  # who unwinds may need time
            ends.append("clean")

    with pytest.raises(HorizonError, match="600"):
        run(program(), horizon=600)
    assert ends == ["clean"]


def test_spinning_at_one_instant_is_an_error() -> None:
    """A task that never lets time pass is found."""

    async def program() -> None:
        while True:  # noqa: ASYNC110 -- that it goes on is the point
            await asyncio.sleep(0)

    with pytest.raises(HorizonError, match="who spins"):
        run(program())


def test_time_stands_while_a_thread_works() -> None:
    """A thread takes no virtual time, and its result arrives."""
    release = threading.Event()

    async def program() -> tuple[float, str]:
        loop = the_loop()
        work = loop.run_in_executor(None, release.wait, 10)
        timer = asyncio.create_task(asyncio.sleep(5, "timer"))
        loop.call_soon(release.set)
        assert await work
        return loop.time(), await timer

    assert run(program()) == (0.0, "timer")


def test_a_thread_that_never_began_is_not_waited_for() -> None:
    """A refused executor leaves a loop that still knows when it cannot go on."""

    async def program() -> None:
        executor = ThreadPoolExecutor()
        executor.shutdown()
        with pytest.raises(RuntimeError, match="after shutdown"):
            _ = the_loop().run_in_executor(executor, int)
        await the_loop().create_future()

    with pytest.raises(StalledError):
        run(program())


def test_sockets_are_refused() -> None:
    """Whoever opens a socket under virtual time hears what to use instead."""

    async def program() -> None:
        here, there = socket.socketpair()
        with here, there:
            here.setblocking(False)  # noqa: FBT003 -- the library's
            await the_loop().sock_recv(here, 1)

    with pytest.raises(RuntimeError, match="embedded"):
        run(program())


def order_of_ties(seed: int | None) -> list[int]:
    """In which order ten timers of one instant fire."""

    async def program() -> list[int]:
        fired: list[int] = []
        for number in range(10):
            the_loop().call_later(1, fired.append, number)
        await the_loop().clock.advance(1)
        return fired

    return run(program(), seed=seed)


def test_ties_fire_in_the_order_they_were_set() -> None:
    """Without a seed the order is that of setting."""
    assert order_of_ties(None) == list(range(10))


@given(st.integers(0, 2**32))
def test_seed_decides_ties(seed: int) -> None:
    """The same seed gives the same order, of the same timers."""
    assert order_of_ties(seed) == order_of_ties(seed)
    assert sorted(order_of_ties(seed)) == list(range(10))


def test_seeds_explore_orders() -> None:
    """Different seeds give different orders."""
    assert len({tuple(order_of_ties(seed)) for seed in range(20)}) > 15


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_timers_fire_in_time(delays: list[float]) -> None:
    """No timer fires before an earlier one, nor before it is due."""

    async def program() -> list[tuple[float, float]]:
        loop = the_loop()
        fired: list[tuple[float, float]] = []
        for delay in delays:
            loop.call_later(delay, lambda due: fired.append((due, loop.time())), delay)
        await asyncio.sleep(max(delays))
        await loop.clock.settle()
        return fired

    fired = run(program(), horizon=2e6)
    assert [due for due, _ in fired] == sorted(delays)
    assert all(abs(due - at) < 1e-6 for due, at in fired)


_SETS = """
import asyncio
from utd_stream.testing import run

async def work(number):
    await asyncio.sleep(number % 3)
    return number

async def program():
    tasks = {asyncio.create_task(work(n)) for n in range(50)}
    seen = []
    while tasks:
        done, tasks = await asyncio.wait(tasks, return_when="FIRST_COMPLETED")
        seen += [task.result() for task in done]
    print(seen)

run(program(), seed=7)
"""


def test_a_run_is_the_same_in_another_process() -> None:
    """Sets of tasks are walked in one order, whatever the hash seed."""
    outputs = {
        subprocess.run(  # noqa: S603 -- our own program
            [sys.executable, "-c", _SETS],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in (1, 2, 3)
    }
    assert len(outputs) == 1
