"""Of one caller the newest answers are kept, and the others make room."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from sqlalchemy import Connection

from tests.engine.writers import KEY, enter, take, writing
from utd_stream.contract import Who
from utd_stream.engine.orders import Idempotency, Order
from utd_stream.engine.rules.commands import Actor, LeaveSeat
from utd_stream.engine.writer import Writer
from utd_stream.errors import ConflictError

KEPT = 10_000


def leave(identity: str, key: int, body: bytes = b"") -> Order:
    """Return the order to stand up, under a key."""
    scope = ("a", f"user {identity}", f"key {key}")
    return Order(
        key=KEY,
        command=LeaveSeat(),
        who=Who.SELF,
        actor=Actor(identity=identity),
        idempotency=Idempotency.of(scope, "POST", "/leave", body),
    )


async def ask(writer: Writer, identity: str, keys: range) -> None:
    """Let somebody ask with ever new keys."""
    for start in range(keys.start, keys.stop, 250):
        batch = range(start, min(start + 250, keys.stop))
        await asyncio.gather(*(writer.submit(leave(identity, key)) for key in batch))


async def is_kept(writer: Writer, identity: str, key: int) -> bool:
    """Whether a key is known: only then is another request refused."""
    another = writer.submit(leave(identity, key, b"another"))
    (answer,) = await asyncio.gather(another, return_exceptions=True)
    return isinstance(answer, ConflictError) and "Idempotency-Key" in str(answer)


def count(connection: Connection) -> int:
    """Return how many answers are on disk."""
    found = connection.exec_driver_sql("SELECT count(*) FROM idempotency").scalar_one()
    connection.rollback()
    return int(found)


def forbid_writing(connection: Connection, *, forbidden: bool) -> None:
    """Make the connection read-only, or writable again."""
    connection.exec_driver_sql(f"PRAGMA query_only={int(forbidden)}").close()
    connection.rollback()


async def test_newest_answers_of_a_caller_are_kept(database: str) -> None:
    """Ten thousand of one caller, whatever comes after: a failure, a restart."""
    async with writing(database, threaded=False) as writer:
        for identity in ("ana", "bob"):
            await writer.submit(enter(identity))
        await ask(writer, "bob", range(3))
        await ask(writer, "ana", range(KEPT))
        assert await is_kept(writer, "ana", 0)
        await writer.run(lambda found: forbid_writing(found, forbidden=True))
        failed = [writer.submit(leave("ana", key)) for key in range(-50, 0)]
        await asyncio.gather(*failed, return_exceptions=True)
        await writer.run(lambda found: forbid_writing(found, forbidden=False))
        await ask(writer, "ana", range(KEPT, KEPT + 10))
        assert await is_kept(writer, "ana", 10)
        assert await writer.run(count) == KEPT + 3
    async with writing(database, threaded=False) as writer:
        await ask(writer, "ana", range(KEPT + 10, KEPT + 1_000))

        assert await is_kept(writer, "ana", 1_000)
        assert await is_kept(writer, "bob", 0)
        assert await writer.run(count) == KEPT + 3
        assert not await is_kept(writer, "ana", 999)


OLDER = {
    "1": ("life", "number", "caller"),
    "1 and a half": ("life", "number"),  # killed while it was brought up
    "2": ("life",),
}


@pytest.mark.parametrize("lacks", OLDER.values(), ids=OLDER.keys())
async def test_answers_of_an_older_version_are_still_known(
    database: str, lacks: tuple[str, ...]
) -> None:
    """A database of any version before is opened, with all that it has kept."""
    async with writing(database, threaded=False) as writer:
        await writer.submit(enter("ana"))
        await ask(writer, "ana", range(3))
    older = sqlite3.connect(database.removeprefix("sqlite:///"))
    older.execute("DROP INDEX idempotency_caller")
    for column in lacks:
        older.execute(f"ALTER TABLE idempotency DROP COLUMN {column}")
    version = "2" if lacks == OLDER["2"] else "1"
    older.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", [version])
    older.commit()
    older.close()
    for _ in range(2):
        async with writing(database, threaded=False) as writer:
            assert await is_kept(writer, "ana", 2)
            await writer.submit(take("ana", idempotency=leave("ana", 3).idempotency))
            assert await is_kept(writer, "ana", 3)
