"""Counts the faults of clients in the log, without anything that they sent.

A client can cause thousands of faults a second, and a malformed header may hold a
secret.  So there is one line a minute at most; it names each kind of fault in words
of ours, and how often it came.
"""

from __future__ import annotations

import logging
import traceback
from collections import Counter

from utd_stream.errors import UTDStreamException
from utd_stream.ports import Clock

__all__ = ["BorderLog", "log_failure", "log_refusal"]

_LOG = logging.getLogger(__name__)
_PERIOD = 60.0  # between two lines, in seconds


class BorderLog:
    """Counts the faults of clients and logs them, one line a minute at most.

    Args:
        clock: Of the engine.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._next = clock.monotonic()

    def note(self, kind: str) -> None:
        """Count one fault.

        Args:
            kind: Of which kind, in words of ours: never what a client sent.
        """
        self._counts[kind] += 1
        now = self._clock.monotonic()
        if now < self._next:
            return
        self._next = now + _PERIOD
        counted = "; ".join(f"{kind} ({n})" for kind, n in self._counts.items())
        self._counts.clear()
        _LOG.warning("clients could not be served: %s", counted)


def log_failure(what: str, error: BaseException) -> None:
    """Log a fault of the engine: its type and where, without its message.

    The message of an exception may quote what a client sent.
    """
    where = "".join(traceback.format_tb(error.__traceback__))
    _LOG.error("%s: %s at\n%s", what, type(error).__name__, where)


def log_refusal(what: str, error: Exception) -> None:
    """Log what LiveKit refuses for good; of a fault of the engine, no message."""
    if isinstance(error, UTDStreamException):
        _LOG.error("%s: %s", what, error)
    else:
        log_failure(what, error)
