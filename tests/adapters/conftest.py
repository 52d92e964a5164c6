"""What the tests of the loopback plane share."""

from __future__ import annotations

import pytest

from tests.planes import (
    Plane,
    plane,
    pytest_asyncio_loop_factories,
    pytest_itemcollected,
)
from utd_stream.adapters.loopback import Loopback

__all__ = ["plane", "pytest_asyncio_loop_factories", "pytest_itemcollected", "sfu"]


@pytest.fixture
def sfu(plane: Plane) -> Loopback:
    """The plane itself, with its faults."""
    assert isinstance(plane.sfu, Loopback)
    return plane.sfu
