"""Which rooms live, and when which must be looked at.

Only names and times, so that ten thousand rooms cost little; the rooms
themselves are read when they are needed.  On the loop's thread.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable

from utd_stream.engine.store import RoomKey, RoomWrite, Store

__all__ = ["Directory"]

# How many deadlines that were put off may wait in the heap, beside as many as hold.
_SLACK = 64


class Directory:
    """The names of live rooms, and the deadlines of all.

    Args:
        store: Read once, before its writer starts.
        horizon: No deadline lies further ahead, in seconds; one that does was
            set before the clock was set back.
    """

    def __init__(self, store: Store, horizon: float) -> None:
        self._horizon = horizon
        self._asked_at = math.inf  # what is on disk may be of the future
        self._live: dict[RoomKey, None] = dict.fromkeys(store.live_rooms())
        self._due: dict[RoomKey, float] = dict(store.deadlines())
        self._heap = [(at, key) for key, at in self._due.items()]
        heapq.heapify(self._heap)

    def renew(self, writes: Iterable[RoomWrite]) -> None:
        """Follow a commit."""
        for write in writes:
            if write.after.is_live:
                self._live[write.key] = None
            else:
                self._live.pop(write.key, None)
            self.put_off(write.key, write.due_at.timestamp() if write.due_at else None)

    def live(self) -> tuple[RoomKey, ...]:
        """Return the rooms whose life goes on."""
        return tuple(self._live)

    def lives(self, key: RoomKey) -> bool:
        """Whether the room's life goes on."""
        return key in self._live

    def next_due(self) -> float | None:
        """Return when the next room must be looked at, in seconds since 1970."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)  # put off in the meantime
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float) -> list[RoomKey]:
        """Return the rooms due by *now*, each once until it is put off.

        Those whose deadline lies further ahead than any can are due, too.
        """
        keys: list[RoomKey] = []
        if now < self._asked_at:  # the clock was set back, or this is the first time
            latest = now + self._horizon
            keys = [key for key, at in self._due.items() if at > latest]
            for key in keys:
                del self._due[key]
        self._asked_at = now
        while (at := self.next_due()) is not None and at <= now:
            _, key = heapq.heappop(self._heap)
            del self._due[key]
            keys.append(key)
        return keys

    def put_off(self, key: RoomKey, at: float | None) -> None:
        """Look at the room at that time, in seconds since 1970, or not at all."""
        if at is None:
            self._due.pop(key, None)
        elif self._due.get(key) != at:
            self._due[key] = at
            heapq.heappush(self._heap, (at, key))
            if len(self._heap) > 2 * len(self._due) + _SLACK:
                self._heap = [(at, key) for key, at in self._due.items()]
                heapq.heapify(self._heap)
