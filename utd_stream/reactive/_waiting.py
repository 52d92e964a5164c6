"""Waiting for the first value that fits."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Generic, TypeVar

from utd_stream.errors import ClosedError, InvalidArgumentError, TransportTimeoutError
from utd_stream.ports import Clock

__all__ = ["Waiter", "shown"]

_T = TypeVar("_T")

# How much of a value an error shows, in characters.
_SHOWN = 200


def shown(value: object, limit: int = _SHOWN) -> str:
    """Return how *value* is shown, cut if it is long; some are whole rooms."""
    told = repr(value)
    return told if len(told) <= limit else f"{told[:limit]}..."


def _said(answer: object) -> bool:
    """Return what a predicate said; a coroutine would be true whatever it says."""
    if inspect.iscoroutine(answer):
        answer.close()
        message = (
            "what until() asks must not be a coroutine function; ask a plain one, "
            "and await the rest after until() has returned"
        )
        raise InvalidArgumentError(message)
    return bool(answer)


def _check_timeout(timeout: object) -> None:
    if timeout is None:
        return
    # One in the past is over at once, as asyncio has it.
    if not isinstance(timeout, int | float) or timeout != timeout:  # noqa: PLR0124 -- NaN
        message = f"timeout must be a number of seconds, or None, not {timeout!r}"
        raise InvalidArgumentError(message)


class Waiter(Generic[_T]):
    """Is offered values until one fits, or none can come any more.

    Args:
        fits: Whether a value fits.
        wanted: What is waited for, as an error shows it.
    """

    __slots__ = ("_error", "_fits", "_found", "_is_closed", "_settled", "_wanted")

    def __init__(self, fits: Callable[[_T], bool], wanted: Callable[[], str]) -> None:
        self._fits = fits
        self._wanted = wanted
        self._found: list[_T] = []
        self._error: Exception | None = None
        self._is_closed = False
        self._settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def offer(self, value: _T) -> None:
        """Take *value* if it fits; what the predicate raises is for the waiting."""
        if self._settled.done():
            return
        try:
            if not _said(self._fits(value)):
                return
            self._found.append(value)
        except Exception as error:  # noqa: BLE001 -- raised where it is waited for
            self._error = error
        self._settled.set_result(None)

    def close(self) -> None:
        """Tell that no value comes any more."""
        if not self._settled.done():
            self._is_closed = True
            self._settled.set_result(None)

    async def outcome(
        self, clock: Clock, timeout: float | None, last: Callable[[], str]
    ) -> _T:
        """Return the value that fitted.

        Args:
            clock: Measures *timeout*.
            timeout: How long to wait, in seconds; None waits for ever.
            last: What there was instead, as an error shows it.

        Raises:
            TransportTimeoutError: If none did within *timeout* seconds.
            ClosedError: If none can any more.
            InvalidArgumentError: If *timeout* is no number.
        """
        _check_timeout(timeout)
        try:
            async with clock.timeout(timeout):
                await self._settled
        except TimeoutError as error:
            # What came in the very moment of the timeout has come.
            if not self._settled.done() or self._settled.cancelled():
                message = f"{self._wanted()} within {timeout} s; {last()}"
                raise TransportTimeoutError(message) from error
        if self._is_closed:
            message = f"{self._wanted()} before the owner closed; {last()}"
            raise ClosedError(message)
        if self._error is not None:
            raise self._error
        return self._found[0]
