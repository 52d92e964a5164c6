"""Rooms, outbox and answers on disk.

Synchronous, over one connection, and used by one thread at a time: the
writer's.  Nothing here decides anything.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Dialect,
    Executable,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DatabaseError

from utd_stream.engine._aggregates import (
    Aggregate,
    AggregateKey,
    AggregateKind,
    StaleError,
    VersionedTable,
)
from utd_stream.engine._call_table import CallTable
from utd_stream.engine._dialect import (
    connect,
    is_in_memory,
    open_engine,
    place_of,
    unusable,
    upsert,
)
from utd_stream.engine._members import MemberTable
from utd_stream.engine._migration import migrate
from utd_stream.engine._retention import PIECE, forget
from utd_stream.engine._rows import (
    GRANT,
    ROOM,
    Changes,
    OutboxRow,
    RoomKey,
    RoomWrite,
    StoredAnswer,
    room_row,
)
from utd_stream.engine._schema import (
    ANSWERS,
    CALLS,
    META,
    OUTBOX,
    ROOMS,
    SCHEMA_VERSION,
    SIGNALS,
)
from utd_stream.engine._signal_table import SignalTable
from utd_stream.engine._statement import Statement
from utd_stream.engine.rules.state import Room
from utd_stream.errors import InvalidArgumentError

__all__ = [
    "GRANT",
    "Changes",
    "OutboxRow",
    "RoomKey",
    "RoomWrite",
    "StaleError",
    "Store",
    "StoredAnswer",
]


_A = TypeVar("_A", bound=Aggregate)
_LOG = logging.getLogger(__name__)


class Store:
    """The database of one engine.

    Args:
        url: SQLAlchemy's; ``sqlite://`` keeps everything in memory.

    Raises:
        InvalidArgumentError: If another engine has it open, a newer version
            made it, or it cannot be written.
    """

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._compile(self._engine.dialect)
        self._connection = self._connect()
        self.members: MemberTable = MemberTable(
            lambda: self._connection, self._engine.dialect
        )
        self.calls: CallTable = CallTable(
            lambda: self._connection, self._engine.dialect
        )
        self.signals: SignalTable = SignalTable(
            lambda: self._connection, self._engine.dialect
        )
        self._place = place_of(self._connection)
        try:
            self._check_schema()
        except DatabaseError as error:
            self.close()
            raise unusable(self._engine, error) from error

    @property
    def is_on_file(self) -> bool:
        """Whether there is a file that could be removed or replaced."""
        return self._place.is_file

    def check_place(self) -> None:
        """Refuse to go on if the file is not the one that was opened.

        Raises:
            DatabaseGoneError: If so.
        """
        self._place.check()

    def prove(self) -> None:
        """Commit something that changes nothing.

        Raises:
            DatabaseGoneError: If the file is not the one that was opened.
            SQLAlchemyError: If it cannot be written.
        """
        with self.transaction():
            self._connection.execute(update(META).values(value=META.c.value))

    def begin_incarnation(self) -> int:
        """Return how many writers this database has had, with one that begins."""
        here = META.c.key == "incarnation"
        with self.transaction():
            found = self._connection.execute(select(META.c.value).where(here)).scalar()
            number = int(found or 0) + 1
            if found is None:
                first = insert(META).values(key="incarnation", value=str(number))
                self._connection.execute(first)
            else:
                later = update(META).where(here).values(value=str(number))
                self._connection.execute(later)
        return number

    def epoch(self, drawn: str) -> str:
        """Return what names this database; *drawn* where nothing does so far."""
        with self.transaction():
            return self.signals.epoch(drawn)

    @property
    def connection(self) -> Connection:
        """The one connection; the writer's thread alone may use it."""
        return self._connection

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Commit what the body does, or roll it back if it raises.

        Raises:
            DatabaseGoneError: If the file is not the one that was opened; also
                where that was seen only after the commit.
        """
        self.check_place()
        with self._connection.begin():
            yield
        self.check_place()

    def load(self, key: RoomKey) -> Room | None:
        """Return the room, or None if its name was never used."""
        return self.aggregate(ROOM, key)

    def aggregate(self, kind: AggregateKind[_A], key: AggregateKey) -> _A | None:
        """Return an aggregate of any kind, or None if there is none."""
        state = self._table_of(kind).state(self._connection, key)
        return None if state is None else kind.decode(state)

    def page_of_rooms(self, app_id: str, first: int, limit: int) -> list[str]:
        """Return the names of *limit* live rooms from the *first* one on, by name."""
        row = {"key_app": app_id, "key_first": first, "key_limit": limit}
        found = self._page.run(self._connection, [row]).fetchall()
        return [name for (name,) in found]

    def count_rooms(self, app_id: str) -> int:
        """Return how many rooms of an app live."""
        count: int = self._count.run(self._connection, [{"key_app": app_id}]).scalar()
        return count

    def answers(self, ids: Sequence[str], now: float) -> dict[str, StoredAnswer]:
        """Return what was answered under *ids* and has not expired at *now*."""
        size = 1 << (len(ids) - 1).bit_length()  # so that few texts are made
        if size not in self._answers:
            self._answers[size] = Statement(
                select(ANSWERS).where(
                    or_(*(ANSWERS.c.id == bindparam(f"id{i}") for i in range(size)))
                ),
                self._engine.dialect,
            )
        padded = [*ids, *[ids[0]] * (size - len(ids))]
        row = {f"id{i}": name for i, name in enumerate(padded)}
        found = self._answers[size].run(self._connection, [row]).fetchall()
        answers = (StoredAnswer(*columns) for columns in found)
        return {answer.id: answer for answer in answers if answer.expires_at > now}

    def newest_answer(self, caller: str) -> int:
        """Return the number of the caller's newest answer; 0 without one."""
        found: int | None = self._newest.run(
            self._connection, [{"key_caller": caller}]
        ).scalar()
        return found or 0

    def write(self, changes: Changes) -> None:
        """Send everything of *changes*; the caller's transaction commits it.

        Raises:
            StaleError: If a room or another aggregate is not as it was read.
        """
        self._write_rooms(changes.rooms)
        for kind in dict.fromkeys(write.kind for write in changes.others):
            rows = [write.row for write in changes.others if write.kind is kind]
            self._table_of(kind).write(self._connection, rows)
        self.members.write(changes.members)
        if changes.outbox:
            self._outbox.send(self._connection, changes.outbox)
        if changes.sent:
            self._sent.send(self._connection, changes.sent)
        if changes.answers:
            self._answer.send(self._connection, changes.answers)
        if changes.evicted:
            self._evict.send(self._connection, changes.evicted)
        if changes.calls:
            self._call.send(self._connection, changes.calls)
        if changes.signals:
            self._signal.send(self._connection, changes.signals)

    def forget(self, now: float) -> bool:
        """Delete one piece of what is kept no longer at *now*, and commit that.

        Returns:
            Whether there may be more to delete.

        Raises:
            DatabaseGoneError: If the file is not the one that was opened.
            SQLAlchemyError: If it cannot be written.
        """
        with self.transaction():
            has_more = self._delete_past(PIECE)
            has_more |= self.signals.forget(now, PIECE)
            return forget(self._connection, now) or has_more

    def live_rooms(self) -> list[RoomKey]:
        """Return the rooms whose life goes on."""
        rows = select(ROOMS.c.app_id, ROOMS.c.name).where(ROOMS.c.is_live)
        return [(row[0], row[1]) for row in self._read(rows)]

    def deadlines(self) -> list[tuple[RoomKey, float]]:
        """Return when which rooms must be looked at."""
        rows = select(ROOMS.c.app_id, ROOMS.c.name, ROOMS.c.due_at).where(
            ROOMS.c.due_at.is_not(None)
        )
        return [((row[0], row[1]), row[2]) for row in self._read(rows)]

    def unsent(self) -> list[OutboxRow]:
        """Return the outbox, oldest first."""
        return [OutboxRow(*row) for row in self._read(select(OUTBOX).order_by("seq"))]

    def recover(self) -> None:
        """Make the connection usable after a failure, anew if need be.

        Raises:
            InvalidArgumentError: If it cannot be made now; the next call tries.
            DatabaseGoneError: If its file was removed or replaced.
            SQLAlchemyError: If what is in memory is lost.
        """
        connection = self._connection
        try:
            if connection.in_transaction():
                connection.rollback()
            if not (connection.invalidated or connection.closed):
                return
        except Exception:
            if is_in_memory(self._engine):
                raise
            _LOG.warning(
                "a batch cannot be rolled back: connecting anew", exc_info=True
            )
        if not connection.closed:  # as it is if connecting has failed before
            connection.invalidate()
            connection.close()
        self._place.closed()
        self.check_place()  # another file is not to be opened in its stead
        self._connection = self._connect()

    def close(self) -> None:
        """Let go of the database; idempotent."""
        self._connection.close()
        self._engine.dispose()

    def _connect(self) -> Connection:
        return connect(self._engine)

    def _check_schema(self) -> None:
        with self.transaction():
            found = migrate(self._connection)
        if found != str(SCHEMA_VERSION):
            self.close()
            message = (
                f"the database has schema {found} and this engine knows "
                f"{SCHEMA_VERSION}; start the version that made it"
            )
            raise InvalidArgumentError(message)

    def _compile(self, dialect: Dialect) -> None:
        def of(statement: Any) -> Statement:
            return Statement(statement, dialect)

        here = (ROOMS.c.app_id == bindparam("key_app")) & (
            ROOMS.c.name == bindparam("key_room")
        )
        of_app = ROOMS.c.is_live, ROOMS.c.app_id == bindparam("key_app")
        self._page = of(
            select(ROOMS.c.name)
            .where(*of_app)
            .order_by(ROOMS.c.name)
            .offset(bindparam("key_first"))
            .limit(bindparam("key_limit"))
        )
        self._count = of(select(func.count()).where(*of_app))
        first = ROOMS.c.life + case((ROOMS.c.is_live, 0), else_=1)
        self._past = of(
            select(ROOMS.c.app_id, ROOMS.c.name, first)
            .where(ROOMS.c.has_past)
            .limit(bindparam("key_limit"))
        )
        self._clean = of(update(ROOMS).where(here).values(has_past=False))
        self._leave = of(update(ROOMS).where(here).values(has_past=True))
        rooms = VersionedTable(ROOMS, dialect, once=("has_past",))
        self._tables: dict[AggregateKind[Any], VersionedTable] = {ROOM: rooms}
        self._outbox = of(upsert(OUTBOX, dialect.name))
        marks = [column == bindparam(f"key_{column.name}") for column in _MARKS]
        self._sent = of(delete(OUTBOX).where(*marks))
        self._answer = of(upsert(ANSWERS, dialect.name))
        self._answers: dict[int, Statement] = {}
        of_caller = ANSWERS.c.caller == bindparam("key_caller")
        self._call = of(upsert(CALLS, dialect.name))
        told = [column.name for column in SIGNALS.columns if column.name != "seq"]
        self._signal = of(insert(SIGNALS).values({n: bindparam(n) for n in told}))
        self._newest = of(select(func.max(ANSWERS.c.number)).where(of_caller))
        self._evict = of(
            delete(ANSWERS).where(
                of_caller, ANSWERS.c.number <= bindparam("key_number")
            )
        )

    def _table_of(self, kind: AggregateKind[Any]) -> VersionedTable:
        if kind not in self._tables:
            self._tables[kind] = VersionedTable(kind.table, self._engine.dialect)
        return self._tables[kind]

    def _delete_past(self, limit: int) -> bool:
        """Delete up to *limit* rows of members whose life has ended.

        Returns:
            Whether there may be more.
        """
        rooms = self._past.run(self._connection, [{"key_limit": limit}]).fetchall()
        left, clean = limit, list[dict[str, Any]]()
        for app_id, name, first in rooms:
            count = self.members.delete_below((app_id, name), first, left)
            left -= count
            if not left:
                break
            clean.append(_key((app_id, name)))
        if clean:
            self._clean.run(self._connection, clean)
        return len(rooms) == limit or not left

    def _write_rooms(self, writes: Sequence[RoomWrite]) -> None:
        rows = [
            (w.before.version if w.before else None, room_row(w.after, w.due_at))
            for w in writes
        ]
        self._tables[ROOM].write(self._connection, rows)
        past = [_key(w.key) for w in writes if _leaves_members(w)]
        if past:
            self._leave.run(self._connection, past)

    def _read(self, statement: Executable) -> Sequence[Any]:
        with self.transaction():
            return self._connection.execute(statement).fetchall()


_MARKS = (OUTBOX.c.app_id, OUTBOX.c.room, OUTBOX.c.kind, OUTBOX.c.slot, OUTBOX.c.seq)


def _key(key: RoomKey) -> dict[str, Any]:
    return {"key_app": key[0], "key_room": key[1]}


def _leaves_members(write: RoomWrite) -> bool:
    """Whether a life has ended, whose rows are to be deleted."""
    before, after = write.before, write.after
    return not after.is_live or (before is not None and before.life != after.life)
