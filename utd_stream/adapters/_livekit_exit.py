"""The end of a connection, and of a process, that used LiveKit's native client.

Threads of that client which end while the process does abort it, after all
its work is done: 11 of 60 processes that had been in six rooms, on a busy
machine.  None did that waited until they had ended.
"""

from __future__ import annotations

import asyncio
import atexit
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

__all__ = ["end_quietly", "until_quiet"]

# How long the SFU must have been silent before one leaves, and at most.
_SFU_QUIET = 0.03
_SFU_LIMIT = 0.3
# The same of the threads before the process ends.
_QUIET = 0.1
_LIMIT = 1.0
_TURN = 0.01


async def until_quiet(
    is_connected: Callable[[], bool], last_told: Callable[[], float]
) -> None:
    """Wait for a moment in which the SFU tells nothing.

    LiveKit's client closes its socket right behind its farewell.  What the
    SFU writes meanwhile makes that a reset, the farewell is lost, and the
    SFU lists a ghost for 20 s.  Leaving is when that is most likely: the
    engine has just been told, and writes metadata and rights.

    Args:
        is_connected: Whether there is anybody to leave.
        last_told: When the SFU told something last, in seconds of the loop.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    while is_connected():
        now = loop.time()
        left = min(last_told() + _SFU_QUIET, began + _SFU_LIMIT) - now
        if left <= 0:
            return
        await asyncio.sleep(left)


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
