"""Which answers to an Idempotency-Key are kept: of one caller the newest 10,000.

Each answer of a caller has the next number, so the oldest ones are found by
their number, and a command costs the same whatever was kept before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from utd_stream.engine._rows import EvictedAnswers, StoredAnswer

__all__ = ["KEPT_OF_ONE_CALLER", "beyond", "numbered"]

KEPT_OF_ONE_CALLER = 10_000


def numbered(
    answers: Iterable[StoredAnswer], newest: Mapping[str, int]
) -> list[StoredAnswer]:
    """Return *answers* with the next numbers of their callers.

    Args:
        answers: Oldest first.
        newest: The number of each caller's newest answer; 0 without one.
    """
    last = dict(newest)
    found: list[StoredAnswer] = []
    for answer in answers:
        last[answer.caller] += 1
        found.append(attrs.evolve(answer, number=last[answer.caller]))
    return found


def beyond(answers: Iterable[StoredAnswer]) -> list[EvictedAnswers]:
    """Return what need not be kept beside *answers*, the newest of their callers."""
    newest = {answer.caller: answer.number for answer in answers}
    return [
        EvictedAnswers(caller, number - KEPT_OF_ONE_CALLER)
        for caller, number in newest.items()
        if number > KEPT_OF_ONE_CALLER
    ]
