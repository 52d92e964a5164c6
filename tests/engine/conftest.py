"""An engine for each test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.engine.house import House, open_house


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    """An engine in memory, that writes on the loop."""
    async with open_house() as opened:
        yield opened
