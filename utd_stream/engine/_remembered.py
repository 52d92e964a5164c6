"""Rows of members as committed, those used last.

Apart from the rooms: a room that is written again keeps its rows, and a room
of twenty thousand weighs what its active members weigh.
"""

from __future__ import annotations

from collections import OrderedDict

from utd_stream.engine._rows import RoomKey
from utd_stream.engine.rules.members import Place
from utd_stream.engine.rules.state import Member

__all__ = ["RememberedRows"]

# What a row weighs in memory, in bytes, beside the texts that people choose.
_ROW = 800
_ABSENT = 200


class RememberedRows:
    """Members by their place; that there is none is remembered too.

    Args:
        limit: What they may weigh together, in bytes, estimated.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._weight = 0
        self._rows: OrderedDict[Place, tuple[Member | None, int]] = OrderedDict()
        self._of_room: dict[RoomKey, set[Place]] = {}

    def __getitem__(self, place: Place) -> Member | None:
        """Return the member, or None where there is none.

        Raises:
            KeyError: If it is not remembered and has to be read.
        """
        return self._rows[place][0]

    def __contains__(self, place: Place) -> bool:
        """Whether it need not be read."""
        return place in self._rows

    def keep(self, place: Place, member: Member | None) -> None:
        """Remember what was read or committed; only in the writer."""
        weight = _weigh(member)
        before = self._rows.get(place)
        if before is None:
            self._of_room.setdefault(_key(place), set()).add(place)
        else:
            self._weight -= before[1]
        self._rows[place] = (member, weight)
        self._rows.move_to_end(place)
        self._weight += weight
        while self._weight > self._limit:
            self._drop(next(iter(self._rows)))

    def use(self, place: Place) -> Member | None:
        """Return the member, who is then forgotten later; only in the writer.

        Raises:
            KeyError: If it is not remembered and has to be read.
        """
        member = self._rows[place][0]
        self._rows.move_to_end(place)
        return member

    def drop(self, place: Place) -> None:
        """Forget one row; only in the writer."""
        if place in self._rows:
            self._drop(place)

    def forget(self, key: RoomKey) -> None:
        """Forget the rows of a room; only in the writer."""
        for place in self._of_room.pop(key, ()):
            self._weight -= self._rows.pop(place)[1]

    def clear(self) -> None:
        """Forget all; only in the writer."""
        self._rows.clear()
        self._of_room.clear()
        self._weight = 0

    def _drop(self, place: Place) -> None:
        self._weight -= self._rows.pop(place)[1]
        of_room = self._of_room[_key(place)]
        of_room.discard(place)
        if not of_room:
            del self._of_room[_key(place)]


def _key(place: Place) -> RoomKey:
    app_id, room, _ = place[0]
    return (app_id, room)


def _weigh(member: Member | None) -> int:
    if member is None:
        return _ABSENT
    texts = (member.identity, member.name or "", member.metadata)
    return _ROW + sum(map(len, texts)) + sum(map(len, member.attributes.values()))
