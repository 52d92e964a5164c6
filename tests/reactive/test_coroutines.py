"""Laws of coroutine observers: one at a time, owned by their subscription."""

from __future__ import annotations

import asyncio
import gc
import weakref
from functools import partial

import pytest
from reactivex import abc
from reactivex import operators as ops

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.errors import MailboxFullError, UsageError
from utd_stream.reactive import EventsSource, LatestSource

END = "|"


class Observer:
    """A coroutine observer that works until it is allowed to end."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.running = 0
        self.cancelled = 0
        self.may_end = asyncio.Event()

    async def __call__(self, value: int) -> None:
        """Work on *value*."""
        assert self.running == 0
        self.running += 1
        self.heard.append(value)
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1

    def complete(self) -> None:
        """Note the completion."""
        self.heard.append(END)


@pytest.fixture
def latest() -> LatestSource[int]:
    """A source of state; its value is 0."""
    return LatestSource(0, AsyncioClock())


@pytest.fixture
def events() -> EventsSource[int]:
    """A source of events."""
    return EventsSource(AsyncioClock())


async def settle() -> None:
    """Let every task run to where it waits for somebody else."""
    for _ in range(20):
        await asyncio.sleep(0)


def tasks() -> list[asyncio.Task[object]]:
    """The tasks beside the test's own."""
    own = asyncio.current_task()
    return [task for task in asyncio.all_tasks() if task is not own]


async def test_events_are_worked_on_one_at_a_time_in_order(
    events: EventsSource[int],
) -> None:
    """The next one begins when the one before has ended; the end comes last."""
    observer = Observer()
    events.events.subscribe(observer, on_completed=observer.complete)
    for event in (1, 2, 3):
        events.emit(event)
    events.close()

    await settle()
    assert observer.heard == [1]
    observer.may_end.set()
    await settle()
    assert observer.heard == [1, 2, 3, END]
    assert tasks() == []


async def test_busy_observer_of_state_hears_the_newest(
    latest: LatestSource[int],
) -> None:
    """What lies between is skipped, the last value never."""
    observer = Observer()
    latest.latest.subscribe(observer, on_completed=observer.complete)
    await settle()
    for value in (1, 2, 3):
        latest.set(value)
    latest.close()
    observer.may_end.set()
    await settle()

    assert observer.heard == [0, 3, END]
    assert latest._watchers == ()


async def test_idle_observer_has_no_task(events: EventsSource[int]) -> None:
    """It works while there is work; the end needs no task either."""
    observer = Observer()
    observer.may_end.set()
    events.events.subscribe(observer, on_completed=observer.complete)
    assert tasks() == []
    events.emit(1)
    await settle()
    assert tasks() == []

    events.emit(2)
    await settle()
    events.close()

    assert observer.heard == [1, 2, END]


async def test_completion_without_handler_is_quiet(events: EventsSource[int]) -> None:
    """Nobody has to listen for the end."""
    events.events.subscribe(Observer())
    events.close()

    assert tasks() == []


async def test_disposing_cancels_the_one_in_flight(events: EventsSource[int]) -> None:
    """Neither it nor those that wait go on."""
    observer = Observer()
    subscription = events.events.subscribe(observer, on_completed=observer.complete)
    events.emit(1)
    events.emit(2)
    await settle()

    subscription.dispose()
    subscription.dispose()
    events.emit(3)
    events.close()
    await settle()

    assert observer.heard == [1]
    assert observer.cancelled == 1
    assert events._listeners == ()
    assert tasks() == []


async def test_observer_that_disposes_itself_runs_to_its_end(
    events: EventsSource[int],
) -> None:
    """One's own end is not that of what one is doing; but nothing comes after."""
    done: list[object] = []

    async def once(event: int) -> None:
        subscription.dispose()
        await asyncio.sleep(0)
        done.append(event)

    subscription = events.events.subscribe(once, on_completed=lambda: done.append(END))
    for event in (1, 2):
        events.emit(event)
    await settle()
    events.close()
    await settle()

    assert done == [1]


async def test_working_observer_is_not_forgotten(events: EventsSource[int]) -> None:
    """A loop holds its tasks weakly; the work goes on all the same."""
    done: list[int] = []
    alarms: weakref.WeakSet[asyncio.Event] = weakref.WeakSet()

    async def observe(event: int) -> None:
        alarm = asyncio.Event()
        alarms.add(alarm)
        await alarm.wait()
        done.append(event)

    events.events.subscribe(observe)
    events.emit(1)
    events.close()
    await settle()
    gc.collect()
    for alarm in alarms:
        alarm.set()
    await settle()

    assert done == [1]


async def test_raising_observer_hears_the_next_value(
    events: EventsSource[int], caplog: pytest.LogCaptureFixture
) -> None:
    """A failure is logged and costs nobody a later event."""
    heard: list[int] = []

    async def bad(event: int) -> None:
        heard.append(event)
        raise ValueError(event)

    events.events.subscribe(bad)
    events.emit(1)
    events.emit(2)
    await settle()

    assert heard == [1, 2]
    assert caplog.text.count("bad raised; its subscription stays") == 2


async def test_observer_of_something_cancelled_hears_the_next_value(
    events: EventsSource[int], caplog: pytest.LogCaptureFixture
) -> None:
    """Only whoever is cancelled himself stops."""
    heard: list[int] = []

    async def unlucky(event: int) -> None:
        heard.append(event)
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        gone.cancel()
        await gone

    events.events.subscribe(unlucky)
    events.emit(1)
    events.emit(2)
    await settle()

    assert heard == [1, 2]
    assert "something cancelled" in caplog.text


async def test_observer_of_events_that_falls_behind_is_given_up(
    events: EventsSource[int], caplog: pytest.LogCaptureFixture
) -> None:
    """It hears of it, its coroutine is cancelled, and nothing grows."""
    observer = Observer()
    errors: list[Exception] = []
    events.events.subscribe(observer, errors.append, observer.complete)
    events.emit(-1)
    await settle()
    for event in range(1_025):
        events.emit(event)
    events.emit(7)
    await settle()

    assert [type(error) for error in errors] == [MailboxFullError]
    assert observer.heard == [-1]
    assert observer.cancelled == 1
    assert "given up" in caplog.text
    assert events._listeners == ()


async def test_observer_without_error_handler_is_given_up_too(
    events: EventsSource[int],
) -> None:
    """The log tells it; the producer does not notice."""
    events.events.subscribe(Observer())
    for event in range(1_025):
        events.emit(event)
    await settle()

    assert events._listeners == ()
    assert tasks() == []


async def test_event_behind_the_one_too_many_is_dropped(
    events: EventsSource[int],
) -> None:
    """Also in one delivery."""
    errors: list[Exception] = []
    events.events.subscribe(Observer(), errors.append)
    events.events.subscribe(lambda n: events.emit(n + 1) if n < 2_000 else None)
    events.emit(0)

    assert len(errors) == 1


async def test_any_coroutine_function_will_do(latest: LatestSource[int]) -> None:
    """Methods, partial functions and objects that are called are functions."""
    heard: list[object] = []

    async def note(kind: str, value: int) -> None:
        heard.append((kind, value))

    latest.latest.subscribe(partial(note, "partial"))
    await settle()

    assert heard == [("partial", 0)]


async def test_cancelled_loop_ends_the_work(events: EventsSource[int]) -> None:
    """Whoever cancels every task at shutdown is obeyed, and need not hurry."""
    observer = Observer()
    events.events.subscribe(observer)
    events.emit(1)
    events.emit(2)
    await settle()

    for task in tasks():
        task.cancel()
    await settle()

    assert observer.heard == [1]
    assert tasks() == []


def test_coroutine_observer_needs_a_loop(latest: LatestSource[int]) -> None:
    """Nobody would run it; the error says what to do."""

    async def observe(value: int) -> None: ...

    with pytest.raises(UsageError, match="running loop"):
        latest.latest.subscribe(observe)
    assert latest._watchers == ()


def test_disposing_after_the_loop_is_quiet(latest: LatestSource[int]) -> None:
    """Clean-up may come late."""

    async def subscribe() -> abc.DisposableBase:
        return latest.latest.subscribe(Observer())

    asyncio.run(subscribe()).dispose()

    assert latest._watchers == ()


async def test_error_of_an_operator_reaches_the_handler(
    events: EventsSource[int],
) -> None:
    """An observer of RxPY's kind is taken as it is."""
    seen: list[object] = []

    def invert(event: int) -> int:
        return 1 // event

    events.events.pipe(ops.map(invert)).subscribe(seen.append, seen.append)
    events.emit(1)
    events.emit(0)

    assert seen[0] == 1
    assert isinstance(seen[1], ZeroDivisionError)
