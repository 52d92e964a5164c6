"""Laws of the real clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.ports import Clock


def test_date_is_aware_and_utc() -> None:
    """A date without a zone cannot be compared with the engine's."""
    assert AsyncioClock().now().utcoffset() == timedelta(0)


async def test_time_never_goes_back() -> None:
    """Durations are measured on another clock than dates."""
    clock: Clock = AsyncioClock()
    before = clock.monotonic()

    await clock.sleep(0.001)

    assert clock.monotonic() >= before + 0.001


async def test_timeout_bounds_its_body() -> None:
    """A wait that takes too long ends in TimeoutError."""
    clock = AsyncioClock()

    with pytest.raises(TimeoutError):
        async with clock.timeout(0.001):
            await clock.sleep(60)


async def test_no_timeout_bounds_nothing() -> None:
    """None waits as long as it takes."""
    clock = AsyncioClock()

    async with clock.timeout(None):
        await clock.sleep(0)
