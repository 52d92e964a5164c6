"""Run one fact at a time, in the order they were posted."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Mailbox"]

_E = TypeVar("_E")

logger = logging.getLogger("utd_stream.client")


class Mailbox(Generic[_E]):
    """A FIFO in front of a handler that must not be re-entered.

    The one who posts learns of a refusal by raising from the handler only if
    its event is handled at once; an event that waited behind another is
    someone else's, so its error is logged and the rest is still handled.
    """

    __slots__ = ("_draining", "_handle", "_pending")

    def __init__(self, handle: Callable[[_E], None]) -> None:
        self._handle = handle
        # None until something must wait: it rarely does, and most sessions idle.
        self._pending: deque[_E] | None = None
        self._draining = False

    def post(self, event: _E) -> None:
        """Handle *event* now, or after the one being handled."""
        if self._draining:
            if self._pending is None:
                self._pending = deque()
            self._pending.append(event)
            return
        self._draining = True
        try:
            self._handle(event)
        finally:
            self._drain()

    def _drain(self) -> None:
        try:
            while self._pending:
                try:
                    self._handle(self._pending.popleft())
                except Exception:
                    logger.exception("a posted event was not handled")
            self._pending = None
        finally:
            self._draining = False
