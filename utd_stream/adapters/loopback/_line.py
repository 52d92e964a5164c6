"""The way from the SFU to one client: in order, and never in the sender's stack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["Line"]

# Whether it came over the line, what delivers it, and with what.
_Message: TypeAlias = tuple[bool, Callable[..., object], tuple[Any, ...]]


class Line:
    """What was sent to one client and has not been delivered.

    Attributes:
        is_up: Whether what the SFU sends arrives.
    """

    __slots__ = ("_is_closed", "_is_due", "_is_held", "_queue", "is_up")

    def __init__(self) -> None:
        self.is_up: bool = False
        self._queue: list[_Message] = []
        self._is_due = False
        self._is_held = False
        self._is_closed = False

    def send(self, deliver: Callable[..., object], *given: Any) -> None:
        """Deliver what the SFU says; lost while the line is down."""
        if self.is_up:
            self._add((True, deliver, given))

    def post(self, deliver: Callable[..., object], *given: Any) -> None:
        """Deliver what the client finds out by itself, in a later turn."""
        self._add((False, deliver, given))

    def open(self) -> None:
        """Keep what comes until `release`: the client is not ready for it."""
        self.is_up = self._is_held = True

    def release(self, deliver: Callable[..., object], *given: Any) -> None:
        """Deliver this, then what was kept."""
        self._queue.insert(0, (False, deliver, given))
        self._is_held = False
        self._look()

    def cut(self) -> None:
        """Lose what is under way, and what will be sent."""
        self.is_up = self._is_held = False
        self._queue = [message for message in self._queue if not message[0]]
        self._look()

    def close(self) -> None:
        """Deliver nothing any more."""
        self.is_up, self._is_closed = False, True
        self._queue = []

    def _add(self, message: _Message) -> None:
        if not self._is_closed:
            self._queue.append(message)
            self._look()

    def _look(self) -> None:
        if self._queue and not self._is_due and not self._is_held:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._deliver)

    def _deliver(self) -> None:
        self._is_due = False
        try:
            # What is cut, held or closed meanwhile is seen at once.
            for _ in range(len(self._queue)):
                if not self._queue or self._is_held:
                    return
                _, deliver, given = self._queue.pop(0)
                deliver(*given)
        finally:
            self._look()
