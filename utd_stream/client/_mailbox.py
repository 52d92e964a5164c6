"""Run one fact at a time, in the order they were posted."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from utd_stream._border import HomeLoop

__all__ = ["Mailbox"]

_E = TypeVar("_E")

logger = logging.getLogger("utd_stream.client")


class Mailbox(Generic[_E]):
    """A FIFO in front of a handler that must not be re-entered.

    The one who posts learns of a refusal by raising from the handler only if
    its event is handled at once; an event that waited behind another is
    someone else's, so its error is logged and the rest is still handled.

    Args:
        handle: The handler.
        home: Busy while an event is handled.
    """

    __slots__ = ("_handle", "_home", "_pending")

    def __init__(self, handle: Callable[[_E], None], home: HomeLoop) -> None:
        self._handle = handle
        self._home = home
        # None until something must wait: it rarely does, and most sessions idle.
        self._pending: deque[_E] | None = None

    def post(self, event: _E) -> None:
        """Handle *event* now, or after the one being handled."""
        if self._home.is_busy:
            if self._pending is None:
                self._pending = deque()
            self._pending.append(event)
            return
        self._home.is_busy = True
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
            self._home.is_busy = False
