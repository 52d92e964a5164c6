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
8. a_failing_participant_blocks_no_other: who failed comes behind the others,
   who wait for no next try.
9. metadata_waits_for_nobody_who_fails: each grant is tried first, and that is all.
10. a_stop_sends_what_goes_fast: grants and metadata, for a second.
11. a_right_that_cannot_be_written_ends_the_connection: a revoke never fails open.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import cast

import attrs
import orjson

from utd_stream.engine.border_log import log_failure, log_refusal
from utd_stream.engine.rules.grants import (
    lingers,
    participant_metadata,
    permission,
    removal_notice,
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
from utd_stream.models.json_text import read_json
from utd_stream.models.names import sfu_room_name
from utd_stream.models.participants import Permission
from utd_stream.ports import Clock, Luck, Sfu

__all__ = ["Outbox"]

_LOG = logging.getLogger(__name__)

_FIRST_DELAY = 0.2
_MAX_DELAY = 5.0
_MOST_DOUBLED = 10  # of an SFU that is away for hours the power has no number
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


_Slot = tuple[str, str]  # kind and slot of a row


@attrs.define
class _Backlog:
    """What the SFU has not been told of one room.

    Attributes:
        rows: By their slot; who failed last comes last.
        in_vain: The participants who could not be told, since the metadata
            could not be last.
        has_news: Set when it is worth to try at once.
    """

    rows: dict[_Slot, OutboxRow] = attrs.field(factory=dict[_Slot, OutboxRow])
    in_vain: set[_Slot] = attrs.field(factory=set[_Slot])
    has_news: asyncio.Event = attrs.field(factory=asyncio.Event)

    def put(self, row: OutboxRow) -> None:
        """Add a row, in place of an earlier one of its slot."""
        self.rows[_slot(row)] = row
        self.in_vain.discard(_slot(row))
        self.has_news.set()

    def sent(self, row: OutboxRow) -> None:
        """Forget a row, unless a later one has taken its place."""
        if self.rows.get(_slot(row)) is row:
            del self.rows[_slot(row)]
            self.in_vain.discard(_slot(row))
        if row.kind == "metadata":
            self.has_news.set()  # the SFU is there: so may be who was not

    def failed(self, row: OutboxRow) -> None:
        """Let the others of its kind go before a row."""
        if self.rows.get(_slot(row)) is row:
            self.rows[_slot(row)] = self.rows.pop(_slot(row))
            if row.kind == "participant":
                self.in_vain.add(_slot(row))
        if row.kind == "metadata":
            self.in_vain.clear()  # all fails: grants are tried first again

    def sendable(self, *, tells_grid: bool) -> list[OutboxRow]:
        """Return the rows that a sender of that kind may try now.

        Grants come before metadata: it waits until every other row was sent,
        or is of somebody who could not be told.
        """
        grid = [row for row in self.rows.values() if row.kind == "metadata"]
        if not tells_grid:
            return [row for row in self.rows.values() if row.kind != "metadata"]
        return grid if len(grid) + len(self.in_vain) == len(self.rows) else []


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
        self._backlogs: dict[RoomKey, _Backlog] = {}
        self._senders: dict[tuple[RoomKey, bool], asyncio.Task[None]] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    def put(self, rows: Sequence[OutboxRow]) -> None:
        """Send *rows*, which are on disk, from now on."""
        for row in rows:
            self._backlogs.setdefault(row.key, _Backlog()).put(row)
        for key in dict.fromkeys(row.key for row in rows):
            self._wake(key)

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
        """Send what goes fast, then stop; the rest stays on disk for the next start."""
        with suppress(TimeoutError):
            async with self._clock.timeout(_LAST_CHANCE):
                await self.idle()
        self._closed = True
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
        backlog = self._backlogs.setdefault(key, _Backlog())
        if (kind, "") not in backlog.rows:
            backlog.put(OutboxRow(*key, kind, "", 0))
        self._wake(key)

    def _wake(self, key: RoomKey) -> None:
        if self._closed:
            return
        for tells_grid in (False, True):
            sender = key, tells_grid
            can_send = self._backlogs[key].sendable(tells_grid=tells_grid)
            if can_send and sender not in self._senders:
                self._idle.clear()
                loop = asyncio.get_running_loop()
                work = self._send_all(key, tells_grid=tells_grid)
                self._senders[sender] = loop.create_task(work)

    async def _send_all(self, key: RoomKey, *, tells_grid: bool) -> None:
        """Send what waits for one room until nothing of its kind may be tried."""
        backlog = self._backlogs[key]
        # Metadata has no others of its kind that it would hold up.
        has_news = asyncio.Event() if tells_grid else backlog.has_news
        pauses = 0
        try:
            while rows := backlog.sendable(tells_grid=tells_grid):
                has_news.clear()
                try:
                    await self._send_next(key, backlog, rows)
                    pauses = 0
                    has_failed = False
                except UTDStreamException as error:
                    _LOG.info("the SFU was not told about %s: %s", key, error)
                    has_failed = True
                self._wake(key)
                # Metadata beside somebody who fails is tried when they are.
                if has_failed and backlog.sendable(tells_grid=tells_grid):
                    try:
                        async with self._clock.timeout(self._pause(pauses)):
                            await has_news.wait()
                    except TimeoutError:
                        pauses += 1  # a try out of turn lengthens none
        finally:
            del self._senders[key, tells_grid]
            if backlog.rows:
                self._wake(key)
            elif (key, not tells_grid) not in self._senders:
                del self._backlogs[key]
            if not self._senders:
                self._idle.set()

    def _pause(self, pauses: int) -> float:
        """Return how long to wait after so many waits in a row, in seconds."""
        pause = min(_FIRST_DELAY * 2.0 ** min(pauses, _MOST_DOUBLED), _MAX_DELAY)
        return pause * (1 + _JITTER * self._luck.fraction())

    async def _send_next(
        self, key: RoomKey, backlog: _Backlog, rows: Sequence[OutboxRow]
    ) -> None:
        room = await self._writer.room(key)
        ranks = _WHILE_LIVE if room is not None and room.is_live else _AFTER_END
        row = min(
            rows, key=lambda row: (ranks[row.kind], _slot(row) in backlog.in_vain)
        )
        try:
            await self._send(row, room)
        except NotFoundError:
            pass  # whom it was for is gone, and the next listing looks again
        except InvalidRequestError as error:
            log_refusal(f"the SFU will never take {row.kind} of {key}", error)
        except UTDStreamException:
            backlog.failed(row)
            raise
        except Exception as error:  # noqa: BLE001 -- one bad row must not stop others
            log_failure(f"{row.kind} of {key} cannot be sent", error)
        backlog.sent(row)
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
        said, to = cast("tuple[str, list[str]]", read_json(row.payload))
        try:
            async with self._free, self._clock.timeout(_HINT_TIME):
                await self._sfu.send_data(name, orjson.dumps({"type": said}), to=to)
        except TimeoutError:
            _LOG.info("nobody in %s took %s in time", name, said)

    async def _send_room(self, name: str, room: Room | None) -> None:
        if room is None or not room.is_live:
            if room is not None:
                await self._tell_end(name, room)
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

    async def _tell_end(self, name: str, room: Room) -> None:
        with _let_pass(f"how {name} ended"):
            async with self._free, self._clock.timeout(_HINT_TIME):
                await self._sfu.update_room_metadata(name, room_metadata(room))

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
        try:
            await self._write_right(name, row)
        except Exception as error:
            if not _is_final(error):
                raise
            # It may be a revoke, so the SFU must not let them go on.
            what = f"a right in {row.key} cannot be written; its holder is removed"
            log_refusal(what, error)
            await self._remove(name, row.slot)

    async def _remove(
        self, name: str, identity: str, notice: tuple[Permission, str] | None = None
    ) -> None:
        if notice is not None:
            permission, metadata = notice
            with _let_pass(f"why {identity} is removed from {name}"):
                async with self._free, self._clock.timeout(_HINT_TIME):
                    await self._sfu.update_participant(
                        name, identity, permission=permission, metadata=metadata
                    )
        async with self._free:
            await self._sfu.remove_participant(name, identity)

    async def _write_right(self, name: str, row: OutboxRow) -> None:
        for attempt in range(_GRANT_TRIES):
            room = await self._writer.room(row.key)
            granted = None if room is None else permission(room, row.slot)
            if (
                room is None
                or granted is None
                or lingers(room, row.slot, self._clock.now(), self._rules)
            ):
                notice = None if room is None else removal_notice(room, row.slot)
                await self._remove(name, row.slot, notice)
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


@contextmanager
def _let_pass(what: str) -> Generator[None]:
    """Let a reason go untold: it must not hold up what it is the reason of."""
    try:
        yield
    except (TimeoutError, UTDStreamException) as error:
        _LOG.info("the SFU was not told %s: %s", what, error)


def _is_final(error: Exception) -> bool:
    """Whether what failed fails however often it is tried."""
    if isinstance(error, UTDStreamException):
        return isinstance(error, InvalidRequestError)
    return True


def _slot(row: OutboxRow) -> _Slot:
    return (row.kind, row.slot)
