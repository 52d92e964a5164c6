"""The garbage collector of a program of our own."""

from __future__ import annotations

import gc

import attrs

from utd_stream.adapters.garbage import shorten_pauses


@attrs.define
class Node:
    """Something that refers to another, and is referred to."""

    other: object = None


def test_many_objects_set_off_no_full_collection() -> None:
    """As many as a listing of a large room makes are looked at while young only."""
    before = gc.get_threshold()
    generations: list[int] = []

    def note(phase: str, about: dict[str, int]) -> None:
        if phase == "start":
            generations.append(about["generation"])

    try:
        shorten_pauses()
        gc.callbacks.append(note)
        held = [Node(Node()) for _ in range(200_000)]
    finally:
        gc.callbacks.remove(note)
        gc.set_threshold(*before)
        gc.unfreeze()

    assert len(held) == 200_000
    assert generations
    assert max(generations) < 2


def test_cycles_are_still_freed() -> None:
    """Objects that refer to each other, and nobody else to them, do not stay."""
    before = gc.get_threshold()
    try:
        shorten_pauses()
        for _ in range(100_000):
            first = Node()
            first.other = Node(first)
        found = sum(isinstance(each, Node) for each in gc.get_objects())
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()

    assert found < 20_000
