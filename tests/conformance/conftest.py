"""What people meet in a room, on every media plane."""

from __future__ import annotations

from tests.planes import pytest_asyncio_loop_factories, pytest_itemcollected

__all__ = ["pytest_asyncio_loop_factories", "pytest_itemcollected"]
