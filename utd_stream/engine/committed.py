"""What is on disk, as far as this process remembers it.

The writer's thread decides on it and renews it after each commit; the loop's
thread only reads.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from utd_stream.engine._remembered import RememberedRows
from utd_stream.engine.rules.members import MemberRow
from utd_stream.engine.rules.state import Room
from utd_stream.engine.store import RoomKey, RoomWrite, StoredAnswer

__all__ = ["Committed"]

# What a room weighs in memory, in bytes, beside its content.
_ROOM = 2_000


class Committed:
    """Rooms and their members as committed, those written or read from disk last.

    A room that does not exist, or whose life has ended, is not remembered, so that
    neither requests for random names nor past lives push out a live room.

    Args:
        limit: What they may weigh together, in bytes, estimated; the others
            are read again when needed.  The newest is kept whatever it weighs.
        members_limit: Likewise of their members, who are forgotten with their room.
        callers: How many callers' numbers to remember.

    Attributes:
        rows: The members.
    """

    def __init__(
        self,
        limit: int = 2**27,
        members_limit: int = 2**27,
        callers: int = 10_000,
    ) -> None:
        self.rows: RememberedRows = RememberedRows(members_limit)
        self._limit = limit
        self._callers = callers
        self._weight = 0
        self._rooms: OrderedDict[RoomKey, Room] = OrderedDict()
        self._numbers: OrderedDict[str, int] = OrderedDict()

    def room(self, key: RoomKey) -> Room:
        """Return the room.

        One look only: what the writer forgets beside it must not seem absent.

        Raises:
            KeyError: If it is not remembered and has to be read.
        """
        return self._rooms[key]

    def keep(self, key: RoomKey, room: Room | None) -> None:
        """Remember what was read; only in the writer."""
        if room is None or not room.is_live:
            self._drop(key)
            return
        before = self._rooms.get(key)
        if before is not None and before.life != room.life:
            self.rows.forget(key)
        self._rooms[key] = room
        self._rooms.move_to_end(key)
        self._weight += _weight(room) - (_weight(before) if before else 0)
        while self._weight > self._limit and len(self._rooms) > 1:
            oldest, dropped = self._rooms.popitem(last=False)
            self._weight -= _weight(dropped)
            self.rows.forget(oldest)

    def renew(self, writes: Iterable[RoomWrite], members: Iterable[MemberRow]) -> None:
        """Remember what was committed; only in the writer."""
        for write in writes:
            self.keep(write.key, write.after)
        for row in members:
            room = self._rooms.get(row.life[:2])
            # One batch can change a member and end the life.
            if room is not None and room.life_key == row.life:
                self.rows.keep(row.place, row.member)

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
        while len(self._numbers) > self._callers:
            self._numbers.popitem(last=False)

    def _drop(self, key: RoomKey) -> None:
        dropped = self._rooms.pop(key, None)
        if dropped is not None:
            self._weight -= _weight(dropped)
        # Once its name is forgotten, a room lives its first life again.
        self.rows.forget(key)

    def forget(self) -> None:
        """Remember nothing, after a failure; only in the writer."""
        self._rooms.clear()
        self.rows.clear()
        self._numbers.clear()
        self._weight = 0


def _weight(room: Room) -> int:
    return _ROOM + room.content.weight
