"""What the tests of the loopback plane share."""

from __future__ import annotations

from tests.planes import plane, pytest_asyncio_loop_factories, pytest_itemcollected

__all__ = ["plane", "pytest_asyncio_loop_factories", "pytest_itemcollected"]
