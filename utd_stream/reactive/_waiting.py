"""Waiting for the first value that fits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from utd_stream.errors import ClosedError, TransportTimeoutError
from utd_stream.ports import Clock

__all__ = ["Waiter"]

_T = TypeVar("_T")


class Waiter(Generic[_T]):
    """Is offered values until one fits, or none can come any more."""

    __slots__ = ("_error", "_fits", "_found", "_settled")

    def __init__(self, fits: Callable[[_T], bool]) -> None:
        self._fits = fits
        self._found: list[_T] = []
        self._error: Exception | None = None
        self._settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def offer(self, value: _T) -> None:
        """Take *value* if it fits; what the predicate raises is for the waiting."""
        if self._settled.done():
            return
        try:
            if not self._fits(value):
                return
            self._found.append(value)
        except Exception as error:  # noqa: BLE001 -- raised where it is waited for
            self._error = error
        self._settled.set_result(None)

    def close(self) -> None:
        """Tell that no value comes any more."""
        if not self._settled.done():
            self._error = ClosedError("it closed before what was waited for came")
            self._settled.set_result(None)

    async def outcome(self, clock: Clock, timeout: float | None) -> _T:
        """Return the value that fitted.

        Raises:
            TransportTimeoutError: If none did within *timeout* seconds.
            ClosedError: If none can any more.
        """
        try:
            async with clock.timeout(timeout):
                await self._settled
        except TimeoutError as error:
            # What came in the very moment of the timeout has come.
            if not (self._found or self._error):
                message = f"what was waited for did not come within {timeout} s"
                raise TransportTimeoutError(message) from error
        if self._error is not None:
            raise self._error
        return self._found[0]
