"""The end of a process that used LiveKit's native client.

Threads of that client which end while the process does abort it, after all
its work is done: 11 of 60 processes that had been in six rooms, on a busy
machine.  None did that waited until they had ended.
"""

from __future__ import annotations

import atexit
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

__all__ = ["end_quietly"]

_QUIET = 0.1
_LIMIT = 1.0
_TURN = 0.01


@cache
def end_quietly() -> None:
    """Let this process wait at its end, once, for LiveKit's threads to end.

    Called before LiveKit is first used: what is registered first runs last,
    and LiveKit frees its client at the end of the process too.
    """
    atexit.register(_wait)


def _wait() -> None:
    # No loop runs any more, and nothing but the system's clock can be asked.
    began = since = time.monotonic()
    known = _threads()
    while time.monotonic() - since < _QUIET and time.monotonic() - began < _LIMIT:
        time.sleep(_TURN)
        now = _threads()
        if now != known:
            known, since = now, time.monotonic()


def _threads() -> frozenset[str]:
    """Return the numbers of all threads, where the system tells them."""
    with suppress(OSError):
        return frozenset(each.name for each in Path("/proc/self/task").iterdir())
    return frozenset()
