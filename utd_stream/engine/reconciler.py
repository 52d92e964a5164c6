"""Asking the SFU, again and again, what is really there.

Level-triggered: whatever was missed, a listing makes good.  A listing that
fails changes nothing, and since a grace runs out only in the decision about a
listing, nobody departs while the SFU cannot be asked.

Laws, each proved by the test of the same name:

1. lost_notices_are_made_good: without any webhook the roster is right.
2. forgotten_metadata_is_written_again: within one period.
3. strangers_are_removed: who is no member is not in the room.
4. a_failed_listing_unseats_nobody: however long it fails.
5. an_ended_room_is_deleted_again: if a token has opened it once more.
6. ghosts_are_removed: who said goodbye, and whose goodbye the SFU has lost.
7. a_room_that_fails_hides_no_other: each is listed, and judged, by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

from utd_stream.contract.endpoints import Who
from utd_stream.engine.border_log import log_failure
from utd_stream.engine.directory import Directory
from utd_stream.engine.orders import Order
from utd_stream.engine.rules.commands import (
    Command,
    MembersListed,
    RoomGone,
    RoomOpened,
)
from utd_stream.engine.rules.grants import metadata_revision
from utd_stream.engine.store import RoomKey
from utd_stream.engine.writer import Writer
from utd_stream.errors import NotFoundError, UTDStreamException
from utd_stream.models.names import sfu_room_name, split_sfu_room_name
from utd_stream.ports import Clock, Sfu, SfuRoom

__all__ = ["Reconciler"]

_LOG = logging.getLogger(__name__)
_CONCURRENCY = 8


class Reconciler:
    """Lists the SFU's rooms and tells the writer.

    Args:
        writer: Told.
        directory: Which rooms live.
        sfu: Asked.
        clock: Of the engine.
        period: How often everything is listed, in seconds.
        app_ids: Whose rooms are ours.
    """

    def __init__(  # noqa: PLR0913 -- its ports
        self,
        writer: Writer,
        *,
        directory: Directory,
        sfu: Sfu,
        clock: Clock,
        period: float,
        app_ids: frozenset[str],
    ) -> None:
        self._writer = writer
        self._directory = directory
        self._sfu = sfu
        self._clock = clock
        self._period = period
        self._app_ids = app_ids
        self._free = asyncio.Semaphore(_CONCURRENCY)
        self._hints: dict[RoomKey, None] = {}
        self._hinted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to list, at once and then every period."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def hint(self, key: RoomKey) -> None:
        """Look at one room now."""
        self._hints[key] = None
        self._hinted.set()

    async def look(self, keys: Iterable[RoomKey] | None = None) -> bool:
        """List the SFU and tell the writer what was seen.

        Args:
            keys: Which rooms; None for all that live, and for those at the
                SFU whose life has ended.

        Returns:
            Whether the SFU answered.
        """
        asked_at = self._clock.now()
        try:
            rooms = {room.name: room for room in await self._sfu.list_rooms()}
        except UTDStreamException as error:
            _LOG.info("the SFU cannot be listed: %s", error)
            return False
        if keys is None:
            keys = self._directory.live()
            await self._end_again(rooms)
        gone = RoomGone(asked_at=asked_at)
        await asyncio.gather(*(self._look_at(key, rooms, gone) for key in keys))
        return True

    async def aclose(self) -> None:
        """Stop listing; idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            due = self._clock.monotonic() + self._period
            await self._look_safely(None)
            while (left := due - self._clock.monotonic()) > 0:
                try:
                    async with self._clock.timeout(left):
                        await self._hinted.wait()
                except TimeoutError:
                    break
                hints, self._hints = self._hints, {}
                self._hinted.clear()
                await self._look_safely(tuple(hints))

    async def _look_safely(self, keys: Iterable[RoomKey] | None) -> None:
        try:
            await self.look(keys)
        except Exception as error:  # noqa: BLE001 -- must survive
            log_failure("reconciling failed; the next period tries again", error)

    async def _end_again(self, rooms: Mapping[str, SfuRoom]) -> None:
        live = set(self._directory.live())
        for name in rooms:
            key = split_sfu_room_name(name)
            if key is None or key[0] not in self._app_ids or key in live:
                continue
            try:
                room = await self._writer.room(key)
            except UTDStreamException as error:
                _LOG.info("whether %s has ended cannot be read: %s", key, error)
                continue
            if room is not None and not room.is_live:
                await self._tell(key, RoomOpened())

    async def _look_at(
        self, key: RoomKey, rooms: Mapping[str, SfuRoom], gone: RoomGone
    ) -> None:
        room = rooms.get(sfu_room_name(*key))
        # The telling too: ten thousand facts at once would leave no place in
        # the writer's queue for people.
        async with self._free:
            try:
                fact = gone if room is None else await self._listed(room)
                if fact is not None:
                    await self._tell(key, fact)
            except Exception as error:  # noqa: BLE001 -- it must not hide the others
                log_failure(f"looking at {key} failed; the next period tries it", error)

    async def _listed(self, room: SfuRoom) -> MembersListed | None:
        asked_at = self._clock.now()
        try:
            participants = await self._sfu.list_participants(room.name)
        except UTDStreamException as error:
            _LOG.info("the SFU does not list %s: %s", room.name, error)
            return None
        return MembersListed(
            participants=participants,
            asked_at=asked_at,
            metadata_rev=metadata_revision(room.metadata),
        )

    async def _tell(self, key: RoomKey, fact: Command) -> None:
        try:
            await self._writer.submit(Order(key=key, command=fact, who=Who.SFU))
        except NotFoundError:
            pass
        except UTDStreamException as error:
            _LOG.info("what the SFU says of %s was not kept: %s", key, error)
