"""Laws of `Events`: what happens, once, in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators as ops

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.reactive import Events, EventsSource

END = "|"


@pytest.fixture
def source() -> EventsSource[int]:
    """A source on the real clock."""
    return EventsSource(AsyncioClock())


def heard(events: Events[int]) -> list[object]:
    """What an observer hears from now on, the completion included."""
    seen: list[object] = []
    events.subscribe(seen.append, on_completed=lambda: seen.append(END))
    return seen


def test_events_are_hot(source: EventsSource[int]) -> None:
    """A subscriber hears what happens from then on, equal events too."""
    source.emit(1)
    seen = heard(source.events)
    source.emit(2)
    source.emit(2)

    assert seen == [2, 2]


def test_close_completes_after_the_last_event(source: EventsSource[int]) -> None:
    """Whoever listens hears the end; whoever comes later hears it at once."""
    seen = heard(source.events)
    source.emit(1)
    source.close()
    source.close()
    source.emit(2)

    assert seen == [1, END]
    assert heard(source.events) == [END]
    assert source._listeners == ()


@given(st.dictionaries(st.integers(0, 5), st.lists(st.integers(6, 11), max_size=3)))
def test_reentrant_emission_keeps_the_order_for_everybody(
    caused: dict[int, list[int]],
) -> None:
    """Whatever observers emit in between, all hear the same, causes first."""
    source: EventsSource[int] = EventsSource(AsyncioClock())
    early = heard(source.events)

    def react(event: int) -> None:
        for consequence in caused.get(event, []):
            source.emit(consequence)

    source.events.subscribe(react)
    late = heard(source.events)
    for event in range(6):
        source.emit(event)

    expected = [x for event in range(6) for x in (event, *caused.get(event, []))]
    assert early == late == expected


def test_close_from_a_delivery_follows_what_was_emitted(
    source: EventsSource[int],
) -> None:
    """An end that is caused by an event does not overtake it."""

    def react(event: int) -> None:
        if event == 1:
            source.emit(2)
            source.close()
            source.emit(3)

    source.events.subscribe(react)
    seen = heard(source.events)
    source.emit(1)

    assert seen == [1, 2, END]


def test_subscriber_of_a_delivery_has_missed_what_waits(
    source: EventsSource[int],
) -> None:
    """An event is told to those who listened when it was emitted."""
    seen: list[object] = []

    def react(event: int) -> None:
        if event == 1:
            source.emit(2)
            seen.append(heard(source.events))

    source.events.subscribe(react)
    source.emit(1)
    source.emit(3)

    assert seen == [[3]]


def test_disposed_subscriber_hears_not_even_what_waits(
    source: EventsSource[int],
) -> None:
    """Nothing comes after `dispose`, also from inside a delivery."""
    seen: list[int] = []

    def react(event: int) -> None:
        source.emit(event + 1) if event < 3 else None
        subscription.dispose()

    source.events.subscribe(react)
    subscription = source.events.subscribe(seen.append)
    source.emit(1)

    assert seen == []


def test_raising_observer_harms_nobody(
    source: EventsSource[int], caplog: pytest.LogCaptureFixture
) -> None:
    """An observer's bug is logged; it and its neighbors hear what follows."""
    tried: list[int] = []

    def bad(event: int) -> None:
        tried.append(event)
        raise ValueError(event)

    source.events.subscribe(bad, on_completed=lambda: bad(3))
    seen = heard(source.events)
    source.emit(1)
    source.emit(2)
    source.close()

    assert tried == [1, 2, 3]
    assert seen == [1, 2, END]
    assert "bad raised; its subscription stays" in caplog.text


def test_operators_of_rxpy_apply(source: EventsSource[int]) -> None:
    """Events are an observable like any other."""
    seen: list[int] = []

    def is_large(event: int) -> bool:
        return event > 1

    source.events.pipe(ops.filter(is_large), ops.take(1)).subscribe(seen.append)
    for event in (1, 2, 3):
        source.emit(event)

    assert seen == [2]
    assert source._listeners == ()


def test_events_show_who_hears_them(source: EventsSource[int]) -> None:
    """At a prompt: how many, and whether anything can come."""
    assert repr(source.events) == "<Events: heard by 0>"
    source.events.subscribe(print)
    assert repr(source.events) == "<Events: heard by 1>"
    source.close()
    assert repr(source.events) == "<Events: closed>"
