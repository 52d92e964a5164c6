"""The pauses of a program of our own."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import attrs
import pytest

from utd_stream.adapters.pauses import shorten_pauses


@pytest.fixture(autouse=True)
def process() -> Iterator[None]:
    """This process, left as it was."""
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()
    sys.setswitchinterval(interval)


@attrs.define
class Node:
    """Something that refers to another, and is referred to."""

    other: object = None


def test_many_objects_set_off_no_full_collection() -> None:
    """As many as a listing of a large room makes are looked at while young only."""
    generations: list[int] = []

    def note(phase: str, about: dict[str, int]) -> None:
        if phase == "start":
            generations.append(about["generation"])

    shorten_pauses()
    gc.callbacks.append(note)
    try:
        held = [Node(Node()) for _ in range(200_000)]
    finally:
        gc.callbacks.remove(note)

    assert len(held) == 200_000
    assert generations
    assert max(generations) < 2


def test_cycles_are_still_freed() -> None:
    """Objects that refer to each other, and nobody else to them, do not stay."""
    shorten_pauses()
    for _ in range(100_000):
        first = Node()
        first.other = Node(first)
    found = sum(isinstance(each, Node) for each in gc.get_objects())

    assert found < 20_000


def test_who_has_read_waits_little_for_who_computes() -> None:
    """A thread that computes lets another go on after a fraction of a millisecond.

    How long the other waits then is measured by `make bench`, as P12.
    """
    shorten_pauses()

    assert sys.getswitchinterval() < 0.001
