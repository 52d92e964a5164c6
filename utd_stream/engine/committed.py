"""What is on disk, as far as this process remembers it.

The writer's thread decides on it and renews it after each commit; the loop's
thread only reads.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from utd_stream.engine.rules.state import Room
from utd_stream.engine.store import RoomKey, RoomWrite, StoredAnswer

__all__ = ["Committed"]


class Committed:
    """Rooms as committed, those written or read from disk last.

    Args:
        limit: How many rooms to remember, and how many callers; the others are
            read again when needed.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._rooms: OrderedDict[RoomKey, Room | None] = OrderedDict()
        self._numbers: OrderedDict[str, int] = OrderedDict()

    def room(self, key: RoomKey) -> Room | None:
        """Return the room, or None where it is known that there is none.

        One look only: what the writer forgets beside it must not seem absent.

        Raises:
            KeyError: If it is not remembered and has to be read.
        """
        return self._rooms[key]

    def keep(self, key: RoomKey, room: Room | None) -> None:
        """Remember what was read; only in the writer."""
        self._rooms[key] = room
        self._rooms.move_to_end(key)
        if len(self._rooms) > self._limit:
            self._rooms.popitem(last=False)

    def renew(self, writes: Iterable[RoomWrite]) -> None:
        """Remember what was committed; only in the writer."""
        for write in writes:
            self.keep(write.key, write.after)

    def number(self, caller: str) -> int:
        """Return the number of the caller's newest answer.

        Raises:
            KeyError: If it is not remembered and has to be read.
        """
        return self._numbers[caller]

    def number_answers(self, answers: Iterable[StoredAnswer]) -> None:
        """Remember how far the callers are whose answers were committed."""
        for answer in answers:
            self._numbers[answer.caller] = answer.number
            self._numbers.move_to_end(answer.caller)
        while len(self._numbers) > self._limit:
            self._numbers.popitem(last=False)

    def forget(self) -> None:
        """Remember nothing, after a failure; only in the writer."""
        self._rooms.clear()
        self._numbers.clear()
