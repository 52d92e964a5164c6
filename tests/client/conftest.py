"""What the tests of the client share."""

from __future__ import annotations

from tests.client.people import ana, ben
from tests.planes import plane, pytest_asyncio_loop_factories, pytest_itemcollected

__all__ = [
    "ana",
    "ben",
    "plane",
    "pytest_asyncio_loop_factories",
    "pytest_itemcollected",
]
