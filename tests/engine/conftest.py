"""An engine, or its writer, for each test that asks for one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from tests.engine.house import House, open_house
from tests.engine.manual_clock import ServingLoop
from tests.engine.writers import writing
from utd_stream.engine.writer import Writer


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run each test here on virtual time, unless it says otherwise."""
    is_real = item.get_closest_marker("real_time") is not None
    return {"plain": asyncio.new_event_loop if is_real else ServingLoop}


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    """An engine in memory, that writes on the loop."""
    async with open_house() as opened:
        yield opened


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A file."""
    return f"sqlite:///{tmp_path / 'engine.db'}"


@pytest_asyncio.fixture(params=[True, False], ids=["thread", "inline"])
async def writer(
    request: pytest.FixtureRequest, database: str
) -> AsyncIterator[Writer]:
    """A writer over a file, on its thread or on the loop."""
    async with writing(database, threaded=request.param) as opened:
        yield opened
