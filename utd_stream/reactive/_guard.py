"""Logs the errors of observers, so that no other observer misses a value."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from traceback import walk_tb
from typing import Any, TypeVar

from reactivex.internal import default_error

from utd_stream.reactive._describing import described

__all__ = ["guarded", "guarded_observer", "log_failure", "logger"]

_T = TypeVar("_T")

logger = logging.getLogger("utd_stream.reactive")


def guarded(deliver: Callable[[], object]) -> None:
    """Call *deliver*; log what it raises, and go on.

    RxPY lets an observer's exception unwind into the producer, which would
    starve the observers behind it and abort the dispatch that changed state.
    """
    try:
        deliver()
    except Exception as error:  # noqa: BLE001 -- logged
        _log(error, "an observer")


def guarded_observer(on_next: Callable[[_T], object]) -> Callable[[_T], None]:
    """Return *on_next*, logging what it raises.

    An operator that its observer's exception unwinds through may be broken by
    it: RxPY's `delay` would never tell anything again.
    """

    def observe(value: _T) -> None:
        try:
            result = on_next(value)
        except Exception as error:  # noqa: BLE001 -- logged
            _log(error, described(on_next))
            return
        if result is not None and inspect.iscoroutine(result):
            result.close()  # Python's own warning would not say what to do
            logger.error(
                "%s returned a coroutine, which was not run; subscribe an async "
                "function, or end a pipe of RxPY's with subscribe_async()",
                described(on_next),
            )

    return observe


def _log(error: Exception, who: str) -> None:
    if _is_of_an_operator(error):
        log_failure(who, error)
    else:
        logger.error("%s raised; its subscription stays", who, exc_info=error)


def log_failure(observer: str, error: Exception) -> None:
    """Log that an operator failed, for a subscription without an `on_error`."""
    logger.error(
        "an operator raised, and its subscription has ended, so %s hears no more; "
        "give subscribe() an on_error to hear of it",
        observer,
        exc_info=error,
    )


def _is_of_an_operator(error: Exception) -> bool:
    """Whether a pipe has ended with *error*, and nobody took it."""
    code: Any = default_error.__code__
    return any(frame.f_code is code for frame, _ in walk_tb(error.__traceback__))
