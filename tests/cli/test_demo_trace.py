"""Laws of the timeline of the demo."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from utd_stream.cli._demo_trace import PRESENCES, Change, Span, presence, spans

WORDS = {
    "connected": ("yes", "no"),
    "seat": ("none", "seat 0", "seat 1"),
    "occupancy": ("listening", "speaking", "silent"),
    "muted": ("yes", "no"),
}


@st.composite
def traces(draw: st.DrawFn) -> list[Change]:
    """What sessions may have told, in order."""
    told: list[Change] = []
    for at in sorted(draw(st.lists(st.floats(0, 10), max_size=30))):
        what = draw(st.sampled_from(sorted(WORDS)))
        value = draw(st.sampled_from(WORDS[what]))
        told.append(Change(at, draw(st.sampled_from("ab")), what, None, value))
    return told


FLICKER = [
    Change(0, "a", "connected", None, "yes"),
    Change(1, "a", "connected", "yes", "no"),
    Change(1, "a", "connected", "no", "yes"),
]


@example(changes=FLICKER)
@given(changes=traces())
def test_a_presence_is_whole(changes: list[Change]) -> None:
    """It fills the time without a gap, and no two neighbors are the same."""
    told = presence(changes, "a", 11.0)

    assert (told[0].start, told[-1].end) == (0.0, 11.0)
    assert all(one.end == other.start for one, other in pairwise(told))
    assert all(one.value != other.value for one, other in pairwise(told))
    assert all(span.value in PRESENCES for span in told)


def test_a_presence_tells_heard_from_seated() -> None:
    """Seated is not yet heard, and muted is heard no more."""
    told = [
        Change(1, "a", "connected", None, "yes"),
        Change(2, "a", "seat", None, "seat 0"),
        Change(3, "b", "muted", None, "no"),
        Change(4, "a", "occupancy", None, "speaking"),
        Change(4, "a", "muted", None, "no"),
        Change(5, "a", "muted", "no", "yes"),
        Change(6, "a", "seat", "seat 0", "none"),
        Change(7, "a", "connected", "yes", "no"),
    ]

    assert presence(told, "a", 8) == [
        Span(0.0, 1, "away"),
        Span(1, 2, "listening"),
        Span(2, 4, "seated"),
        Span(4, 5, "publishing"),
        Span(5, 6, "muted"),
        Span(6, 7, "listening"),
        Span(7, 8, "away"),
    ]


def test_spans_are_of_one_value_of_one_person() -> None:
    """The last one lasts until the end."""
    told = [
        Change(1, "a", "seat", None, "none"),
        Change(2, "b", "seat", None, "seat 0"),
        Change(3, "a", "seat", "none", "seat 1"),
    ]

    assert spans(told, "a", "seat", 4) == [Span(1, 3, "none"), Span(3, 4, "seat 1")]
    assert spans(told, "a", "muted", 4) == []
