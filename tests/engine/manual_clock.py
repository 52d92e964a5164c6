"""A loop on virtual time that serves sockets and threads of this process."""

from __future__ import annotations

import asyncio
import selectors
import threading
from datetime import UTC, datetime

from utd_stream.testing import VirtualClock, VirtualLoop

__all__ = ["ManualClock", "ServingLoop"]

_NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
# How long nothing may come, in real seconds, before time jumps: what is sent within
# a process is there at once, and what a thread does takes a while.
_SOCKET_WAIT = 0.001
_THREAD_WAIT = 0.02


class ServingLoop(VirtualLoop):
    """Time jumps when no timer is due and nothing comes, by a socket or a thread.

    So a test moves on by `VirtualClock.advance`, and what it asks an engine over a
    socket needs no time.
    """

    def __init__(self) -> None:
        # Those of pytest are not waited for.
        self._elsewhere = {*threading.enumerate()}
        super().__init__()
        virtual: selectors.BaseSelector = vars(self)["_selector"]
        self._selector = _Selector(self)
        for key in virtual.get_map().values():
            self._selector.register(key.fileobj, key.events, key.data)
        virtual.close()

    def has_threads(self) -> bool:
        """Whether a thread may have something for it."""
        return not self._elsewhere.issuperset(threading.enumerate())

    def wait(self, timeout: float | None) -> None:
        """Let time jump; wait on where only a thread can go on."""
        if timeout is not None or self._settling or not self.has_threads():
            self._next(timeout, has_sockets=False)


class _Selector(selectors.DefaultSelector):
    """Waits for what comes a moment only; else time jumps."""

    def __init__(self, loop: ServingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        pause = _THREAD_WAIT if self._loop.has_threads() else _SOCKET_WAIT
        ready = super().select(0 if timeout == 0 else pause)
        if not ready:
            self._loop.wait(timeout)
        return ready


class ManualClock(VirtualClock):
    """The clock of the loop that runs; at first it shows noon of a leap day."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ServingLoop), "mark the test virtual_time"
        shown = loop.clock.now()
        super().__init__(loop, skew=(_NOON - shown).total_seconds())
