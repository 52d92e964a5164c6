"""What changed when, and who was where and heard when, computed from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

__all__ = ["PRESENCES", "Change", "Span", "presence", "spans"]

PRESENCES = ("away", "listening", "seated", "muted", "publishing")


@attrs.frozen
class Change:
    """One value of one observable of one session.

    Attributes:
        at: Seconds since the start.
        who: Whose session.
        what: Which observable.
        before: The value until then; None for the first one.
        after: The value from then on.
    """

    at: float
    who: str
    what: str
    before: str | None
    after: str


@attrs.frozen
class Span:
    """How long one value held, in seconds since the start."""

    start: float
    end: float
    value: str


def spans(changes: Iterable[Change], who: str, what: str, end: float) -> list[Span]:
    """Return the values an observable had, one after the other, until *end*."""
    mine = [change for change in changes if (change.who, change.what) == (who, what)]
    ends = [*(change.at for change in mine[1:]), end]
    return [
        Span(change.at, until, change.after)
        for change, until in zip(mine, ends, strict=False)
    ]


def presence(changes: Sequence[Change], who: str, end: float) -> list[Span]:
    """Return what somebody was, one of `PRESENCES` after the other."""
    values: dict[str, str] = {}
    told: list[tuple[float, str]] = []
    for change in changes:
        if change.who == who:
            values[change.what] = change.after
            told.append((change.at, _presence(values.get)))
    return list(_merged(told, end))


def _presence(value: Callable[[str], str | None]) -> str:
    if value("connected") != "yes":
        return "away"
    if value("seat") in {None, "none"}:
        return "listening"
    if value("occupancy") != "speaking":
        return "seated"
    return "publishing" if value("muted") == "no" else "muted"


def _merged(told: Sequence[tuple[float, str]], end: float) -> Iterator[Span]:
    start, value = 0.0, "away"
    # Of several at one instant the last counts: the others held for no time.
    for at, presence_then in dict(told).items():
        if presence_then != value:
            if at > start:
                yield Span(start, at, value)
            start, value = at, presence_then
    yield Span(start, end, value)
