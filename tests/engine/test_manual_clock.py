"""The loop that engines of tests run on: only what a test waits for takes time."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.engine.house import House
from tests.engine.manual_clock import ManualClock


async def test_asking_over_a_socket_takes_no_time(house: House) -> None:
    """What is on its way arrives before any timer fires."""
    began = house.clock.monotonic()

    for _ in range(20):
        assert (await house.ask("GET", "health")).status == 200

    assert house.clock.monotonic() == began


async def test_a_thread_is_waited_for() -> None:
    """Where nothing else can happen, what it hands to the loop comes."""
    clock, loop = ManualClock(), asyncio.get_running_loop()
    came: asyncio.Future[None] = loop.create_future()
    thread = threading.Thread(
        target=lambda: loop.call_soon_threadsafe(came.set_result, None)
    )
    began = clock.monotonic()

    thread.start()
    await came
    thread.join()

    assert clock.monotonic() == began


async def test_timers_fire_in_their_order_as_a_test_moves_on() -> None:
    """None before its time, each at its own."""
    clock = ManualClock()
    began, fired = clock.monotonic(), list[float]()
    for seconds in (3.0, 1.0, 2.0):
        clock.call_later(seconds, lambda: fired.append(clock.monotonic() - began))

    await clock.settle()
    assert not fired
    await clock.advance(2.5)
    assert fired == pytest.approx([1.0, 2.0])
    await clock.advance(0.5)
    assert fired == pytest.approx([1.0, 2.0, 3.0])
