"""What the SFU has not been told of one room, and what of it comes next.

No I/O and no clock: the outbox says what became of each try.
"""

from __future__ import annotations

import asyncio
from typing import TypeAlias

import attrs

from utd_stream.engine.store import OutboxRow

__all__ = ["Backlog"]

_Slot: TypeAlias = tuple[str, str]  # kind and slot of a row
_Queue: TypeAlias = dict[_Slot, None]

# Messages name the reason of what comes next, the room must be there before
# anybody in it, and whoever loses a right has lost it before another gets one.
_RANKS = {"say": 0, "room": 1, "participant": 2}
_GRANT_RANK = 3
# Of a message only: a removal does not wait for it any longer.
_MOST_TRIES = 3


def _queues() -> tuple[_Queue, ...]:
    return tuple({} for _ in range(_GRANT_RANK + 1))


@attrs.define
class Backlog:
    """The rows of one room that were not sent yet.

    Attributes:
        metadata: The row of the room's metadata, which has a sender of its own.
        metadata_since: Since when it waits for the others, on the clock.
        has_news: Set when it is worth to try another row at once.
        is_told: Set while every other row was sent or has failed.
    """

    metadata: OutboxRow | None = None
    metadata_since: float = 0.0
    has_news: asyncio.Event = attrs.field(factory=asyncio.Event)
    is_told: asyncio.Event = attrs.field(factory=asyncio.Event)
    _rows: dict[_Slot, OutboxRow] = attrs.field(factory=dict[_Slot, OutboxRow])
    _untried: tuple[_Queue, ...] = attrs.field(factory=_queues)
    _failed: tuple[_Queue, ...] = attrs.field(factory=_queues)
    _resting: dict[_Slot, float] = attrs.field(factory=dict[_Slot, float])
    _tries: dict[_Slot, int] = attrs.field(factory=dict[_Slot, int])

    @property
    def has_rows(self) -> bool:
        """Whether there are rows beside that of the metadata."""
        return bool(self._rows)

    @property
    def has_others_to_tell(self) -> bool:
        """Whether the metadata waits for another row."""
        return self.has_untried or bool(self._resting)

    @property
    def has_untried(self) -> bool:
        """Whether a row can be tried that has not failed yet."""
        return any(self._untried)

    def put(self, row: OutboxRow, now: float) -> None:
        """Add *row*, in place of an earlier one of its slot."""
        if row.kind == "metadata":
            if self.metadata is None:
                self.metadata_since = now
            self.metadata = row
            return
        self._forget(_slot(row))
        self._rows[_slot(row)] = row
        self._untried[_rank(row)][_slot(row)] = None
        self.has_news.set()
        self.is_told.clear()

    def take(self, now: float) -> OutboxRow | None:
        """Return the row to try now, or None if all of them rest.

        Whoever failed comes behind the others.
        """
        for slot in [slot for slot, at in self._resting.items() if at <= now]:
            del self._resting[slot]
            self._untried[_rank(self._rows[slot])][slot] = None
        for queue in (*self._untried, *self._failed):
            for slot in queue:
                return self._rows[slot]
        return None

    def rests_until(self) -> float:
        """Return when the first of the rows that rest can be tried again."""
        return min(self._resting.values())

    def done(self, row: OutboxRow) -> None:
        """Forget *row*, unless a later one has taken its place."""
        if row.kind == "metadata":
            if self.metadata is row:
                self.metadata = None
            self.has_news.set()  # the SFU is there: so may be whoever was not
        elif self._rows.get(_slot(row)) is row:
            self._forget(_slot(row))
            self._judge()

    def failed(self, row: OutboxRow) -> None:
        """Try the others before *row*, unless it is a message."""
        slot = _slot(row)
        if self._rows.get(slot) is not row:
            return
        tries = self._tries[slot] = self._tries.get(slot, 0) + 1
        queue = self._failed
        if row.kind == "say" and tries < _MOST_TRIES:
            queue = self._untried
        self._unqueue(slot)
        queue[_rank(row)][slot] = None
        self._judge()

    def rest(self, row: OutboxRow, until: float, *, most: int) -> bool:
        """Try *row* again at that time; return false if it was tried so often."""
        slot = _slot(row)
        tries = self._tries.get(slot, 0) + 1
        if self._rows.get(slot) is not row or tries >= most:
            return False
        self._unqueue(slot)
        self._tries[slot] = tries
        self._resting[slot] = until
        return True

    def all_again(self, now: float) -> None:
        """Try every row before the metadata, which could not be written either."""
        self.metadata_since = now
        for untried, failed in zip(self._untried, self._failed, strict=True):
            untried.update(failed)
            failed.clear()
        self.has_news.set()
        self._judge()

    def _judge(self) -> None:
        if self.has_others_to_tell:
            self.is_told.clear()
        else:
            self.is_told.set()

    def _forget(self, slot: _Slot) -> None:
        self._rows.pop(slot, None)
        self._tries.pop(slot, None)
        self._unqueue(slot)

    def _unqueue(self, slot: _Slot) -> None:
        for queue in (*self._untried, *self._failed):
            queue.pop(slot, None)
        self._resting.pop(slot, None)


def _slot(row: OutboxRow) -> _Slot:
    return (row.kind, row.slot)


def _rank(row: OutboxRow) -> int:
    return _GRANT_RANK if row.is_grant else _RANKS[row.kind]
