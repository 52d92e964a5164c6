"""Laws of ``async for``: bounded mailboxes, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import groupby
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.errors import InvalidArgumentError, MailboxFullError
from utd_stream.reactive import EventsSource, LatestSource

_T = TypeVar("_T")


@pytest.fixture
def latest() -> LatestSource[int]:
    """A source of state; its value is 0."""
    return LatestSource(0, AsyncioClock())


@pytest.fixture
def events() -> EventsSource[int]:
    """A source of events."""
    return EventsSource(AsyncioClock())


async def all_of(reader: AsyncIterator[_T]) -> list[_T]:
    """Read to the end."""
    return [value async for value in reader]


async def begun(reader: AsyncIterator[_T]) -> asyncio.Task[_T]:
    """Let somebody wait for the next one."""

    async def wait() -> _T:
        return await anext(reader)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return task


@given(st.lists(st.lists(st.integers(0, 2), max_size=3), max_size=8))
def test_reader_of_state_skips_but_never_the_newest(bursts: list[list[int]]) -> None:
    """Of each burst a reader hears the last value, if that is news."""

    async def scenario() -> list[int]:
        source = LatestSource(0, AsyncioClock())
        heard: list[int] = []

        async def read() -> None:
            heard.extend([value async for value in source.latest])

        reading = asyncio.create_task(read())
        for burst in [[], *bursts]:
            for value in burst:
                source.set(value)
            # The reader wakes, and waits again.
            for _ in range(3):
                await asyncio.sleep(0)
        source.close()
        await reading
        return heard

    heard = asyncio.run(scenario())

    ends = [0, *(burst[-1] for burst in bursts if burst)]
    assert heard == [value for value, _ in groupby(ends)]


async def test_slow_reader_of_state_gets_the_newest_then_the_end(
    latest: LatestSource[int],
) -> None:
    """A mailbox of one keeps what counts, the last value too."""
    reader = aiter(latest.latest)

    assert await anext(reader) == 0
    latest.set(1)
    latest.set(2)
    assert await anext(reader) == 2
    latest.set(3)
    latest.close()
    assert await all_of(reader) == [3]


async def test_reader_of_state_is_attached_only_while_it_waits(
    latest: LatestSource[int],
) -> None:
    """A reader that is dropped or cancelled is simply gone."""
    async for _ in latest.latest:
        break
    assert latest._watchers == ()

    reader = aiter(latest.latest)
    await anext(reader)
    task = await begun(reader)
    assert len(latest._watchers) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert latest._watchers == ()


async def test_reader_hears_each_event_in_order(events: EventsSource[int]) -> None:
    """From when it was made; what is unread at the end is read before the end."""
    events.emit(0)
    reader = events.events.iterate()
    for event in (1, 2, 2):
        events.emit(event)
    events.close()

    assert await all_of(reader) == [1, 2, 2]


async def test_waiting_reader_is_woken(events: EventsSource[int]) -> None:
    """By an event, and by the end."""
    reader = aiter(events.events)
    task = await begun(reader)
    events.emit(1)
    assert await task == 1

    last = await begun(reader)
    events.close()
    with pytest.raises(StopAsyncIteration):
        await last


async def test_reader_that_falls_behind_is_told_where(
    events: EventsSource[int],
) -> None:
    """It reads what was kept, then the error, once; and is not told more."""
    reader = events.events.iterate(limit=2)
    for event in (1, 2, 3, 4):
        events.emit(event)
    assert events._listeners == ()

    assert [await anext(reader), await anext(reader)] == [1, 2]
    with pytest.raises(MailboxFullError, match="larger limit"):
        await anext(reader)
    assert await all_of(reader) == []


async def test_event_after_an_overflow_in_one_delivery_is_dropped(
    events: EventsSource[int],
) -> None:
    """Also those which waited behind the one that was too much."""

    def react(event: int) -> None:
        if event == 0:
            for consequence in (1, 2):
                events.emit(consequence)

    events.events.subscribe(react)
    reader = events.events.iterate(limit=1)
    events.emit(0)

    assert await anext(reader) == 0
    with pytest.raises(MailboxFullError):
        await anext(reader)


async def test_mailbox_holds_1024_events_unless_told_otherwise(
    events: EventsSource[int],
) -> None:
    """It never grows without bound."""
    reader = aiter(events.events)
    for event in range(1_025):
        events.emit(event)

    assert [await anext(reader) for _ in range(1_024)] == list(range(1_024))
    with pytest.raises(MailboxFullError):
        await anext(reader)


async def test_broken_loop_detaches_its_reader(events: EventsSource[int]) -> None:
    """``break`` is enough."""
    reader = events.events.iterate()
    events.emit(1)
    async for _ in reader:
        assert len(events._listeners) == 1
        break
    del reader

    assert events._listeners == ()


async def test_cancelled_reader_detaches(events: EventsSource[int]) -> None:
    """Whoever is cancelled while waiting waits no more."""
    reader = events.events.iterate()
    task = await begun(reader)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert events._listeners == ()
    assert await all_of(reader) == []


async def test_closed_reader_ends(events: EventsSource[int]) -> None:
    """`aclose` ends the one who waits, too; it may be said twice."""
    async with events.events.iterate() as reader:
        task = await begun(reader)
        await reader.aclose()

        with pytest.raises(StopAsyncIteration):
            await task
    assert await all_of(reader) == []
    assert events._listeners == ()


async def test_closed_reader_forgets_what_is_unread(
    events: EventsSource[int],
) -> None:
    """Neither an event nor the error of having missed one is left."""
    reader = events.events.iterate(limit=1)
    for event in (1, 2):
        events.emit(event)
    await reader.aclose()

    assert await all_of(reader) == []


async def test_reader_of_what_has_closed_ends_at_once(
    events: EventsSource[int],
) -> None:
    """There is nothing to repeat."""
    events.emit(1)
    events.close()

    assert await all_of(aiter(events.events)) == []


@pytest.mark.parametrize("limit", [0, -1])
def test_mailbox_must_hold_something(events: EventsSource[int], limit: int) -> None:
    """A limit that no reader could keep is an argument error."""
    with pytest.raises(InvalidArgumentError):
        events.events.iterate(limit=limit)
