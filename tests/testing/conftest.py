"""What the tests of faults and of their scripts share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from utd_stream.testing import Simulation


@pytest.fixture
def sim() -> Iterator[Simulation]:
    """A world of its own."""
    with Simulation(3) as made:
        yield made
