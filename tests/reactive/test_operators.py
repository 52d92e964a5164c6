"""Laws of RxPY's operators on our observables: on virtual time, to the second."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any, TypeAlias

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, compose
from reactivex import operators as ops
from reactivex.subject import Subject

from tests.readme import block
from utd_stream import ClockScheduler, Events, Latest, Silence
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.errors import UsageError
from utd_stream.models.room_events import DataReceived
from utd_stream.reactive import EventsSource, LatestSource
from utd_stream.testing import (
    Simulation,
    StalledError,
    VirtualClock,
    VirtualLoop,
    run,
)

Told: TypeAlias = list[tuple[float, Any]]
Script: TypeAlias = Sequence[tuple[float, int]]
Pipe: TypeAlias = Callable[[Events[int]], Observable[Any]]

END = "|"
SCRIPT: Script = [(1, 1), (2, 2), (4, 3)]
CLOSED_AT = 10.0

# Quarters of a second are exact in a float.
gaps = st.lists(st.integers(0, 12).map(lambda n: n / 4), max_size=8)
widths = st.integers(1, 12).map(lambda n: n / 4)


def clock_here() -> VirtualClock:
    """The clock of the running virtual loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop.clock


def told(pipe: Pipe, script: Script = SCRIPT, closed_at: float = CLOSED_AT) -> Told:
    """What a pipe tells, and when, of events that come as *script* says."""

    async def play() -> Told:
        clock = clock_here()
        source: EventsSource[int] = EventsSource(clock)
        seen: Told = []
        pipe(source.events).subscribe(
            lambda value: seen.append((clock.monotonic(), value)),
            lambda error: seen.append((clock.monotonic(), str(error))),
            lambda: seen.append((clock.monotonic(), END)),
        )
        for at, value in script:
            await clock.sleep(at - clock.monotonic())
            source.emit(value)
        await clock.sleep(closed_at - clock.monotonic())
        source.close()
        await clock.advance(100)
        return seen

    return [(round(at, 3), value) for at, value in run(play())]


def at_times(gaps: Sequence[float]) -> list[tuple[float, int]]:
    """Numbered events, each so long after the one before."""
    passed = 0.0
    script: list[tuple[float, int]] = []
    for number, gap in enumerate(gaps):
        passed += gap
        script.append((passed, number))
    return script


def is_positive(n: int) -> bool:
    """Fit what is above 0."""
    return n > 0


def is_negative(n: int) -> bool:
    """Fit what is below 0."""
    return n < 0


def inverse(n: int) -> float:
    """Fail for 0."""
    return 1 / n


def buffered(source: Observable[int]) -> Observable[list[int]]:
    """Tell two at a time, or what came in three seconds, if there was any."""
    buffers: Observable[list[int]] = ops.buffer_with_time_or_count(3.0, 2)(source)
    return buffers.filter(bool)


def counted(source: Observable[int]) -> Observable[int]:
    """Tell how many came in each three seconds."""
    windows: Observable[Observable[int]] = ops.window_with_time(3.0)(source)
    return windows.flat_map(ops.count())


TIMED: dict[str, tuple[Pipe, Told]] = {
    "delay": (
        lambda e: e.pipe(ops.delay(2.0)),
        [(3, 1), (4, 2), (6, 3), (12, END)],
    ),
    "delay, in a timedelta": (
        lambda e: e.pipe(ops.delay(timedelta(seconds=2))),
        [(3, 1), (4, 2), (6, 3), (12, END)],
    ),
    "delay, as a method": (
        lambda e: e.delay(2.0),
        [(3, 1), (4, 2), (6, 3), (12, END)],
    ),
    "delay_subscription": (
        lambda e: e.pipe(ops.delay_subscription(1.5)),
        [(2, 2), (4, 3), (10, END)],
    ),
    "delay_with_mapper": (
        lambda e: e.pipe(ops.delay_with_mapper(lambda n: reactivex.timer(float(n)))),
        [(2, 1), (4, 2), (7, 3), (10, END)],
    ),
    "debounce": (
        lambda e: e.pipe(ops.debounce(1.5)),
        [(3.5, 2), (5.5, 3), (10, END)],
    ),
    "throttle_with_timeout": (
        lambda e: e.pipe(ops.throttle_with_timeout(1.5)),
        [(3.5, 2), (5.5, 3), (10, END)],
    ),
    "throttle_first": (
        lambda e: e.pipe(ops.throttle_first(2.0)),
        [(1, 1), (4, 3), (10, END)],
    ),
    "throttle_first, filtered before and after": (
        lambda e: e.pipe(
            ops.filter(is_positive), ops.throttle_first(2.0), ops.map(str)
        ),
        [(1, "1"), (4, "3"), (10, END)],
    ),
    "sample": (
        lambda e: e.pipe(ops.sample(1.5)),
        [(1.5, 1), (3, 2), (4.5, 3), (10.5, END)],
    ),
    "timeout": (
        lambda e: e.pipe(ops.timeout(1.5)),
        [(1, 1), (2, 2), (3.5, "Timeout")],
    ),
    "buffer_with_time": (
        lambda e: e.pipe(ops.buffer_with_time(3.0)),
        [(3, [1, 2]), (6, [3]), (9, []), (10, []), (10, END)],
    ),
    "buffer_with_time_or_count": (
        lambda e: e.pipe(buffered),
        [(2, [1, 2]), (5, [3]), (10, END)],
    ),
    "window_with_time": (
        lambda e: e.pipe(counted),
        [(3, 2), (6, 1), (9, 0), (10, 0), (10, END)],
    ),
    "take_with_time": (lambda e: e.pipe(ops.take_with_time(1.5)), [(1, 1), (1.5, END)]),
    "skip_with_time": (
        lambda e: e.pipe(ops.skip_with_time(1.5)),
        [(2, 2), (4, 3), (10, END)],
    ),
    "take_last_with_time": (
        lambda e: e.pipe(ops.take_last_with_time(7.0)),
        [(10, 3), (10, END)],
    ),
    "skip_last_with_time": (
        lambda e: e.pipe(ops.skip_last_with_time(3.0)),
        [(4, 1), (10, 2), (10, 3), (10, END)],
    ),
    "timestamp": (
        lambda e: e.pipe(ops.timestamp(), ops.map(attrgetter("timestamp.second"))),
        [(1, 1), (2, 2), (4, 4), (10, END)],
    ),
    "time_interval": (
        lambda e: e.pipe(ops.time_interval(), ops.map(attrgetter("interval.seconds"))),
        [(1, 1), (2, 1), (4, 2), (10, END)],
    ),
    "an interval merged in": (
        lambda e: e.pipe(
            ops.merge(reactivex.interval(3.0).pipe(ops.map(lambda _: 0), ops.take(2)))
        ),
        [(1, 1), (2, 2), (3, 0), (4, 3), (6, 0), (10, END)],
    ),
    "a timer for each": (
        lambda e: e.pipe(ops.flat_map(lambda _: reactivex.timer(1.0))),
        [(2, 0), (3, 0), (5, 0), (10, END)],
    ),
    "take_until a timer": (
        lambda e: e.pipe(ops.take_until(reactivex.timer(3.0))),
        [(1, 1), (2, 2), (3, END)],
    ),
    "debounce of each group": (
        lambda e: e.pipe(
            ops.group_by(lambda n: n % 2),
            ops.flat_map(ops.debounce(1.5)),
        ),
        [(2.5, 1), (3.5, 2), (5.5, 3), (10, END)],
    ),
    "debounce of what is shared": (
        lambda e: e.pipe(ops.share(), ops.debounce(1.5)),
        [(3.5, 2), (5.5, 3), (10, END)],
    ),
}


@pytest.mark.parametrize("name", TIMED)
def test_a_timed_operator_follows_the_clock_without_a_scheduler(name: str) -> None:
    """Every operator of time that is given none acts when the clock says so."""
    pipe, expected = TIMED[name]

    assert told(pipe) == expected


@given(gaps, widths)
def test_delay_tells_each_value_as_much_later(gaps: list[float], width: float) -> None:
    """Nothing is lost, and the order stays."""
    script = at_times(gaps)
    seen = told(lambda e: e.pipe(ops.delay(width)), script, 40)

    assert seen == [(at + width, n) for at, n in script] + [(40 + width, END)]


@given(gaps, widths)
def test_debounce_tells_a_value_once_it_was_quiet_for_so_long(
    gaps: list[float], width: float
) -> None:
    """A value is told if none comes before its time is up."""
    script = at_times(gaps)
    nexts = [at for at, _ in script[1:]] + [float("inf")]
    kept = [
        (at + width, n)
        for (at, n), then in zip(script, nexts, strict=False)
        if then > at + width
    ]
    seen = told(lambda e: e.pipe(ops.debounce(width)), script, 40)

    # Of two things of one instant either may be first.
    ties = {
        at + width
        for (at, _), then in zip(script, nexts, strict=False)
        if then == at + width
    }
    assert [one for one in seen if one[0] not in ties] == [*kept, (40, END)]


@given(gaps, widths)
def test_throttle_first_tells_a_value_and_none_for_so_long(
    gaps: list[float], width: float
) -> None:
    """What is told first is told at once."""
    kept: Told = []
    for at, n in at_times(gaps):
        if not kept or at - kept[-1][0] >= width:
            kept.append((at, n))
    seen = told(lambda e: e.pipe(ops.throttle_first(width)), at_times(gaps), 40)

    assert seen == [*kept, (40, END)]


@given(gaps)
def test_pairwise_tells_each_value_with_the_one_before(gaps: list[float]) -> None:
    """The first one alone is no pair."""
    script = at_times(gaps)
    seen = told(lambda e: e.pipe(ops.pairwise()), script, 40)

    assert seen == [(at, (n - 1, n)) for at, n in script[1:]] + [(40, END)]


@given(gaps, gaps)
def test_merge_tells_both_and_with_latest_from_one_beside_the_other(
    first: list[float], second: list[float]
) -> None:
    """A merge loses nothing; the other of two is looked at, never followed."""

    async def play() -> tuple[Told, Told]:
        clock = clock_here()
        left: EventsSource[int] = EventsSource(clock)
        right: EventsSource[int] = EventsSource(clock)
        both: Told = []
        beside: Told = []
        left.events.pipe(ops.merge(right.events)).subscribe(
            lambda n: both.append((clock.monotonic(), n))
        )
        left.events.pipe(ops.with_latest_from(right.events)).subscribe(
            lambda pair: beside.append((clock.monotonic(), pair))
        )
        for at, source, n in script:
            await clock.sleep(at - clock.monotonic())
            (left if source == "left" else right).emit(n)
        return both, beside

    script = sorted(
        [(at, "left", n) for at, n in at_times(first)]
        + [(at, "right", n) for at, n in at_times(second)]
    )
    both, beside = run(play())

    assert both == [(at, n) for at, _, n in script]
    expected: Told = []
    latest: int | None = None
    for at, source, n in script:
        if source == "right":
            latest = n
        elif latest is not None:
            expected.append((at, (n, latest)))
    assert beside == expected


def test_derive_tells_no_pair_that_never_was() -> None:
    """Values of one snapshot are combined by `derive`; `combine_latest` tears."""
    source = LatestSource((0, 0), AsyncioClock())
    whole = source.latest
    a, b = whole.derive(lambda s: s[0]), whole.derive(lambda s: s[1])
    torn: list[tuple[int, int]] = []
    derived: list[tuple[int, int]] = []
    reactivex.combine_latest(a, b).subscribe(torn.append)
    whole.derive(lambda s: (s[0], s[1])).subscribe(derived.append)
    for n in (1, 2, 3):
        source.set((n, n))

    assert derived == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert (1, 0) in torn


def test_a_latest_is_debounced_as_events_are() -> None:
    """The current value counts as told when the pipe begins."""

    async def play() -> Told:
        clock = clock_here()
        source = LatestSource(0, clock)
        seen: Told = []
        source.latest.pipe(ops.debounce(1.0)).subscribe(
            lambda n: seen.append((clock.monotonic(), n))
        )
        await clock.sleep(3)
        for n in (1, 2, 3):
            source.set(n)
        await clock.advance(10)
        return seen

    assert run(play()) == [(1, 0), (4, 3)]


def test_nothing_runs_on_after_disposing() -> None:
    """Neither a timer nor a thread is left of a pipe."""

    async def play() -> None:
        clock = clock_here()
        source: EventsSource[int] = EventsSource(clock)
        pipe = source.events.pipe(
            ops.merge(reactivex.interval(1.0)), ops.delay(2.0), ops.debounce(3.0)
        )
        watching = pipe.subscribe()
        await clock.sleep(10)
        source.emit(1)
        watching.dispose()
        await asyncio.get_running_loop().create_future()

    threads = threading.active_count()
    with pytest.raises(StalledError):
        run(play())
    assert threading.active_count() == threads


def test_a_pipe_disposed_from_within_ends_at_once() -> None:
    """An observer that has seen enough may say so itself."""

    async def play() -> list[int]:
        clock = clock_here()
        seen: list[int] = []
        ticks = reactivex.interval(1.0, scheduler=ClockScheduler(clock))

        def observe(n: int) -> None:
            seen.append(n)
            if n == 2:
                watching.dispose()

        watching = ticks.subscribe(observe)
        await clock.advance(60)
        return seen

    assert run(play()) == [0, 1, 2]


async def test_a_timed_operator_acts_in_the_thread_of_the_loop() -> None:
    """Also on the real clock: its observer may begin a task."""
    loop = asyncio.get_running_loop()
    heard: asyncio.Future[tuple[int, int]] = loop.create_future()
    source = LatestSource(7, AsyncioClock())
    source.latest.pipe(ops.delay(0.001)).subscribe(
        lambda n: heard.set_result((n, threading.get_ident()))
    )

    assert await heard == (7, threading.get_ident())


UNTIMED: dict[str, Callable[[Observable[int]], Observable[Any]]] = {
    "start_with": ops.start_with(7, 8),
    "concat": compose(ops.take(2), ops.concat(reactivex.of(7, 8))),
    "retry": compose(ops.map(inverse), ops.retry(3)),
    "catch": compose(ops.map(inverse), ops.catch(reactivex.of(7.0))),
    "repeat": compose(ops.take(1), ops.repeat(3)),
    "flat_map": ops.flat_map(lambda n: reactivex.of(n, n)),
    "concat_map": ops.concat_map(lambda n: reactivex.of(n, n)),
    "switch_map": ops.switch_map(lambda n: reactivex.of(n, n)),
    "expand": ops.expand(lambda n: reactivex.of(n - 1) if n else reactivex.empty()),
    "merge": ops.merge(reactivex.range(3)),
    "default_if_empty": compose(ops.filter(is_negative), ops.default_if_empty(7)),
    "take_until": ops.take_until(reactivex.empty()),
}


@pytest.mark.parametrize("operator", UNTIMED.values(), ids=UNTIMED)
def test_an_operator_that_needs_no_time_acts_at_once(
    operator: Callable[[Observable[int]], Observable[Any]],
) -> None:
    """As in RxPY, whose subject tells the same: no event is missed, no loop needed."""

    def seen(source: Observable[int], tell: Callable[[int], None]) -> list[object]:
        heard: list[object] = []
        source.pipe(operator).subscribe(heard.append)
        for n in (1, 2, 0, 3, 0):
            tell(n)
            heard.append("|")
        return heard

    ours: EventsSource[int] = EventsSource(AsyncioClock())
    rxpys: Subject[int] = Subject()

    assert seen(ours.events, ours.emit) == seen(rxpys, rxpys.on_next)


def test_a_thread_of_rxpys_is_refused() -> None:
    """What begins outside our observables says what to pass, at once."""
    source: EventsSource[int] = EventsSource(AsyncioClock())
    foreign: Observable[int] = ops.delay(1.0)(source.events)

    with pytest.raises(UsageError, match=r"scheduler=session\.scheduler"):
        foreign.subscribe(print)
    assert source.listener_count == 0


def test_what_begins_outside_follows_the_scheduler_it_is_given() -> None:
    """`scheduler` of an observable, or one made of the clock, is for that."""

    async def play() -> Told:
        clock = clock_here()
        source: EventsSource[int] = EventsSource(clock)
        seen: Told = []
        reactivex.merge(source.events, reactivex.timer(1.0)).pipe(
            ops.delay(2.0)
        ).subscribe(
            lambda n: seen.append((clock.monotonic(), n)),
            scheduler=source.events.scheduler,
        )
        await clock.advance(10)
        return seen

    assert run(play()) == [(3, 0)]


def test_in_a_simulation_pipes_follow_its_time(simulation: Simulation) -> None:
    """Subscribed between two steps or within one, a session's values are timed."""
    sim = simulation
    ana = sim.run(sim.world.client().join_audio_room("ana", "r", as_host=True))
    seen: list[tuple[float, int]] = []
    begun = sim.clock.monotonic()
    ana.seats.pipe(ops.map(attrgetter("rev")), ops.debounce(60.0)).subscribe(
        lambda rev: seen.append((sim.clock.monotonic() - begun, rev))
    )
    sim.advance(30)
    sim.run(ana.lock_seat(1))
    locked = sim.clock.monotonic() - begun
    sim.advance(3_600)

    ((at, rev),) = seen
    assert rev == ana.seats.value.rev
    assert at == pytest.approx(locked + 60, abs=1)
    assert ana.scheduler.now == sim.clock.now()


def test_the_pipe_of_the_readme_greets(simulation: Simulation) -> None:
    """Copied as it stands, it tells a newcomer on a seat that he is welcome."""
    sim, names = simulation, dict[str, Any]()
    exec(block("python", "ops.debounce"), names)  # noqa: S102 -- the README's program
    enter = [sim.world.client(microphone=Silence()).join_audio_room for _ in range(2)]
    ana = sim.run(enter[0]("ana", "r", as_host=True))
    ben = sim.run(enter[1]("ben", "r"))
    heard: list[bytes] = []
    ben.events.subscribe(
        lambda event: (
            heard.append(event.data) if isinstance(event, DataReceived) else None
        )
    )
    watched = sim.act(names["greet"], ana)

    sim.advance(5)
    sim.run(ben.take_seat(1))
    sim.advance(1)
    assert (watched, heard) == (None, [])
    sim.advance(5)
    assert heard == [b"welcome, ben"]


@given(gaps, st.integers(1, 3))
def test_a_group_tells_what_is_of_its_key(gaps: list[float], keys: int) -> None:
    """Each is told what came of its key, in order, and at once."""
    script = at_times(gaps)

    def sorted_out(events: Events[int]) -> Observable[tuple[int, int]]:
        return events.group_by(lambda n: n % keys).flat_map(
            lambda group: group.map(lambda n: (group.key, n))
        )

    seen = told(sorted_out, script, 40)

    assert seen == [(at, (n % keys, n)) for at, n in script] + [(40, END)]


@given(gaps, widths)
def test_take_until_ends_with_the_other(gaps: list[float], width: float) -> None:
    """What comes before is told; then nothing, and nothing stays attached."""
    script = at_times(gaps)
    seen = told(
        lambda e: e.pipe(ops.take_until(reactivex.timer(width + 0.125))), script, 40
    )

    kept = [(at, n) for at, n in script if at <= width]
    assert seen == [*kept, (round(width + 0.125, 3), END)]


def test_the_time_of_a_scheduler_never_goes_back() -> None:
    """A date that is set back stops no operator."""

    async def play() -> None:
        clock = clock_here()
        scheduler = ClockScheduler(clock)
        before = scheduler.now
        clock.skew -= 7_200
        await clock.sleep(1)
        assert scheduler.now - before == timedelta(seconds=1)

    run(play())


def test_absolute_times_and_periods_are_kept() -> None:
    """The whole interface of RxPY's schedulers is there."""

    async def play() -> Told:
        clock = clock_here()
        scheduler = ClockScheduler(clock)
        seen: Told = []

        def note(what: str) -> Callable[..., None]:
            return lambda *_: seen.append((clock.monotonic(), what))

        scheduler.schedule_absolute(scheduler.now + timedelta(seconds=3), note("at"))
        scheduler.schedule(note("first"))
        scheduler.schedule(note("second"))
        scheduler.schedule_relative(-1.0, note("late"))
        ticking = scheduler.schedule_periodic(2.0, note("tick"))
        scheduler.schedule(note("never")).dispose()
        await clock.advance(5)
        ticking.dispose()
        await clock.advance(5)
        return seen

    assert run(play()) == [
        (0, "first"),
        (0, "second"),
        (0, "late"),
        (2, "tick"),
        (3, "at"),
        (4, "tick"),
    ]


def test_what_an_action_raises_is_told_to_the_loop() -> None:
    """As with RxPY's own scheduler of asyncio; the next one runs."""

    async def play() -> list[object]:
        clock = clock_here()
        raised: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: raised.append(told["exception"]))
        scheduler = ClockScheduler(clock)

        def fail(*_: object) -> None:
            raise ValueError

        scheduler.schedule_relative(1.0, fail)
        scheduler.schedule_relative(2.0, lambda *_: raised.append("next"))
        await clock.advance(3)
        return raised

    error, following = run(play())
    assert isinstance(error, ValueError)
    assert following == "next"


def test_a_timer_outside_any_loop_is_refused() -> None:
    """Nobody would run it; the error says where to go."""
    scheduler = ClockScheduler(AsyncioClock())

    with pytest.raises(UsageError, match="run_coroutine_threadsafe"):
        scheduler.schedule(lambda *_: None)


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
def test_an_operator_that_raises_ends_the_subscription_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture, *, is_async: bool
) -> None:
    """Nothing is heard any more, nothing stays attached, neighbors go on."""

    async def play() -> tuple[list[float], list[int]]:
        clock = clock_here()
        source: EventsSource[int] = EventsSource(clock)
        seen: list[float] = []
        neighbor: list[int] = []

        async def observe(n: float) -> None:
            seen.append(n)

        pipe = source.events.pipe(ops.map(inverse))
        pipe.subscribe(observe if is_async else seen.append)
        source.events.subscribe(neighbor.append)
        for n in (1, 0, 2):
            source.emit(n)
            await clock.settle()
        assert source.listener_count == 1
        return seen, neighbor

    with caplog.at_level(logging.ERROR, "utd_stream.reactive"):
        assert run(play()) == ([1], [1, 0, 2])
    (record,) = caplog.records
    assert "its subscription has ended" in record.message
    assert ("observe" if is_async else "append") in record.message
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("is_ours", [True, False], ids=["ours", "RxPY's"])
def test_the_log_tells_an_operator_from_an_observer(
    caplog: pytest.LogCaptureFixture, *, is_ours: bool
) -> None:
    """On the first value of a `Latest`, too, and in pipes that RxPY made."""

    def piped(source: Latest[int]) -> Observable[float]:
        begun = source if is_ours else reactivex.merge(source, reactivex.never())
        return begun.pipe(ops.map(inverse))

    def fails(n: float) -> None:
        heard.append(n)
        raise ValueError(n)

    heard: list[float] = []
    failing = LatestSource(0, AsyncioClock())
    piped(failing.latest).subscribe(fails)
    failing.set(1)
    assert heard == []
    assert [r.message for r in caplog.records if "has ended" not in r.message] == []
    caplog.clear()

    raising = LatestSource(1, AsyncioClock())
    piped(raising.latest).subscribe(fails)
    raising.set(2)
    assert heard == [1, 1 / 2]
    assert [r.message for r in caplog.records if "stays" not in r.message] == []


def test_an_observer_that_raises_breaks_no_operator(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """RxPY's `delay` would be dumb after it."""
    heard: list[int] = []

    def fails(n: int) -> None:
        heard.append(n)
        raise ValueError(n)

    told(lambda e: e.pipe(ops.delay(1.0), _ending(fails)))

    assert heard == [1, 2, 3]
    assert caplog.text.count("fails raised; its subscription stays") == 3


def _ending(observe: Callable[[int], None]) -> Callable[[Observable[int]], Any]:
    """An operator that ends its source in *observe*, and tells nothing."""

    def end(source: Observable[int]) -> Observable[int]:
        source.subscribe(observe)
        return reactivex.never()

    return end
