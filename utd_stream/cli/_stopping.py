"""Running until told to stop: SIGTERM and Ctrl-C both end a command clean."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

__all__ = ["run"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(command: Coroutine[Any, Any, int], *, stopped: int = 0) -> int:
    """Run *command* and return its exit status.

    Args:
        command: Cancelled, once, by the first signal; it may take its time.
        stopped: The status of one that was cancelled by a signal.
    """
    return asyncio.run(_until_told(command, stopped))


async def _until_told(command: Coroutine[Any, Any, int], stopped: int) -> int:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(command)
    told: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        # A second one must not cut the ending short: something would be left.
        if not told:
            told.append(number)
            task.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop, number)
    await asyncio.wait([task])
    if told and task.cancelled():
        return stopped
    return task.result()
