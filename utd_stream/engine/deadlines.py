"""Looking at rooms when something in them is due.

Deadlines are a column, so they survive a restart; one timer serves them all.
"""

from __future__ import annotations

import asyncio
import logging

from utd_stream.contract.endpoints import Who
from utd_stream.engine.border_log import log_failure
from utd_stream.engine.directory import Directory
from utd_stream.engine.orders import Order
from utd_stream.engine.reconciler import Reconciler
from utd_stream.engine.rules.commands import TimePassed
from utd_stream.engine.rules.decide import next_deadline, overdue
from utd_stream.engine.rules.state import Rules
from utd_stream.engine.store import RoomKey
from utd_stream.engine.writer import Writer
from utd_stream.errors import UTDStreamException
from utd_stream.ports import Clock

__all__ = ["Deadlines"]

_LOG = logging.getLogger(__name__)


class Deadlines:
    """One timer for the deadlines of all rooms.

    Args:
        writer: Told that time has passed.
        directory: Knows the deadlines.
        reconciler: Asked to list, where only a listing can judge.
        clock: Of the engine.
        rules: The numbers in force.
        again: After what time to look again at a room whose deadline could
            not be settled, in seconds.
    """

    def __init__(  # noqa: PLR0913 -- its ports
        self,
        writer: Writer,
        *,
        directory: Directory,
        reconciler: Reconciler,
        clock: Clock,
        rules: Rules,
        again: float,
    ) -> None:
        self._writer = writer
        self._directory = directory
        self._reconciler = reconciler
        self._clock = clock
        self._rules = rules
        self._again = again
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def renew(self) -> None:
        """Think again: a deadline has come or gone."""
        self._changed.set()

    async def aclose(self) -> None:
        """Stop looking; idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            now = self._clock.now().timestamp()
            for key in self._directory.take_due(now):
                try:
                    await self._look(key)
                except Exception as error:  # noqa: BLE001 -- must survive
                    log_failure(f"looking at {key} failed", error)
            due = self._directory.next_due()
            left = None if due is None else max(due - self._clock.now().timestamp(), 0)
            try:
                async with self._clock.timeout(left):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def _look(self, key: RoomKey) -> None:
        now = self._clock.now()
        # Unless a commit says otherwise, which it does when this settles it.
        self._directory.put_off(key, now.timestamp() + self._again)
        try:
            room = await self._writer.room(key)
            later = next_deadline(room, self._rules, now) if room else None
            if later is not None:  # what waits for a listing holds up no other
                again = now.timestamp() + self._again
                self._directory.put_off(key, min(again, later.timestamp()))
            due = frozenset[str]() if room is None else overdue(room, self._rules, now)
            if "listing" in due:
                self._reconciler.hint(key)
            if "time" in due:
                order = Order(key=key, command=TimePassed(), who=Who.SFU)
                await self._writer.submit(order)
        except UTDStreamException as error:
            _LOG.info("a deadline of %s waits: %s", key, error)
