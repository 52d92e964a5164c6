"""Asking the SFU, again and again, what is really there.

Level-triggered: whatever was missed, a listing makes good.  A listing that
fails changes nothing, and since a grace runs out only in the decision about a
listing, nobody departs while the SFU cannot be asked.

One list of all rooms a period shows which of them need a closer look.  Beside
these a sweep lists who is in each room in turn, so many rooms a second, so that
rooms in which nothing happens cost little, however many there are.

Laws, each proved by the test of the same name:

1. lost_notices_are_made_good: without any webhook the roster is right.
2. forgotten_metadata_is_written_again: within one period.
3. strangers_are_removed: who is no member is not in the room.
4. a_failed_listing_unseats_nobody: however long it fails.
5. an_ended_room_is_deleted_again: if a token has opened it once more.
6. ghosts_are_removed: who said goodbye, and whose goodbye the SFU has lost.
7. a_room_that_fails_hides_no_other: each is listed, and judged, by itself.
8. a_sweep_keeps_to_its_budget: and comes to every room in turn.
9. conspicuous_rooms_wait_for_no_sweep: they are looked at within one period.
10. hints_wait_for_no_sweep: however slow the SFU lists other rooms.
11. large_lists_are_asked_for_less_often: by what they weigh.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from utd_stream.contract.endpoints import Who
from utd_stream.engine._conspicuous import is_conspicuous
from utd_stream.engine._listings import parts_of
from utd_stream.engine.border_log import log_failure
from utd_stream.engine.directory import Directory
from utd_stream.engine.orders import Order
from utd_stream.engine.rules.commands import (
    Command,
    MembersListed,
    RoomGone,
    RoomOpened,
)
from utd_stream.engine.rules.decide import overdue
from utd_stream.engine.rules.grants import metadata_revision
from utd_stream.engine.rules.state import Room, Rules
from utd_stream.engine.store import RoomKey
from utd_stream.engine.writer import Writer
from utd_stream.errors import NotFoundError, UTDStreamException
from utd_stream.models.names import sfu_room_name, split_sfu_room_name
from utd_stream.ports import Clock, Sfu, SfuRoom

__all__ = ["Reconciler"]

_LOG = logging.getLogger(__name__)
_CONCURRENCY = 8
# How many rooms to which nothing points have their people listed in a second.
_BUDGET = 40
# How many bytes of metadata the SFU lists in a second; every list of all rooms
# has everybody's.
_MOST_BYTES = 500_000
# So many rooms are compared before others have their turn on the loop.
_AT_ONCE = 500


class Reconciler:
    """Lists the SFU's rooms and tells the writer.

    Args:
        writer: Told.
        directory: Which rooms live.
        sfu: Asked.
        clock: Of the engine.
        rules: The numbers in force.
        period: How often all rooms are listed, in seconds.
        app_ids: Whose rooms are ours.
    """

    def __init__(  # noqa: PLR0913 -- its ports
        self,
        writer: Writer,
        *,
        directory: Directory,
        sfu: Sfu,
        clock: Clock,
        rules: Rules,
        period: float,
        app_ids: frozenset[str],
    ) -> None:
        self._writer = writer
        self._directory = directory
        self._sfu = sfu
        self._clock = clock
        self._rules = rules
        self._period = period
        self._app_ids = app_ids
        self._hints: dict[RoomKey, None] = {}
        self._hinted = asyncio.Event()
        # The rooms whose turn comes in this sweep.
        self._sweep: deque[RoomKey] = deque()
        # Of the SFU's rooms, as they were listed last.
        self._sids: dict[RoomKey, str] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to list, at once and then every period."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run()), loop.create_task(self._heed())]

    def hint(self, key: RoomKey) -> None:
        """Look at one room now."""
        self._hints[key] = None
        self._hinted.set()

    async def look(self, keys: Sequence[RoomKey] | None = None) -> bool:
        """List the SFU and tell the writer what was seen.

        Args:
            keys: Which rooms; None for all that live, and for those at the
                SFU whose life has ended.

        Returns:
            Whether the SFU answered.
        """
        gone = RoomGone(asked_at=self._clock.now())
        rooms = await self._rooms(keys)
        if rooms is None:
            return False
        if keys is None:
            await self._end_again(rooms)
            keys = self._directory.live()
        await self._look_at_all(keys, rooms, gone)
        return True

    async def aclose(self) -> None:
        """Stop listing; idempotent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _heed(self) -> None:
        while True:
            await self._hinted.wait()
            hints, self._hints = self._hints, {}
            self._hinted.clear()
            try:
                await self.look(tuple(hints))
            except Exception as error:  # noqa: BLE001 -- must survive
                log_failure("a hint was not heeded; the next period looks", error)

    async def _run(self) -> None:
        while True:
            due = self._clock.monotonic() + self._period
            try:
                due += await self._look_around()
            except Exception as error:  # noqa: BLE001 -- must survive
                log_failure("reconciling failed; the next period tries again", error)
            await self._clock.sleep(max(due - self._clock.monotonic(), 0))

    async def _look_around(self) -> float:
        """List all rooms, and look at some of them.

        Returns:
            How much longer than a period to wait for the next time, in seconds.
        """
        gone = RoomGone(asked_at=self._clock.now())
        rooms = await self._rooms()
        if rooms is None:
            return 0.0
        await self._end_again(rooms)
        try:
            keys = await self._conspicuous(rooms)
        except UTDStreamException as error:
            _LOG.info("the SFU's rooms cannot be compared: %s", error)
            return 0.0
        turn = [key for key in self._turn(keys) if sfu_room_name(*key) in rooms]
        began = self._clock.monotonic()
        await self._look_at_all([*keys, *turn[:_BUDGET]], rooms, gone)
        for first in range(_BUDGET, len(turn), _BUDGET):
            began += 1.0
            await self._clock.sleep(max(began - self._clock.monotonic(), 0))
            # What was listed for the first of them is old by now.
            await self.look(turn[first : first + _BUDGET])
        weight = sum(len(room.metadata) for room in rooms.values())
        return max(weight / _MOST_BYTES - self._period, 0.0)

    async def _rooms(
        self, keys: Iterable[RoomKey] | None = None
    ) -> Mapping[str, SfuRoom] | None:
        """Return the SFU's rooms by name, or None if it does not list them."""
        names = () if keys is None else [sfu_room_name(*key) for key in keys]
        try:
            return {room.name: room for room in await self._sfu.list_rooms(names)}
        except UTDStreamException as error:
            _LOG.info("the SFU cannot be listed: %s", error)
            return None

    async def _conspicuous(self, rooms: Mapping[str, SfuRoom]) -> list[RoomKey]:
        """Return the live rooms that the SFU shows otherwise than they are known."""
        connected = await self._writer.transact(
            lambda store: store.members.all_connected()
        )
        keys: list[RoomKey] = []
        before, self._sids = self._sids, {}
        for number, key in enumerate(self._directory.live(), 1):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            listed = rooms.get(sfu_room_name(*key))
            if listed is not None:
                self._sids[key] = listed.sid
            known = self._remembered(key)
            count = 0 if known is None else connected.get(known.life_key, 0)
            if is_conspicuous(listed, known, count, before.get(key)):
                keys.append(key)
        return keys

    def _remembered(self, key: RoomKey) -> Room | None:
        try:
            return self._writer.committed.room(key)
        except KeyError:
            return None

    def _turn(self, looked_at: Sequence[RoomKey]) -> Iterator[RoomKey]:
        """Yield the rooms whose turn comes in this period; all of them if few."""
        if not self._sweep:
            self._sweep.extend(self._directory.live())
        most = max(int(self._period * _BUDGET), _BUDGET)
        known = frozenset(looked_at)
        for _ in range(min(most, len(self._sweep))):
            key = self._sweep.popleft()
            if key not in known and self._directory.lives(key):
                yield key

    async def _end_again(self, rooms: Mapping[str, SfuRoom]) -> None:
        for name, listed in rooms.items():
            key = split_sfu_room_name(name)
            if key is None or key[0] not in self._app_ids or self._directory.lives(key):
                continue
            try:
                room = await self._writer.room(key)
            except UTDStreamException as error:
                _LOG.info("whether %s has ended cannot be read: %s", key, error)
                continue
            if room is not None and not room.is_live:
                shown = metadata_revision(listed.metadata)
                await self._tell(key, RoomOpened(metadata_rev=shown))

    async def _look_at_all(
        self, keys: Iterable[RoomKey], rooms: Mapping[str, SfuRoom], gone: RoomGone
    ) -> None:
        # The telling too: ten thousand facts at once would leave no place in
        # the writer's queue for people.
        free = asyncio.Semaphore(_CONCURRENCY)
        looks = [self._look_at(key, rooms, gone, free) for key in keys]
        await asyncio.gather(*looks)

    async def _look_at(
        self,
        key: RoomKey,
        rooms: Mapping[str, SfuRoom],
        gone: RoomGone,
        free: asyncio.Semaphore,
    ) -> None:
        room = rooms.get(sfu_room_name(*key))
        async with free:
            try:
                facts = (gone,) if room is None else await self._listed(key, room)
                for fact in facts:
                    await self._tell(key, fact)
            except Exception as error:  # noqa: BLE001 -- it must not hide the others
                log_failure(f"looking at {key} failed; the next period tries it", error)

    async def _listed(self, key: RoomKey, room: SfuRoom) -> Sequence[MembersListed]:
        asked_at = self._clock.now()
        try:
            participants = await self._sfu.list_participants(room.name)
            known = await self._writer.room(key)
            if known is None:
                return ()
            return await parts_of(
                self._writer,
                known,
                participants,
                asked_at=asked_at,
                metadata_rev=metadata_revision(room.metadata),
                is_due="listing" in overdue(known, self._rules, self._clock.now()),
            )
        except UTDStreamException as error:
            _LOG.info("%s cannot be listed, or compared: %s", room.name, error)
            return ()

    async def _tell(self, key: RoomKey, fact: Command) -> None:
        try:
            await self._writer.submit(Order(key=key, command=fact, who=Who.SFU))
        except NotFoundError:
            pass
        except UTDStreamException as error:
            _LOG.info("what the SFU says of %s was not kept: %s", key, error)
