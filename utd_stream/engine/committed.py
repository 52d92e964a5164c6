"""What is on disk, as far as this process remembers it.

The writer's thread decides on it and renews it after each commit; the loop's
thread only reads.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

import attrs

from utd_stream.engine.rules.state import Member, Room
from utd_stream.engine.store import RoomKey, RoomWrite, StoredAnswer

__all__ = ["Committed"]

# What rooms weigh in memory, in bytes, beside the texts that people choose.
_ROOM, _MEMBER = 2_000, 600


@attrs.frozen
class _Kept:
    room: Room
    members_weight: int

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return _ROOM + self.room.content.weight + self.members_weight


class Committed:
    """Rooms as committed, those written or read from disk last.

    A room that does not exist, or whose life has ended, is not remembered, so that
    neither requests for random names nor past lives push out a live room.

    Args:
        limit: What they may weigh together, in bytes, estimated; the others
            are read again when needed.  The newest is kept whatever it weighs.
        callers: How many callers' numbers to remember.
    """

    def __init__(self, limit: int = 2**27, callers: int = 10_000) -> None:
        self._limit = limit
        self._callers = callers
        self._weight = 0
        self._rooms: OrderedDict[RoomKey, _Kept] = OrderedDict()
        self._numbers: OrderedDict[str, int] = OrderedDict()

    def room(self, key: RoomKey) -> Room:
        """Return the room.

        One look only: what the writer forgets beside it must not seem absent.

        Raises:
            KeyError: If it is not remembered and has to be read.
        """
        return self._rooms[key].room

    def keep(self, key: RoomKey, room: Room | None) -> None:
        """Remember what was read; only in the writer."""
        if room is None or not room.is_live:
            self._drop(key)
            return
        before = self._rooms.get(key)
        if before is not None and before.room.members is room.members:
            kept = _Kept(room, before.members_weight)
        else:
            kept = _Kept(room, _weigh(room.members))
        self._rooms[key] = kept
        self._rooms.move_to_end(key)
        self._weight += kept.weight - (before.weight if before else 0)
        while self._weight > self._limit and len(self._rooms) > 1:
            _, dropped = self._rooms.popitem(last=False)
            self._weight -= dropped.weight

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
        while len(self._numbers) > self._callers:
            self._numbers.popitem(last=False)

    def _drop(self, key: RoomKey) -> None:
        dropped = self._rooms.pop(key, None)
        if dropped is not None:
            self._weight -= dropped.weight

    def forget(self) -> None:
        """Remember nothing, after a failure; only in the writer."""
        self._rooms.clear()
        self._numbers.clear()
        self._weight = 0


def _weigh(members: Mapping[str, Member]) -> int:
    return sum(
        _MEMBER
        + len(member.identity)
        + len(member.name or "")
        + len(member.metadata)
        + sum(map(len, member.attributes.values()))
        for member in members.values()
    )
