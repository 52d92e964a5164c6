"""Every reachable state is seen, and what breaks a law is found by a shortest way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.explore import FAULTY, SMALL, explored
from utd_stream.testing.calls import FAULTS
from utd_stream.testing.explore import explore


def steps(state: int) -> Iterator[tuple[str, int]]:
    """Yield the moves of a counter to ten, by one and by three."""
    for by in (1, 3):
        if state + by <= 10:
            yield f"add {by}", state + by


def test_every_state_is_seen_once() -> None:
    """As many as there are, with every edge and every end."""
    found = explore(0, steps)

    assert (found.states, found.edges, found.ends) == (11, 18, 1)
    assert found.depth == 4
    assert (found.is_whole, found.broken) == (True, None)
    assert str(found) == "11 states, 18 edges, 1 ends, 4 deep"


def test_a_broken_law_is_found_by_a_shortest_way() -> None:
    """With every move, and the states that it passes."""
    found = explore(0, steps, laws={"below seven": lambda state: state < 7})

    assert found.broken is not None
    assert found.broken.law == "below seven"
    assert found.broken.trace == ("add 1", "add 3", "add 3")
    assert found.broken.states == (0, 1, 4, 7)
    assert "  3. add 3" in str(found)


def test_laws_of_the_end_hold_where_nothing_is_left() -> None:
    """And nowhere else."""
    found = explore(0, steps, at_ends={"at nine": lambda state: state == 9})

    assert found.broken is not None
    assert found.broken.states[-1] == 10
    assert (
        explore(0, steps, at_ends={"at ten": lambda state: state == 10}).broken is None
    )


def test_a_bound_is_told() -> None:
    """What was not looked at is no proof."""
    found = explore(0, steps, most=5)

    assert (found.states, found.is_whole) == (5, False)
    assert str(found).endswith("; there are more")


@pytest.mark.parametrize("scene", SMALL)
def test_calls_hold_their_laws_in_every_state(scene: str) -> None:
    """Whatever waits, overtakes or is lost, and whenever a deadline comes."""
    found = explored(*SMALL[scene])

    assert found.broken is None, found
    assert found.is_whole
    assert found.ends


def test_every_fault_has_a_scene() -> None:
    """None is left out."""
    assert set(FAULTY) == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str) -> None:
    """By a trace that a person can read; the same scene without it breaks no law."""
    found = explored(FAULTY[fault], fault=fault)

    assert found.broken is not None, found
    assert len(found.broken.trace) <= 16, found
    assert explored(FAULTY[fault], most=found.states).broken is None
