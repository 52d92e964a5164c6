"""A thread that does one thing after another for the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

__all__ = ["Worker"]

_R = TypeVar("_R")


class Worker:
    """One thread, for what blocks: files and codecs.

    Args:
        name: Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def do(self, work: Callable[..., _R], *given: Any) -> _R:
        """Return what *work* returns, after what was asked before it.

        Cancelled, *work* runs on where it has begun, and what it raises is lost.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(work, *given))

    async def end(self, work: Callable[[], _R]) -> _R:
        """Do *work* as the last thing and let the thread go.

        It returns when that is done, also where it is cancelled.
        """
        loop = asyncio.get_running_loop()
        ending = loop.run_in_executor(self._executor, work)
        self._executor.shutdown(wait=False)
        try:
            return await asyncio.shield(ending)
        except asyncio.CancelledError:
            await asyncio.wait([ending])
            raise
