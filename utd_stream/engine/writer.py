"""The one writer: commands that wait are committed together.

One thread, or in virtual time the loop itself, takes whatever waits, decides
it and commits it in one transaction.  Who asked is answered when the batch is
on disk.  The next commands gather while one batch is being synced, so that
the disk is never asked more often than it can answer.

Laws, each proved by the test of the same name:

1. a_bad_command_harms_no_other: what one command raises is its own answer.
2. a_failed_batch_is_tried_one_by_one: and what then fails answers 503.
3. acknowledged_is_on_disk: nothing is answered before its commit.
4. a_full_queue_refuses_at_once: with 503, and serves again later.
5. the_writer_cannot_die: after any failure the next command is served.
6. a_clean_stop_drains: what was taken before the stop is answered.
7. a_removed_database_is_not_written: what follows answers 503.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, TypeVar, cast

import attrs
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from utd_stream.engine._batch import Batch
from utd_stream.engine._forgetting import forget_members
from utd_stream.engine._place import DatabaseGoneError
from utd_stream.engine._unit import Deciders
from utd_stream.engine.committed import Committed
from utd_stream.engine.notes import note_answer
from utd_stream.engine.orders import Order, Outcome
from utd_stream.engine.rules.rows import as_seen
from utd_stream.engine.rules.state import Member, Room, Rules
from utd_stream.engine.store import OutboxRow, RoomKey, RoomWrite, StaleError, Store
from utd_stream.errors import EngineError, UnavailableError
from utd_stream.ports import Clock, FactLog

__all__ = ["Commit", "Writer"]

_T = TypeVar("_T")
_LOG = logging.getLogger(__name__)

# A batch is bounded so that the first of many waits for few.
_MAX_BATCH = 256
# How often a batch is decided again because another engine wrote first.
_STALE_TRIES = 3
# What was sent may be sent again, so its deletion waits for company.
_IDLE_FLUSH = 0.2
# How often to look for what is older than a day, in seconds.  Without work nobody
# looks, so that an engine that idles leaves its disk alone.
_FORGET_PERIOD = 60.0
# Between two lines of the log about failures of one kind, in seconds: on a full
# disk every command fails.
_QUIET = 60.0
# Of the number of a row, which of its writer's it is; the others say which writer.
_SEQ_BITS = 40


@attrs.frozen(kw_only=True)
class Commit:
    """What a batch has put on disk.

    Attributes:
        rooms: Before and after.
        outbox: What the SFU is to be told now.
        told: Of which apps who is told of a call.
    """

    rooms: Sequence[RoomWrite]
    outbox: Sequence[OutboxRow]
    told: Collection[tuple[str, str]] = ()


@attrs.frozen
class _Run:
    """A function that wants the store."""

    call: Callable[[Store], Any]


@attrs.frozen
class _Flush:
    """Delete what was sent, though nothing else is to be written."""


_Work = Order | _Run | _Flush
_Job = tuple[_Work, "asyncio.Future[Any]"]
_Done = list[tuple[_Job, Any]]


class Writer:
    """Decides and commits, one batch at a time.

    Args:
        store: Its own from now on.
        clock: Of the engine.
        rules: The numbers in force.
        threaded: False to work on the loop itself, in its next turn: for
            virtual time, where nothing may happen beside the loop.
        capacity: How many may wait.
        log: Told of every order and its answer; None for nobody.
        deciders: Of commands on other aggregates than one room, by their class.
    """

    def __init__(  # noqa: PLR0913 -- ports and limits
        self,
        store: Store,
        *,
        clock: Clock,
        rules: Rules,
        threaded: bool = True,
        capacity: int = 2_048,
        log: FactLog | None = None,
        deciders: Deciders = MappingProxyType({}),
    ) -> None:
        self._deciders = deciders
        self.committed: Committed = Committed()
        self._store = store
        self._clock = clock
        self._rules = rules
        self._threaded = threaded
        self._capacity = capacity
        self._log = log
        # No other writer of this database numbers a row alike.
        self._seq = store.begin_incarnation() << _SEQ_BITS
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._turn: asyncio.Handle | None = None
        self._sent: deque[OutboxRow] = deque()
        self._flush: asyncio.Task[None] | None = None
        self._forget_at = clock.monotonic()
        # Until when no failure of a kind is logged again.
        self._quiet_until: dict[tuple[str, type[BaseException]], float] = {}
        self._observer: Callable[[Commit], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def watch(self, observer: Callable[[Commit], None]) -> None:
        """Tell *observer* of every commit, on the loop's thread, before answers."""
        self._observer = observer

    def start(self) -> None:
        """Begin to serve, on the running loop."""
        self._loop = asyncio.get_running_loop()
        if self._threaded:
            self._thread = threading.Thread(
                target=self._serve,
                args=(self._loop,),
                name="utd-stream-writer",
                daemon=True,
            )
            self._thread.start()

    def submit(self, order: Order) -> asyncio.Future[Outcome]:
        """Return the outcome of *order*, once it is on disk.

        Cancelling it ends the waiting only.

        Raises:
            UnavailableError: If too many wait, or the engine is stopping.
        """
        if self._queue.qsize() >= self._capacity:
            message = "too many commands wait; try again in a moment"
            raise UnavailableError(message)
        future = self._put(order)
        if self._log is not None:
            self._log.note("engine", "command", order)
        return future

    async def run(self, call: Callable[[Connection], _T]) -> _T:
        """Return what *call* makes of the connection, between two batches."""
        return cast("_T", await self._put(_Run(lambda store: call(store.connection))))

    async def transact(self, call: Callable[[Store], _T]) -> _T:
        """Return what *call* makes of the store, in a transaction between two batches.

        Raises:
            UnavailableError: If the database cannot be used now.
        """

        def transacted(store: Store) -> _T:
            with store.transaction():
                return call(store)

        return cast("_T", await self._put(_Run(transacted)))

    @property
    def is_on_file(self) -> bool:
        """Whether there is a file that could be removed or replaced."""
        return self._store.is_on_file

    async def prove(self, *, writes: bool) -> None:
        """Return if the writer serves and has its database.

        Args:
            writes: Whether to commit something that changes nothing.

        Raises:
            DatabaseGoneError: If its file was removed or replaced.
            UnavailableError: If it cannot be written, or the engine is stopping.
        """
        await self._put(_Run(Store.prove if writes else Store.check_place))

    async def room(self, key: RoomKey, version: int = 0) -> Room | None:
        """Return a room as committed, of *version* or a later one.

        It is read from disk if none that is new enough is remembered.

        Raises:
            UnavailableError: If it cannot be read now.
        """
        with suppress(KeyError):
            room = self.committed.room(key)
            if room.version >= version:
                return room
        return (await self._read(key, ()))[0]

    async def members(
        self, key: RoomKey, names: Collection[str], version: int = 0
    ) -> tuple[Room | None, Mapping[str, Member]]:
        """Return a room as `room` does, and those of *names* who have a row there.

        A connection that the SFU has forgotten is none.

        Raises:
            UnavailableError: If it cannot be read now.
        """
        with suppress(KeyError):
            room = self.committed.room(key)
            if room.version >= version:
                return room, self._remembered(room, names)
        return await self._read(key, names)

    async def member(
        self, key: RoomKey, identity: str, version: int = 0
    ) -> tuple[Room | None, Member | None]:
        """Return a room as `room` does, and the row of *identity* there, or None.

        Raises:
            UnavailableError: If it cannot be read now.
        """
        room, found = await self.members(key, (identity,), version)
        return room, found.get(identity)

    def discard(self, rows: Sequence[OutboxRow]) -> None:
        """Delete rows that were sent, with the next batch or a little later."""
        self._sent.extend(rows)
        if self._flush is None and self._loop is not None:
            self._flush = self._loop.create_task(self._flush_later())

    async def aclose(self) -> None:
        """Serve what waits, then stop; idempotent."""
        if self._loop is None:
            return
        if self._flush is not None:
            self._flush.cancel()
        last = self._put(_Flush())
        self._loop = None  # nothing is taken any more
        if self._thread is not None:
            self._queue.put(None)
        await last
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        self._store.close()

    def kill(self) -> None:
        """Stop without a last word: what was not decided never is.

        For a writer that works on the loop; the store stays open.
        """
        assert not self._threaded  # noqa: S101 -- a thread cannot be killed
        self._loop = None
        for handle in (self._turn, self._flush):
            if handle is not None:
                handle.cancel()
        while jobs := self._waiting([]):
            for _, future in jobs:
                future.cancel()

    # On the loop.

    async def _read(
        self, key: RoomKey, names: Collection[str]
    ) -> tuple[Room | None, Mapping[str, Member]]:
        def read(store: Store) -> tuple[Room | None, Mapping[str, Member]]:
            room = store.load(key)
            self.committed.keep(key, room)
            if room is None or not room.is_live:
                return room, {}
            places = [(room.life_key, name) for name in names]
            rows = store.members.rows(places)
            for place in places:
                self.committed.rows.keep(place, rows.get(place))
            return room, _as_seen(room, {place[1]: m for place, m in rows.items()})

        return await self.transact(read)

    def _remembered(self, room: Room, names: Collection[str]) -> Mapping[str, Member]:
        """Return rows that need not be read.

        Raises:
            KeyError: If one has to.
        """
        if not room.is_live:
            return {}
        rows = {name: self.committed.rows[room.life_key, name] for name in names}
        return _as_seen(room, {n: m for n, m in rows.items() if m is not None})

    def _put(self, work: _Work) -> asyncio.Future[Any]:
        loop = self._loop
        if loop is None:
            message = "the engine is stopping"
            raise UnavailableError(message)
        future: asyncio.Future[Any] = loop.create_future()
        self._queue.put((work, future))
        if not self._threaded and self._turn is None:
            self._turn = loop.call_soon(self._work_inline)
        return future

    def _work_inline(self) -> None:
        self._turn = None
        jobs = self._waiting([])
        while jobs:
            self._deliver(*self._work(jobs))
            self._forget_old()
            jobs = self._waiting([])

    def _deliver(self, done: _Done, commit: Commit | None) -> None:
        if self._log is not None:
            for (work, _), result in done:
                if isinstance(work, Order):
                    note_answer(self._log, work, result)
        if commit is not None and self._observer is not None:
            try:
                self._observer(commit)
            except Exception:  # noqa: BLE001 -- must survive
                _LOG.exception("the observer of commits failed")
        for (_, future), result in done:
            if future.done():
                continue  # nobody waits any more
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    async def _flush_later(self) -> None:
        await self._clock.sleep(_IDLE_FLUSH)
        self._flush = None
        if self._sent:
            await self._put(_Flush())

    # In the writer's thread.

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        while (first := self._queue.get()) is not None:
            jobs = self._waiting([first])
            done, commit = self._work(jobs)
            try:
                loop.call_soon_threadsafe(self._deliver, done, commit)
            except RuntimeError:
                _LOG.warning("the loop was closed before the writer was stopped")
            self._forget_old()

    def _waiting(self, jobs: list[_Job]) -> list[_Job]:
        while len(jobs) < _MAX_BATCH:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._queue.put(None)  # the stop comes after what was taken
                break
            jobs.append(job)
        return jobs

    def _work(self, jobs: list[_Job]) -> tuple[_Done, Commit | None]:
        """Do all *jobs*; what fails is the answer to the one it failed for."""
        orders = [job for job in jobs if isinstance(job[0], Order)]
        done: _Done = []
        rooms: list[RoomWrite] = []
        outbox: list[OutboxRow] = []
        told: set[tuple[str, str]] = set()
        flushes = any(isinstance(work, _Flush) for work, _ in jobs)
        if orders or flushes:
            results, commits = self._commit([cast("Order", w) for w, _ in orders])
            done += zip(orders, results, strict=True)
            for commit in commits:
                rooms += commit.rooms
                outbox += commit.outbox
                told.update(commit.told)
        for work, future in jobs:
            if not isinstance(work, Order):
                done.append(((work, future), self._do(work)))
        if not (rooms or outbox):
            return done, None
        return done, Commit(rooms=rooms, outbox=outbox, told=told)

    def _do(self, work: _Run | _Flush) -> Any:
        try:
            match work:
                case _Run(call):
                    return call(self._store)
                case _Flush():
                    return None
        except SQLAlchemyError as error:
            self._recover(error)
            return UnavailableError("the database cannot be read now")
        except Exception as error:  # noqa: BLE001 -- the caller's own function
            return error

    def _commit(
        self, orders: list[Order]
    ) -> tuple[list[Outcome | EngineError], list[Commit]]:
        try:
            results, commit = self._decide(orders)
        except DatabaseGoneError as error:
            self.committed.forget()
            return [DatabaseGoneError(str(error)) for _ in orders], []
        except Exception as error:  # noqa: BLE001 -- the thread must not die
            self._recover(error)
        else:
            return results, [commit]
        singles: list[Outcome | EngineError] = []
        commits: list[Commit] = []
        for order in orders:
            try:
                (result,), commit = self._decide([order])
            except Exception as error:  # noqa: BLE001 -- likewise
                self._recover(error)
                result = UnavailableError("the database cannot be written now")
            else:
                commits.append(commit)
            singles.append(result)
        return singles, commits

    def _decide(
        self, orders: list[Order]
    ) -> tuple[list[Outcome | EngineError], Commit]:
        """Decide on what is there now, again while another engine writes first."""
        for _ in range(_STALE_TRIES):
            try:
                return self._together(orders)
            except StaleError as error:
                self._recover(error)
        return self._together(orders)

    def _together(
        self, orders: list[Order]
    ) -> tuple[list[Outcome | EngineError], Commit]:
        sent = self._take_sent()
        now = self._clock.now()
        batch = Batch(
            self._store,
            self.committed,
            self._rules,
            now,
            self._seq,
            deciders=self._deciders,
        )
        try:
            with self._store.transaction():
                results = batch.decide(orders)
                changes = batch.changes(sent)
                self._store.write(changes)
        except BaseException:
            self._sent.extend(sent)
            raise
        self._seq = batch.seq
        self.committed.renew(changes.rooms, changes.members)
        self.committed.number_answers(changes.answers)
        told = {(row.app_id, row.identity) for row in changes.signals}
        return results, Commit(rooms=changes.rooms, outbox=changes.outbox, told=told)

    def _forget_old(self) -> None:
        """Delete a piece of what is kept no longer, between two batches."""
        now = self._clock.monotonic()
        if now < self._forget_at:
            return
        has_more = False
        try:
            at = self._clock.now()
            has_more = self._store.forget(at.timestamp())
            has_more |= forget_members(self._store, self.committed, self._rules, at)
        except DatabaseGoneError:
            pass  # the next command is told
        except Exception as error:  # noqa: BLE001 -- must survive
            self._recover(error, "what is kept no longer cannot be deleted")
        if not has_more:
            self._forget_at = now + _FORGET_PERIOD

    def _take_sent(self) -> list[OutboxRow]:
        sent: list[OutboxRow] = []
        while self._sent:
            sent.append(self._sent.popleft())
        return sent

    def _recover(
        self, error: BaseException, what: str = "a batch failed and is rolled back"
    ) -> None:
        self._warn(what, error)
        self.committed.forget()
        try:
            self._store.recover()
        except Exception as failure:  # noqa: BLE001 -- must survive
            self._warn("the database cannot be reached", failure)

    def _warn(self, what: str, error: BaseException) -> None:
        kind = what, type(error)
        now = self._clock.monotonic()
        if now >= self._quiet_until.get(kind, now):
            self._quiet_until[kind] = now + _QUIET
            _LOG.warning("%s", what, exc_info=error)


def _as_seen(room: Room, rows: Mapping[str, Member]) -> Mapping[str, Member]:
    return {name: as_seen(row, room.lost_before) for name, row in rows.items()}
