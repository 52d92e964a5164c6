"""Telling the SFU what was decided, until it has heard.

Each room has one sender at a time, since the SFU takes changes of one room
best in a row (T7), and one more for its metadata, so that a grant does not
wait for the metadata of the seat before; rooms do not wait for each other.
Nothing is sent that is not a row on disk: a row is deleted after it was sent,
what a crash left is sent again, and everything sent is idempotent.

Laws, each proved by the test of the same name:

1. later_rows_replace_earlier_ones: of one key only the newest is sent.
2. revocations_come_before_grants: nobody waits to be silenced.
3. grants_come_before_metadata: a seat shown as taken can speak.
4. messages_come_before_the_removal: who is removed has been told why.
5. a_failing_room_blocks_no_other: each room is tried again by itself.
6. an_absent_participant_is_done: there is nobody to revoke or remove.
7. a_restart_sends_what_was_left: the outbox is on disk.
8. a_grant_waits_for_no_older_metadata: the grid before may still be written.
9. a_failing_participant_blocks_no_other: who failed comes behind the others,
   who wait for no next try.
10. metadata_waits_for_nobody_who_fails: each grant is tried first, and that is all.
11. metadata_waits_half_a_second_at_most: for a grant that hangs.
12. large_metadata_is_paced: by what the SFU must send on, newest first.
13. a_stop_sends_what_goes_fast: grants and metadata, for a second.
14. a_right_that_cannot_be_written_ends_the_connection: a revoke never fails open.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from utd_stream.engine._backlog import Backlog
from utd_stream.engine._telling import Teller, Told
from utd_stream.engine.border_log import log_failure, log_refusal
from utd_stream.engine.rules.state import Rules
from utd_stream.engine.store import OutboxRow, RoomKey
from utd_stream.engine.writer import Writer
from utd_stream.errors import (
    SfuNotFoundError,
    SfuRefusedError,
    UTDStreamException,
)
from utd_stream.ports import Clock, Luck, Sfu

__all__ = ["Outbox"]

_LOG = logging.getLogger(__name__)

_FIRST_DELAY = 0.2
_MAX_DELAY = 5.0
_MOST_DOUBLED = 10  # of an SFU that is away for hours the power has no number
_JITTER = 0.5  # so that many rooms do not come back at once
# So many rows in a row may fail before their room makes a pause.
_MOST_FAILURES = 3
# A participant who just joined may not be found yet (T6).
_GRANT_TRIES = 3
_GRANT_DELAY = 0.2
_METADATA_PATIENCE = 0.5  # for the grants that it newly shows, in seconds
_FAN_OUT_BYTES = 10_000_000  # that the SFU shall send on of one room in a second
_LAST_CHANCE = 1.0  # what a stop waits for, in seconds


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
        self._teller = Teller(writer, sfu, clock, rules, concurrency)
        self._clock = clock
        self._luck = luck
        self._backlogs: dict[RoomKey, Backlog] = {}
        self._senders: dict[tuple[RoomKey, bool], asyncio.Task[None]] = {}
        # When large metadata of a room may be written again, on the clock.
        self._paced: dict[RoomKey, float] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    def put(self, rows: Sequence[OutboxRow]) -> None:
        """Send *rows*, which are on disk, from now on."""
        now = self._clock.monotonic()
        for row in rows:
            self._backlogs.setdefault(row.key, Backlog()).put(row, now)
        for key in dict.fromkeys(row.key for row in rows):
            self._wake(key)

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

    def _wake(self, key: RoomKey) -> None:
        """Let the room have the senders that it has rows for."""
        backlog = self._backlogs[key]
        if backlog.has_rows:
            self._begin(key, of_metadata=False)
        if backlog.metadata is not None:
            self._begin(key, of_metadata=True)

    def _begin(self, key: RoomKey, *, of_metadata: bool) -> None:
        if self._closed or (key, of_metadata) in self._senders:
            return
        self._idle.clear()
        send = self._send_metadata if of_metadata else self._send_rows
        work = self._send_all(key, send, of_metadata=of_metadata)
        task = asyncio.get_running_loop().create_task(work)
        self._senders[key, of_metadata] = task

    async def _send_all(
        self,
        key: RoomKey,
        send: Callable[[Backlog], Awaitable[None]],
        *,
        of_metadata: bool,
    ) -> None:
        backlog = self._backlogs[key]
        try:
            await send(backlog)
        finally:
            del self._senders[key, of_metadata]
            if backlog.has_rows or backlog.metadata is not None:
                self._wake(key)
            elif (key, not of_metadata) not in self._senders:
                del self._backlogs[key]
            if not self._senders:
                self._idle.set()

    async def _send_rows(self, backlog: Backlog) -> None:
        """Send all but the metadata, in their order."""
        pauses = failures = 0
        while backlog.has_rows:
            backlog.has_news.clear()
            now = self._clock.monotonic()
            row = backlog.take(now)
            if row is None:
                await self._news(backlog, backlog.rests_until() - now)
            elif await self._try(backlog, row):
                pauses = failures = 0
            else:
                failures += 1
                if failures >= _MOST_FAILURES or not backlog.has_untried:
                    failures = 0
                    # A try out of turn lengthens no pause.
                    pauses += not await self._news(backlog, self._pause(pauses))

    async def _send_metadata(self, backlog: Backlog) -> None:
        """Send the metadata after the grants that it shows, as often as its size lets.

        One that fails is tried again after the rows that failed with it.
        """
        pauses = 0
        while backlog.metadata is not None:
            key = backlog.metadata.key
            paced = self._paced.get(key, 0.0) - self._clock.monotonic()
            if paced > 0:
                await self._clock.sleep(paced)
                backlog.metadata_since = self._clock.monotonic()
            await self._let_others_go_first(backlog)
            if await self._try(backlog, backlog.metadata):
                pauses = 0
            else:
                await self._clock.sleep(self._pause(pauses))
                pauses += 1
                backlog.all_again(self._clock.monotonic())

    async def _let_others_go_first(self, backlog: Backlog) -> None:
        left = backlog.metadata_since + _METADATA_PATIENCE - self._clock.monotonic()
        if left > 0 and backlog.has_others_to_tell:
            with suppress(TimeoutError):
                async with self._clock.timeout(left):
                    await backlog.is_told.wait()

    async def _news(self, backlog: Backlog, seconds: float) -> bool:
        """Wait for so long; return at once, and true, when there is news."""
        try:
            async with self._clock.timeout(seconds):
                await backlog.has_news.wait()
        except TimeoutError:
            return False
        return True

    def _pause(self, pauses: int) -> float:
        """Return how long to wait after so many waits in a row, in seconds."""
        pause = min(_FIRST_DELAY * 2.0 ** min(pauses, _MOST_DOUBLED), _MAX_DELAY)
        return pause * (1 + _JITTER * self._luck.fraction())

    async def _try(self, backlog: Backlog, row: OutboxRow) -> bool:
        """Tell the SFU; return whether it took it, or never will."""
        told = Told()
        try:
            told = await self._teller.tell(row)
        except SfuNotFoundError:
            pass  # whom it was for is gone, and the next listing looks again
        except SfuRefusedError as error:
            log_refusal(f"the SFU will never take {row.kind} of {row.key}", error)
        except UTDStreamException as error:
            _LOG.info("the SFU was not told about %s: %s", row.key, error)
            backlog.failed(row)
            return False
        except Exception as error:  # noqa: BLE001 -- one bad row must not stop others
            log_failure(f"{row.kind} of {row.key} cannot be sent", error)
        now = self._clock.monotonic()
        if told.is_missing and backlog.rest(row, now + _GRANT_DELAY, most=_GRANT_TRIES):
            return True
        backlog.done(row)
        self._writer.discard([row])
        if told.metadata_bytes:
            self._pace(row.key, now, told)
        return True

    def _pace(self, key: RoomKey, now: float, told: Told) -> None:
        pause = told.metadata_bytes * told.connected / _FAN_OUT_BYTES
        self._paced = {other: at for other, at in self._paced.items() if at > now}
        self._paced[key] = now + pause
