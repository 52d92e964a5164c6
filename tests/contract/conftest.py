"""One suite for each port, over every plane."""

from __future__ import annotations

from tests.contract.faults import mortal, notices
from tests.planes import plane, pytest_asyncio_loop_factories, pytest_itemcollected

__all__ = [
    "mortal",
    "notices",
    "plane",
    "pytest_asyncio_loop_factories",
    "pytest_itemcollected",
]
