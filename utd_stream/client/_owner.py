"""Tasks with an owner: none is lost, none outlives it, none fails in silence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from utd_stream.errors import UTDStreamException

__all__ = ["Owner"]

logger = logging.getLogger("utd_stream.client")


class Owner:
    """Runs work in tasks and ends what is left of it."""

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[None], None] = {}

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin *work*; what it raises is logged."""
        _ = self.task(work)

    def task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin *work* and return its task, to wait for or to cancel."""
        task = asyncio.create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._end)
        return task

    async def aclose(self) -> None:
        """Cancel what runs, but for the task that asks, and wait for its end."""
        me = asyncio.current_task()
        running = [task for task in self._tasks if task is not me]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, UTDStreamException):
            logger.info("%s: %s", type(error).__name__, error)
        elif error is not None:
            logger.error("an effect failed", exc_info=error)
