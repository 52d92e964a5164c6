"""Laws of pipes that end in a coroutine function."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from operator import neg
from typing import Any

import pytest
import reactivex
from reactivex import Observable
from reactivex import operators as ops
from reactivex.subject import Subject

from utd_stream import Events, Latest, subscribe_async
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.errors import InvalidArgumentError, MailboxFullError, UsageError
from utd_stream.reactive import EventsSource, LatestSource

END = "|"


class Slow:
    """A coroutine observer that ends each piece of work when it is told to."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.running = 0
        self.may_end = asyncio.Event()

    async def __call__(self, value: object) -> None:
        """Work on *value*."""
        assert self.running == 0
        self.running += 1
        self.heard.append(value)
        try:
            await self.may_end.wait()
        finally:
            self.running -= 1


def is_odd(n: int) -> bool:
    """Fit every second number."""
    return n % 2 == 1


def inverse(n: int) -> int:
    """Fail for 0."""
    return 1 // n


async def settle() -> None:
    """Let every task run to where it waits for somebody else."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_pipe_ends_in_a_coroutine_function() -> None:
    """The obvious code works: it runs for one value at a time, in order."""
    source: EventsSource[int] = EventsSource(AsyncioClock())
    slow = Slow()
    source.events.pipe(ops.filter(is_odd), ops.map(str)).subscribe(
        slow, on_completed=lambda: slow.heard.append(END)
    )
    for n in range(6):
        source.emit(n)
    source.close()
    await settle()
    assert slow.heard == ["1"]
    slow.may_end.set()
    await settle()

    assert slow.heard == ["1", "3", "5", END]


async def test_methods_of_rxpy_make_such_pipes_too() -> None:
    """``values.filter(...)`` is ``values.pipe(ops.filter(...))``."""
    source: LatestSource[int] = LatestSource(1, AsyncioClock())
    slow = Slow()
    filtered = source.latest.filter(lambda n: n > 0).map(lambda n: n * 10)
    subscribe_async(filtered, slow)
    await settle()

    assert slow.heard == [10]


async def test_a_busy_end_of_a_value_hears_the_newest_and_of_events_each() -> None:
    """A pipe keeps what its beginning would: the newest alone, or 1,024."""
    latest: LatestSource[int] = LatestSource(0, AsyncioClock())
    events: EventsSource[int] = EventsSource(AsyncioClock())
    of_state, of_events = Slow(), Slow()
    errors: list[Exception] = []
    latest.latest.pipe(ops.map(neg)).subscribe(of_state)
    events.events.pipe(ops.map(neg)).subscribe(of_events, errors.append)
    events.emit(0)
    await settle()
    for n in range(1, 1_025):
        latest.set(n)
        events.emit(n)
    assert errors == []
    of_state.may_end.set()
    await settle()
    assert of_state.heard == [0, -1_024]

    events.emit(1_025)
    await settle()
    assert [type(error) for error in errors] == [MailboxFullError]
    assert of_events.heard == [0]
    assert events.listener_count == 0


async def test_an_end_given_up_at_once_leaves_its_source() -> None:
    """Too many values within `subscribe` give it up, and nothing stays behind."""
    source: EventsSource[int] = EventsSource(AsyncioClock())
    errors: list[Exception] = []
    begun = reactivex.of(1, 2, 3).pipe(ops.concat(source.events))
    subscribe_async(begun, Slow(), errors.append, limit=1)
    await settle()

    assert [type(error) for error in errors] == [MailboxFullError]
    assert source.listener_count == 0


Begin = Callable[[Events[int]], Observable[int]]


@pytest.mark.parametrize(
    "begin",
    [
        lambda e: reactivex.merge(e, reactivex.never()),
        ops.map(abs),
        lambda e: e.pipe(ops.group_by(lambda _: 0), ops.merge_all()),
    ],
    ids=["merge", "operator", "groups"],
)
async def test_any_observable_can_end_in_a_coroutine_function(begin: Begin) -> None:
    """Also those that RxPY made: in order, and disposed whole."""
    source: EventsSource[int] = EventsSource(AsyncioClock())
    slow = Slow()
    watching = subscribe_async(begin(source.events), slow)
    source.emit(1)
    source.emit(2)
    await settle()
    assert (slow.heard, slow.running) == ([1], 1)
    watching.dispose()
    await settle()

    assert (slow.heard, slow.running) == ([1], 0)
    assert source.listener_count == 0


async def test_a_group_ends_in_a_coroutine_function_of_its_own() -> None:
    """Each group works beside the others, and in order itself."""
    source: EventsSource[tuple[str, int]] = EventsSource(AsyncioClock())
    ends: dict[str, Slow] = {}

    def begin(group: reactivex.GroupedObservable[str, tuple[str, int]]) -> None:
        ends[group.key] = Slow()
        subscribe_async(group, ends[group.key])

    source.events.pipe(ops.group_by(lambda event: event[0])).subscribe(begin)
    for event in (("ana", 1), ("ben", 1), ("ana", 2)):
        source.emit(event)
    await settle()

    assert {who: end.heard for who, end in ends.items()} == {
        "ana": [("ana", 1)],
        "ben": [("ben", 1)],
    }


async def test_a_failing_operator_ends_it_after_what_came_before() -> None:
    """What was told is worked on first; then the failure is told."""
    source: EventsSource[int] = EventsSource(AsyncioClock())
    slow = Slow()
    source.events.pipe(ops.map(inverse)).subscribe(
        slow, lambda error: slow.heard.append(type(error))
    )
    for n in (1, 1, 0, 1):
        source.emit(n)
    await settle()
    slow.may_end.set()
    await settle()

    assert slow.heard == [1, 1, ZeroDivisionError]
    assert source.listener_count == 0


async def test_a_value_of_another_thread_is_worked_on_in_the_loop() -> None:
    """What a device tells from its own thread arrives, in order."""
    subject: Subject[int] = Subject()
    heard: list[tuple[int, int]] = []
    ended = asyncio.Event()

    async def observe(n: int) -> None:
        heard.append((n, threading.get_ident()))

    def tell() -> None:
        for n in range(5):
            subject.on_next(n)
        subject.on_completed()

    subscribe_async(subject, observe, on_completed=ended.set)
    await asyncio.to_thread(tell)
    await ended.wait()

    assert heard == [(n, threading.get_ident()) for n in range(5)]


async def test_an_end_may_be_disposed_in_another_thread() -> None:
    """The loop cancels its coroutine itself; nothing is heard afterwards."""
    source: EventsSource[int] = EventsSource(AsyncioClock())
    slow = Slow()
    watching = source.events.pipe(ops.map(abs)).subscribe(slow)
    source.emit(1)
    await settle()
    await asyncio.to_thread(watching.dispose)
    await settle()
    source.emit(2)

    assert (slow.heard, slow.running) == ([1], 0)
    assert source.listener_count == 0


async def test_a_coroutine_that_a_plain_function_returns_is_not_lost_in_silence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log says what to subscribe in its place."""
    source: LatestSource[int] = LatestSource(0, AsyncioClock())
    slow = Slow()
    source.latest.pipe(ops.map(str)).subscribe(lambda value: slow(value))  # noqa: PLW0108 -- the mistake

    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "subscribe_async" in record.message
    assert "test_async_pipes.py:" in record.message


async def test_a_mailbox_holds_at_least_one_value() -> None:
    """None is the newest alone; nothing is none."""
    source: LatestSource[int] = LatestSource(0, AsyncioClock())

    with pytest.raises(InvalidArgumentError):
        subscribe_async(source.latest, Slow(), limit=0)


def test_an_async_end_needs_a_loop() -> None:
    """Nobody would run it; nothing stays attached."""
    source: EventsSource[int] = EventsSource(AsyncioClock())

    async def observe(value: int) -> None: ...

    with pytest.raises(UsageError, match="running loop"):
        source.events.pipe(ops.map(abs)).subscribe(observe)
    assert source.listener_count == 0


async def test_what_comes_out_of_a_pipe_is_ours_where_it_can_be() -> None:
    """Awaiting it, and what is no observable, is as in RxPY."""
    source: LatestSource[int] = LatestSource(3, AsyncioClock())
    latest: Latest[int] = source.latest
    heard: list[int] = []
    to_future: Any = ops.to_future()
    publish: Any = ops.publish()

    assert await latest.pipe(ops.delay(0.001), ops.take(1)) == 3
    assert await latest.pipe(ops.take(1), to_future) == 3
    connectable = latest.pipe(publish)
    connectable.subscribe(heard.append)
    connection = connectable.connect()
    assert heard == [3]
    connection.dispose()
