"""Laws of `Latest`: a value now, and from now on."""

from __future__ import annotations

from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators as ops

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.reactive import Latest, LatestSource

END = "|"
CLOCK = AsyncioClock()
values = st.lists(st.integers(0, 3))


def source_of(value: int) -> LatestSource[int]:
    """A source on the real clock."""
    return LatestSource(value, CLOCK)


def heard(latest: Latest[int]) -> list[object]:
    """What an observer hears from now on, the completion included."""
    seen: list[object] = []
    latest.subscribe(seen.append, on_completed=lambda: seen.append(END))
    return seen


@given(values, values)
def test_late_subscriber_sees_the_latest_then_the_rest(
    before: list[int], after: list[int]
) -> None:
    """A subscriber gets the value in force, then exactly the changes."""
    source = source_of(0)
    for value in before:
        source.set(value)
    seen = heard(source.latest)
    for value in after:
        source.set(value)

    current = [0, *before][-1]
    assert seen == [value for value, _ in groupby([current, *after])]
    assert source.latest.value == seen[-1]


@given(values)
def test_derived_value_is_what_its_function_makes_of_the_value(
    changes: list[int],
) -> None:
    """Watched or not, read or not, a derived value is never behind."""
    source = source_of(0)
    parity = source.latest.derive(lambda n: n % 2)
    again = parity.derive(lambda odd: -odd)
    seen = heard(parity)

    for value in changes:
        source.set(value)
        assert parity.value == value % 2
        assert again.value == -(value % 2)

    assert all(a != b for a, b in pairwise(seen))
    assert seen[-1] == parity.value


def test_subscriber_after_close_sees_value_then_completion() -> None:
    """The last value outlives the owner."""
    source = source_of(0)
    source.set(1)
    watching = heard(source.latest)
    source.close()
    source.close()
    source.set(2)

    assert watching == [1, END]
    assert source._watchers == ()
    assert heard(source.latest) == [1, END]
    assert source.latest.value == 1


def test_a_source_knows_whether_it_is_watched() -> None:
    """While somebody subscribes, and no longer."""
    source = source_of(0)
    before = source.is_watched
    watching = source.latest.subscribe(lambda _: None)
    while_watched = source.is_watched
    watching.dispose()

    assert (before, while_watched, source.is_watched) == (False, True, False)


def test_raising_observer_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """An observer's bug neither reaches the producer nor its neighbors."""
    source = source_of(0)

    def bad(value: int) -> None:
        raise ValueError(value)

    source.latest.subscribe(bad)
    seen = heard(source.latest)
    source.set(1)

    assert seen == [0, 1]
    assert "bad raised; its subscription stays" in caplog.text


def test_raising_observer_hears_the_next_value() -> None:
    """One bad value does not end a subscription."""
    source = source_of(0)
    seen: list[int] = []

    def picky(value: int) -> None:
        seen.append(value)
        if value == 1:
            raise ValueError(value)

    source.latest.subscribe(picky)
    source.set(1)
    source.set(2)

    assert seen == [0, 1, 2]


def test_close_completes_everyone() -> None:
    """A bug in one completion handler does not keep the others waiting."""
    source = source_of(0)

    def bad() -> None:
        raise ValueError

    source.latest.subscribe(on_completed=bad)
    seen = heard(source.latest)
    source.close()

    assert seen == [0, END]


def test_derive_is_distinct_and_closes() -> None:
    """A derived value emits its own changes only."""
    source = source_of(0)
    seen = heard(source.latest.derive(lambda n: n % 2))
    for n in (2, 3, 5, 4):
        source.set(n)
    source.close()

    assert seen == [0, 1, 0, END]
    assert source._watchers == ()


def test_observer_that_causes_the_next_value_on_subscribing_hears_it() -> None:
    """Subscribing and reacting at once loses nothing."""
    source = source_of(0)
    seen: list[int] = []

    def react(value: int) -> None:
        seen.append(value)
        if value == 0:
            source.set(1)

    source.latest.subscribe(react)

    assert seen == [0, 1]


def test_value_set_from_a_delivery_is_never_followed_by_an_older_one() -> None:
    """Whoever has not been told yet hears the newest only, and once."""
    source = source_of(0)
    source.latest.subscribe(lambda n: source.set(2) if n == 1 else None)
    seen = heard(source.latest)
    source.set(1)

    assert seen == [0, 2]


@pytest.mark.parametrize("derive", [False, True], ids=["plain", "derived"])
def test_value_taken_back_in_a_delivery_is_no_news(*, derive: bool) -> None:
    """Whoever heard the old value last does not hear it again."""
    source = source_of(0)
    source.latest.subscribe(lambda n: source.set(0) if n == 1 else None)
    seen = heard(source.latest.derive(lambda n: -n) if derive else source.latest)
    source.set(1)

    assert seen == [0]


def test_closing_from_a_delivery_takes_the_last_value_from_nobody() -> None:
    """The last value comes before the completion, for everybody."""
    source = source_of(0)
    source.latest.subscribe(lambda n: source.close() if n == 1 else None)
    seen = heard(source.latest)
    derived = heard(source.latest.derive(lambda n: 10 * n))
    source.set(1)

    assert seen == [0, 1, END]
    assert derived == [0, 10, END]


def test_derived_value_nobody_watches_costs_its_source_nothing() -> None:
    """It is computed when read and attached only while watched."""
    source = source_of(0)
    computed: list[int] = []

    def double(value: int) -> int:
        computed.append(value)
        return 2 * value

    doubled = source.latest.derive(double)
    computed.clear()
    source.set(1)
    source.set(2)

    assert computed == []
    assert doubled.value == 4
    assert computed == [2]
    doubled.subscribe().dispose()
    source.set(3)
    assert computed == [2]
    assert source._watchers == ()


def test_derived_value_stays_attached_until_nobody_is_left() -> None:
    """One observer's end is not its neighbor's."""
    source = source_of(0)
    derived = source.latest.derive(lambda n: -n)
    leaving = derived.subscribe()
    seen = heard(derived)

    leaving.dispose()
    source.set(1)

    assert seen == [0, -1]


def test_derived_value_is_told_back_to_whoever_came_between() -> None:
    """What an earlier observer heard last is no measure for a later one."""
    source = source_of(0)
    derived = source.latest.derive(lambda n: -n)
    derived.subscribe().dispose()
    source.set(1)
    seen = heard(derived)
    source.set(0)

    assert seen == [-1, 0]


def test_reading_a_derived_value_early_takes_it_from_nobody() -> None:
    """A neighbor that reads inside its own delivery does not eat the change."""
    source = source_of(0)
    doubled = source.latest.derive(lambda n: 2 * n)
    early: list[int] = []
    source.latest.subscribe(lambda _: early.append(doubled.value))
    seen = heard(doubled)
    source.set(1)

    assert seen == [0, 2]


def test_derived_after_close_gives_value_then_completion() -> None:
    """Deriving from what has ended is ended too."""
    source = source_of(1)
    before = source.latest.derive(lambda n: n + 1)
    source.close()
    after = source.latest.derive(lambda n: n + 2)

    assert heard(before) == [2, END]
    assert heard(after) == [3, END]


def test_a_function_of_derive_that_raises_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log does not blame the observer, who hears the next value."""
    source = source_of(1)

    def inverse(value: int) -> int:
        return 1 // value

    seen = heard(source.latest.derive(inverse))
    source.set(0)
    source.set(-1)

    assert seen == [1, -1]
    (record,) = caplog.records
    assert "inverse, given to derive(), raised" in record.message


def test_operators_of_rxpy_apply() -> None:
    """A `Latest` is an observable like any other."""
    source = source_of(0)
    seen: list[int] = []
    source.latest.pipe(ops.skip(1), ops.take(1)).subscribe(seen.append)
    for n in (1, 2):
        source.set(n)

    assert seen == [1]
    assert source._watchers == ()


def test_a_latest_shows_its_value() -> None:
    """At a prompt: the value, cut if it is long, and whether it is the last."""
    source: LatestSource[str] = LatestSource("ana", AsyncioClock())

    assert repr(source.latest) == "<Latest: 'ana'>"
    assert repr(source.latest.derive(len)) == "<Latest: 3>"
    source.set("a" * 10_000)
    assert len(repr(source.latest)) < 600
    source.set("end")
    source.close()
    assert repr(source.latest) == "<Latest: 'end', closed>"
