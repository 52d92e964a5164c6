"""How many rooms and members there are, for answers.

No count is kept on disk, so none can drift.  To count takes milliseconds in a
room of twenty thousand, so a large count is remembered for a second.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from utd_stream.engine.rules.state import Room
from utd_stream.engine.store import Store
from utd_stream.engine.writer import Writer
from utd_stream.models.rooms import UTDRole
from utd_stream.ports import Clock

__all__ = ["Counts"]

_REMEMBERED = 1.0  # in seconds
_MOST = 10_000
_SMALL = 1_000  # counted in less than a millisecond


class Counts:
    """Counts of what is committed; large ones may be a second old.

    Args:
        writer: Counts.
        clock: Of the engine.
    """

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self._found: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    async def rooms(self, app_id: str) -> int:
        """Return how many rooms of an app live."""
        return await self._count(app_id, lambda store: store.count_rooms(app_id))

    async def members(self, room: Room, role: UTDRole | None = None) -> int:
        """Return how many members a room has, all or those of one role."""
        life = room.life_key
        return await self._count(
            ("members", life, role), lambda store: store.members.admitted(life, role)
        )

    async def connected(self, room: Room) -> int:
        """Return how many of them are connected."""
        life, lost_before = room.life_key, room.lost_before
        return await self._count(
            ("connected", life),
            lambda store: store.members.connected(life, lost_before),
        )

    async def _count(self, what: Hashable, count: Callable[[Store], int]) -> int:
        now = self._clock.monotonic()
        found, until = self._found.get(what, (0, now))
        if now < until:
            return found
        found = await self._writer.transact(count)
        if found < _SMALL:
            self._found.pop(what, None)
            return found
        self._found[what] = (found, now + _REMEMBERED)
        self._found.move_to_end(what)
        while len(self._found) > _MOST:
            self._found.popitem(last=False)
        return found
