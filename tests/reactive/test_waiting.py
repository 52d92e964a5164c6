"""Laws of ``until``: the first value that fits, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeGuard

import pytest

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.errors import ClosedError, InvalidArgumentError, TransportTimeoutError
from utd_stream.ports import Clock
from utd_stream.reactive import Events, EventsSource, Latest, LatestSource

Value: TypeAlias = int | str


class LateClock:
    """Its timeouts come in the very moment in which the body has ended."""

    now = AsyncioClock.now
    monotonic = AsyncioClock.monotonic
    sleep = AsyncioClock.sleep
    call_later = AsyncioClock.call_later

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[object]:
        """Run the body, then time out."""

        @asynccontextmanager
        async def late() -> AsyncIterator[None]:
            yield
            raise TimeoutError(seconds)

        return late()


class Rig(Protocol):
    """A source, whether of state or of events."""

    @property
    def read(self) -> Latest[Value] | Events[Value]:
        """The read side."""
        ...

    def tell(self, value: Value) -> None:
        """Say *value*."""
        ...

    def close(self) -> None:
        """Say no more."""
        ...

    def attached(self) -> int:
        """Return how many listen."""
        ...


class LatestRig:
    """A source of state; its value is 0."""

    def __init__(self, clock: Clock) -> None:
        self.source: LatestSource[Value] = LatestSource(0, clock)
        self.read = self.source.latest
        self.tell = self.source.set
        self.close = self.source.close

    def attached(self) -> int:
        """Return how many listen."""
        return len(self.source._watchers)


class EventsRig:
    """A source of events."""

    def __init__(self, clock: Clock) -> None:
        self.source: EventsSource[Value] = EventsSource(clock)
        self.read = self.source.events
        self.tell = self.source.emit
        self.close = self.source.close

    def attached(self) -> int:
        """Return how many listen."""
        return len(self.source._listeners)


MakeRig: TypeAlias = Callable[[Clock], Rig]


@pytest.fixture(params=[LatestRig, EventsRig], ids=["latest", "events"])
def make_rig(request: pytest.FixtureRequest) -> MakeRig:
    """Make a source of either kind."""
    make: MakeRig = request.param
    return make


@pytest.fixture
def rig(make_rig: MakeRig) -> Rig:
    """A source on the real clock."""
    return make_rig(AsyncioClock())


def is_text(value: Value) -> TypeGuard[str]:
    """Fit texts."""
    return isinstance(value, str)


def never(value: Value) -> bool:
    """Fit no value."""
    return False


async def waiting(
    rig: Rig, predicate: Callable[[Value], bool] = is_text
) -> asyncio.Task[Value]:
    """Begin to wait."""

    async def wait() -> Value:
        found: Value = await rig.read.until(predicate)
        return found

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    assert rig.attached() == 1
    return task


async def test_first_value_that_fits_ends_the_waiting(rig: Rig) -> None:
    """Neither the ones before it count, nor those after."""
    task = await waiting(rig)
    for value in (1, 2, "yes", "later"):
        rig.tell(value)

    assert await task == "yes"
    assert rig.attached() == 0


async def test_passing_value_is_not_missed(rig: Rig) -> None:
    """Each value is looked at as it comes, not when the waiting task wakes."""
    task = await waiting(rig)
    rig.tell("passing")
    rig.tell(1)

    assert await task == "passing"


async def test_timeout_leaves_no_observer(rig: Rig) -> None:
    """A wait that took too long is an error of ours, and of asyncio's kind."""
    with pytest.raises(TransportTimeoutError, match="within 0 s") as raised:
        await rig.read.until(never, timeout=0)

    assert isinstance(raised.value, TimeoutError)
    assert rig.attached() == 0


@pytest.mark.parametrize("timeout", ["5", b"5", [5], 5j, float("nan")], ids=repr)
async def test_a_timeout_is_a_number(rig: Rig, timeout: Any) -> None:
    """Anything else is refused by its name, and nothing listens on."""
    with pytest.raises(InvalidArgumentError, match="timeout must be a number"):
        await rig.read.until(never, timeout=timeout)

    assert rig.attached() == 0


async def test_a_timeout_that_is_over_lets_nobody_wait(rig: Rig) -> None:
    """A negative one is one of no time, as asyncio has it."""
    with pytest.raises(TransportTimeoutError):
        await rig.read.until(never, timeout=-1)


async def test_a_timeout_says_what_was_waited_for(rig: Rig) -> None:
    """The predicate by its name, a lambda by its place, and what came instead."""
    last = "the last value is 7" if isinstance(rig, LatestRig) else "was a int"

    async def said(wanted: Callable[[Value], bool]) -> str:
        with pytest.raises(TransportTimeoutError) as raised:
            await rig.read.until(wanted, timeout=0)
        return str(raised.value)

    assert "never held for no" in await said(never)
    assert "never held for no" in await said(partial(never))
    assert "the lambda at test_waiting.py:" in await said(lambda _: False)
    rig.tell(0)
    waits = asyncio.create_task(rig.read.until(never))
    await asyncio.sleep(0)
    rig.tell(7)
    rig.close()
    with pytest.raises(ClosedError, match=f"before the owner closed; .*{last}"):
        await waits


async def test_a_coroutine_function_is_no_predicate(rig: Rig) -> None:
    """What it returns is true whatever it would say, so it is refused at once."""

    async def later(value: Value) -> bool:
        return False

    wrong: list[Any] = [later, partial(later), lambda _: later(0)]
    for wanted in wrong:
        task = asyncio.create_task(rig.read.until(wanted, timeout=1))
        await asyncio.sleep(0)
        rig.tell(1)
        with pytest.raises(InvalidArgumentError, match="must not be a coroutine"):
            await task
        assert rig.attached() == 0


async def test_a_timeout_of_a_value_says_both() -> None:
    """The value wanted and the last one, cut where it is long."""
    source: LatestSource[Value] = LatestSource("a" * 10_000, AsyncioClock())

    with pytest.raises(TransportTimeoutError) as raised:
        await source.latest.until("speaking", timeout=0)

    said = str(raised.value)
    assert said.startswith("'speaking' did not come within 0 s; the last value is 'aa")
    assert len(said) < 300


async def test_close_ends_the_waiting(rig: Rig) -> None:
    """Nobody waits for what cannot come any more."""
    task = await waiting(rig)
    rig.close()

    with pytest.raises(ClosedError):
        await task
    assert rig.attached() == 0


async def test_waiting_for_what_has_closed_fails_at_once(rig: Rig) -> None:
    """Whoever comes too late hears it."""
    rig.close()

    with pytest.raises(ClosedError):
        await rig.read.until(never)
    assert rig.attached() == 0


async def test_cancelled_waiting_leaves_no_observer(rig: Rig) -> None:
    """Cancelling ends the waiting only, and whole."""
    task = await waiting(rig)
    task.cancel()
    # The value comes after the cancellation, before the task has noticed it.
    rig.tell("late")

    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.attached() == 0


async def test_value_of_the_moment_of_the_timeout_has_come(make_rig: MakeRig) -> None:
    """A timeout takes away nothing that is there."""
    rig = make_rig(LateClock())
    task = await waiting(rig)
    rig.tell("just in time")

    assert await task == "just in time"


async def test_error_of_the_predicate_is_raised_where_it_is_waited_for(
    rig: Rig,
) -> None:
    """The bug of one who waits is his, not the producer's."""

    def confused(value: Value) -> bool:
        return bool(value) and next(iter(()))

    task = await waiting(rig, confused)
    rig.tell(1)
    rig.tell(2)

    with pytest.raises(RuntimeError) as raised:
        await task
    assert isinstance(raised.value.__cause__, StopIteration)
    assert rig.attached() == 0


async def test_close_after_the_value_changes_nothing(rig: Rig) -> None:
    """What was found stays found until the task wakes."""
    task = await waiting(rig)
    rig.tell("found")
    rig.close()

    assert await task == "found"


async def test_current_value_counts() -> None:
    """State that fits already is not waited for, not even when it is closed."""
    source: LatestSource[Value] = LatestSource("now", AsyncioClock())
    source.close()

    assert await source.latest.until(is_text, timeout=0) == "now"


async def test_past_event_does_not_count() -> None:
    """What happened before the waiting is not waited for."""
    source: EventsSource[Value] = EventsSource(AsyncioClock())
    source.emit("past")

    with pytest.raises(TransportTimeoutError):
        await source.events.until(is_text, timeout=0)


async def test_guard_narrows_the_type() -> None:
    """A checker knows what a `TypeGuard` has found out."""
    source: LatestSource[Value] = LatestSource("now", AsyncioClock())

    found = await source.latest.until(is_text)

    assert found.upper() == "NOW"


async def test_last_value_counts_when_its_delivery_closes() -> None:
    """A value that is final by being told still fits."""
    source: LatestSource[Value] = LatestSource(0, AsyncioClock())
    source.latest.subscribe(lambda value: source.close() if value else None)
    task = asyncio.create_task(source.latest.until(is_text))
    await asyncio.sleep(0)
    source.set("last")

    assert await task == "last"


async def test_derived_value_can_be_waited_for() -> None:
    """It is attached to its source only meanwhile."""
    source: LatestSource[int] = LatestSource(0, AsyncioClock())
    squares = source.latest.derive(lambda n: n * n)
    task = asyncio.create_task(squares.until(lambda n: n > 8))
    await asyncio.sleep(0)
    for n in range(5):
        source.set(n)

    assert await task == 9
    assert source._watchers == ()


async def test_unchanged_derived_value_is_not_looked_at() -> None:
    """Who waits for one part of a large state is not asked about the others."""
    source: LatestSource[int] = LatestSource(0, AsyncioClock())
    asked: list[int] = []

    def is_one(value: int) -> bool:
        asked.append(value)
        return value == 1

    task = asyncio.create_task(source.latest.derive(lambda n: n % 2).until(is_one))
    await asyncio.sleep(0)
    for n in (2, 4, 5):
        source.set(n)

    assert await task == 1
    assert asked == [0, 1]


async def test_a_value_can_be_waited_for_by_itself() -> None:
    """What cannot be called is compared, None too, and returned as it came."""
    source: LatestSource[int | None] = LatestSource(0, AsyncioClock())
    two = asyncio.create_task(source.latest.until(2))
    nothing = asyncio.create_task(source.latest.until(None))
    await asyncio.sleep(0)
    source.set(1)
    await asyncio.sleep(0)
    assert not two.done()
    source.set(2)
    source.set(None)

    assert (await two, await nothing) == (2, None)


async def test_what_can_be_called_is_asked() -> None:
    """A function that is the value itself is a predicate all the same."""
    source: LatestSource[Value] = LatestSource("now", AsyncioClock())

    assert await source.latest.until(bool, timeout=0) == "now"
    with pytest.raises(TransportTimeoutError):
        await source.latest.until(never, timeout=0)
