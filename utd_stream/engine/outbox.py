"""Telling the SFU what was decided, until it has heard.

Each room has one sender at a time, since the SFU takes changes of one room
best in a row (T7), and one more for its metadata, so that a grant does not
wait for the metadata of the seat before; rooms do not wait for each other.  A
row says what to look at, and the room is read when it is sent, so that nothing
sent is ever stale.  Rows are deleted after they were sent: what a crash left is
sent again, and everything sent is idempotent.

Laws, each proved by the test of the same name:

1. later_rows_replace_earlier_ones: of one key only the newest is sent.
2. grants_come_before_metadata: a seat shown as taken can speak.
3. messages_come_before_the_removal: who is removed has been told why.
4. a_failing_room_blocks_no_other: each room is tried again by itself.
5. an_absent_participant_is_done: there is nobody to revoke or remove.
6. a_restart_sends_what_was_left: the outbox is on disk.
7. a_grant_waits_for_no_older_metadata: the grid before may still be written.
8. a_failing_participant_blocks_no_other: who failed comes behind the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence

import orjson

from utd_stream.engine.rules.grants import (
    lingers,
    participant_metadata,
    permission,
    room_metadata,
)
from utd_stream.engine.rules.state import Room, Rules
from utd_stream.engine.store import OutboxRow, RoomKey
from utd_stream.engine.writer import Writer
from utd_stream.errors import (
    InvalidRequestError,
    NotFoundError,
    UTDStreamException,
)
from utd_stream.models.names import sfu_room_name
from utd_stream.ports import Clock, Luck, Sfu

__all__ = ["Outbox"]

_LOG = logging.getLogger(__name__)

_FIRST_DELAY = 0.2
_MAX_DELAY = 5.0
_JITTER = 0.5  # so that many rooms do not come back at once
# A participant who just joined may not be found yet (T6).
_GRANT_TRIES = 3
_GRANT_DELAY = 0.2
# A message only names the reason of what comes next, so it holds nothing up
# for long; LiveKit takes 3 s to see that a room is not there.
_HINT_TIME = 1.0
_LAST_CHANCE = 1.0  # what a stop waits for, in seconds

_WHILE_LIVE = {"room": 0, "say": 1, "participant": 2, "metadata": 3}
# Deleting the room removes everybody, so they hear why before it.
_AFTER_END = {"say": 0, "room": 1, "participant": 2, "metadata": 3}

_Pending = dict[tuple[str, str], OutboxRow]


class Outbox:
    """Sends rows, room by room.

    Args:
        writer: Reads rooms, and deletes what was sent.
        sfu: Told.
        clock: Of the engine.
        luck: Of the engine.
        rules: The numbers in force.
        concurrency: How many requests may be under way.
    """

    def __init__(  # noqa: PLR0913 -- its ports
        self,
        writer: Writer,
        *,
        sfu: Sfu,
        clock: Clock,
        luck: Luck,
        rules: Rules,
        concurrency: int = 32,
    ) -> None:
        self._writer = writer
        self._sfu = sfu
        self._clock = clock
        self._luck = luck
        self._rules = rules
        self._free = asyncio.Semaphore(concurrency)
        self._pending: dict[RoomKey, _Pending] = {}
        self._senders: dict[tuple[RoomKey, bool], asyncio.Task[None]] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    def put(self, rows: Sequence[OutboxRow]) -> None:
        """Send *rows*, which are on disk, from now on."""
        for row in rows:
            pending = self._pending.setdefault(row.key, {})
            pending[row.kind, row.slot] = row
            self._wake(row.key)

    def sync_room(self, key: RoomKey) -> None:
        """Make the room be at the SFU, or not be there, as its life says."""
        self._put_lost(key, "room")

    def sync_metadata(self, key: RoomKey) -> None:
        """Write the room's metadata again."""
        self._put_lost(key, "metadata")

    async def idle(self) -> None:
        """Return when nothing is left to send."""
        await self._idle.wait()

    async def aclose(self) -> None:
        """Stop sending; what is left stays on disk for the next start."""
        self._closed = True
        try:
            async with self._clock.timeout(_LAST_CHANCE):
                await self.idle()
        except TimeoutError:
            pass
        senders = [self._senders[key] for key in sorted(self._senders)]
        for sender in senders:
            sender.cancel()
        for sender in senders:
            await asyncio.gather(sender, return_exceptions=True)

    def kill(self) -> None:
        """Stop in the middle of whatever is being sent."""
        self._closed = True
        for sender in self._senders.values():
            sender.cancel()

    def _put_lost(self, key: RoomKey, kind: str) -> None:
        # Found again by the next listing, so it needs no row on disk.
        pending = self._pending.setdefault(key, {})
        pending.setdefault((kind, ""), OutboxRow(*key, kind, "", 0))
        self._wake(key)

    def _wake(self, key: RoomKey) -> None:
        pending = self._pending.get(key)
        if not pending or self._closed:
            return
        # Grants come before metadata: while others wait, metadata is not begun.
        tells_grid = all(_tells_grid(row) for row in pending.values())
        if (key, tells_grid) not in self._senders:
            self._idle.clear()
            loop = asyncio.get_running_loop()
            work = self._send_all(key, tells_grid=tells_grid)
            self._senders[key, tells_grid] = loop.create_task(work)

    async def _send_all(self, key: RoomKey, *, tells_grid: bool) -> None:
        """Send what is pending for one room until nothing of its kind is."""
        pending = self._pending[key]
        failures = 0
        failed: Counter[tuple[str, str]] = Counter()
        try:
            while rows := _sendable(pending, tells_grid=tells_grid):
                try:
                    await self._send_next(key, pending, rows, failed)
                    failures = 0
                except UTDStreamException as error:
                    _LOG.info("the SFU was not told about %s: %s", key, error)
                    failures += 1
                    await self._clock.sleep(self._delay(failures))
        finally:
            del self._senders[key, tells_grid]
            if pending:
                self._wake(key)
            elif (key, not tells_grid) not in self._senders:
                del self._pending[key]
            if not self._senders:
                self._idle.set()

    def _delay(self, failures: int) -> float:
        delay = min(_FIRST_DELAY * 2.0 ** (failures - 1), _MAX_DELAY)
        return delay * (1 + _JITTER * self._luck.fraction())

    async def _send_next(
        self,
        key: RoomKey,
        pending: _Pending,
        rows: Sequence[OutboxRow],
        failed: Counter[tuple[str, str]],
    ) -> None:
        room = await self._writer.room(key)
        ranks = _WHILE_LIVE if room is not None and room.is_live else _AFTER_END
        # What failed comes behind its like: one who cannot be reached must not
        # keep the others of the room waiting.
        row = min(
            rows,
            key=lambda row: (ranks[row.kind], failed[row.kind, row.slot], row.seq),
        )
        failed[row.kind, row.slot] += 1
        try:
            await self._send(row, room)
        except NotFoundError:
            pass  # whom it was for is gone, and the next listing looks again
        except InvalidRequestError:
            _LOG.exception("the SFU will never take %s of %s", row.kind, key)
        except UTDStreamException:
            raise
        except Exception:  # noqa: BLE001 -- one bad row must not stop the others
            _LOG.exception("%s of %s cannot be sent", row.kind, key)
        del failed[row.kind, row.slot]
        if pending.get((row.kind, row.slot)) is row:
            del pending[row.kind, row.slot]
        if row.seq:
            self._writer.discard([row])

    async def _send(self, row: OutboxRow, room: Room | None) -> None:
        name = sfu_room_name(*row.key)
        match row.kind:
            case "room":
                await self._send_room(name, room)
            case "metadata":
                await self._send_metadata(name, row, room)
            case "participant":
                await self._send_participant(name, row)
            case _:
                await self._say(name, row)

    async def _say(self, name: str, row: OutboxRow) -> None:
        said, to = orjson.loads(row.payload)
        try:
            async with self._free, self._clock.timeout(_HINT_TIME):
                await self._sfu.send_data(name, orjson.dumps({"type": said}), to=to)
        except TimeoutError:
            _LOG.info("nobody in %s took %s in time", name, said)

    async def _send_room(self, name: str, room: Room | None) -> None:
        if room is None or not room.is_live:
            async with self._free:
                await self._sfu.delete_room(name)
            return
        text = room_metadata(room)
        async with self._free:
            made = await self._sfu.create_room(
                name, metadata=text, empty_timeout=self._rules.room_empty
            )
            if made.metadata != text:
                # It was there: LiveKit leaves a room that exists as it is.
                await self._sfu.update_room_metadata(name, text)

    async def _send_metadata(
        self, name: str, row: OutboxRow, room: Room | None
    ) -> None:
        if room is None or not room.is_live:
            return
        try:
            async with self._free:
                await self._sfu.update_room_metadata(name, room_metadata(room))
        except NotFoundError:
            # The SFU has forgotten the room, or closed it when it was empty, or
            # because it has ended in the meantime.
            await self._send_room(name, await self._writer.room(row.key))

    async def _send_participant(self, name: str, row: OutboxRow) -> None:
        for attempt in range(_GRANT_TRIES):
            room = await self._writer.room(row.key)
            granted = None if room is None else permission(room, row.slot)
            if (
                room is None
                or granted is None
                or lingers(room, row.slot, self._clock.now(), self._rules)
            ):
                async with self._free:
                    await self._sfu.remove_participant(name, row.slot)
                return
            try:
                async with self._free:
                    await self._sfu.update_participant(
                        name,
                        row.slot,
                        permission=granted,
                        metadata=participant_metadata(room, row.slot),
                    )
            except NotFoundError:
                if not room.members[row.slot].is_connected:
                    return
                if attempt + 1 < _GRANT_TRIES:
                    await self._clock.sleep(_GRANT_DELAY)
            else:
                return


def _tells_grid(row: OutboxRow) -> bool:
    return row.kind == "metadata"


def _sendable(pending: _Pending, *, tells_grid: bool) -> list[OutboxRow]:
    rows = list(pending.values())
    if tells_grid:
        return rows if all(map(_tells_grid, rows)) else []
    return [row for row in rows if not _tells_grid(row)]
