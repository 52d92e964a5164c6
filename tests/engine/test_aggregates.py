"""Aggregates of several kinds in one unit of work: a second kind is declared here.

A tally counts what happens in rooms of an app, over all of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any, cast

import attrs
import orjson
import pytest
import pytest_asyncio
from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, Text

from tests.engine.writers import KEY, all_of, broken, enter, take, writing
from utd_stream.contract import Who
from utd_stream.contract.answers import Empty
from utd_stream.engine._aggregates import AggregateKind, AggregateWrite, StaleError
from utd_stream.engine._rows import ROOM, Changes, RoomWrite
from utd_stream.engine._unit import AggregateRef, Aggregates, Decided, Put
from utd_stream.engine.orders import Idempotency, Order, Outcome
from utd_stream.engine.rules import Actor, SyncMetadata
from utd_stream.engine.rules.commands import Command
from utd_stream.engine.store import RoomKey, Store
from utd_stream.engine.writer import Commit, Writer
from utd_stream.errors import ConflictError, NotFoundError, UnavailableError

LOUNGE, CELLAR, ATTIC = KEY, ("a", "cellar"), ("a", "attic")


@attrs.frozen(kw_only=True)
class Tally:
    """How often the bells of an app's rooms were rung."""

    app_id: str
    version: int = 0
    rings: int = 0


TABLE = Table(
    "tallies",
    MetaData(),
    Column("app_id", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
)


def row(tally: Tally) -> dict[str, Any]:
    """A tally as a row of its table."""
    state = orjson.dumps(attrs.asdict(tally)).decode()
    return {"app_id": tally.app_id, "version": tally.version, "state": state}


TALLY: AggregateKind[Tally] = AggregateKind(
    table=TABLE,
    key=lambda tally: (tally.app_id,),
    row=row,
    decode=lambda state: Tally(**orjson.loads(state)),
)


@attrs.frozen(kw_only=True)
class Ring:
    """Ring the bell of a room: its owner is then who rang, and the tally rises."""

    is_loud: bool = False


class Rings:
    """Decides `Ring` on a room and the tally of its app.

    Attributes:
        busy: How often another engine shall write the tally in between.
        step: By how much it raises the version of the tally.
        connection: Of the writer.
    """

    def __init__(self) -> None:
        self.busy = 0
        self.step = 1
        self.connection: Connection | None = None

    def names(self, order: Order) -> Iterable[AggregateRef]:
        """The room and the tally."""
        assert order.key != ATTIC, "a bug"
        return ((ROOM, order.key), (TALLY, order.key[:1]))

    def due(self, _: Order, aggregates: Aggregates) -> Iterable[RoomKey]:  # noqa: ARG002 -- the protocol's
        """Nothing: a bell waits for nothing."""
        return ()

    def decide(self, order: Order, aggregates: Aggregates, now: datetime) -> Decided:
        """Ring, if there is a bell."""
        room = aggregates.get(ROOM, order.key)
        if room is None:
            message = "no such room"
            raise NotFoundError(message)
        tally = aggregates.get(TALLY, order.key[:1]) or Tally(app_id=order.key[0])
        ring = cast("Ring", order.command)
        if ring.is_loud:
            message = "too loud"
            raise ConflictError(message)
        if self.busy and self.connection is not None:
            self.busy -= 1
            other = "UPDATE tallies SET version = version + 1"
            self.connection.exec_driver_sql(other)
        after = attrs.evolve(
            room, owner=order.actor.name, version=room.version + 1, as_of=now
        )
        version = tally.version + self.step
        rung = attrs.evolve(tally, rings=tally.rings + 1, version=version)
        return Decided(
            puts=(Put(ROOM, after), Put(TALLY, rung)),
            answer=Empty(),
            effects=((after, SyncMetadata()),),
        )


def ring(who: str, key: tuple[str, str] = LOUNGE, **fields: Any) -> Order:
    """Return the order to ring."""
    command = cast("Command", Ring(is_loud=fields.pop("is_loud", False)))
    actor = Actor(identity=who)
    return Order(key=key, command=command, who=Who.SELF, actor=actor, **fields)


@pytest.fixture
def rings() -> Rings:
    """What decides."""
    return Rings()


@pytest_asyncio.fixture
async def writer(database: str, rings: Rings) -> AsyncIterator[Writer]:
    """A writer that knows tallies, and takes what was submitted as one batch."""
    async with writing(database, threaded=False, deciders={Ring: rings}) as opened:
        await opened.run(lambda connection: prepare(connection, rings))
        await all_of(opened, enter("ana"), enter("bob", "cellar"))
        yield opened


def prepare(connection: Connection, rings: Rings) -> None:
    """Make the table."""
    TABLE.create(connection, checkfirst=True)
    connection.commit()
    rings.connection = connection


async def tally(writer: Writer) -> Tally:
    """The tally as it is on disk."""

    def read(connection: Connection) -> Tally:
        found = connection.exec_driver_sql("SELECT state FROM tallies").fetchone()
        connection.rollback()
        return Tally(app_id="a") if found is None else TALLY.decode(found[0])

    return await writer.run(read)


async def owners(writer: Writer) -> list[str | None]:
    """Who owns the two rooms, as they are on disk."""
    writer.committed.forget()
    found = [await writer.room(key) for key in (LOUNGE, CELLAR)]
    return [room.owner if room else None for room in found]


async def test_two_rooms_share_an_aggregate_in_one_batch(writer: Writer) -> None:
    """Each command sees what the one before decided, of every kind."""
    commits: list[Commit] = []
    writer.watch(commits.append)

    done = await all_of(writer, ring("ana"), ring("bob", CELLAR), ring("eva"))

    assert all(isinstance(outcome, Outcome) for outcome in done)
    assert await tally(writer) == Tally(app_id="a", version=3, rings=3)
    assert await owners(writer) == ["eva", "bob"]
    (commit,) = commits
    assert {write.key for write in commit.rooms} == {LOUNGE, CELLAR}
    assert {(row.room, row.kind) for row in commit.outbox} == {
        ("lounge", "metadata"),
        ("cellar", "metadata"),
    }


async def test_an_aggregate_is_written_over_what_was_read(writer: Writer) -> None:
    """The next batch goes on from what the last one wrote."""
    await writer.submit(ring("ana"))
    await writer.submit(ring("bob"))

    assert await tally(writer) == Tally(app_id="a", version=2, rings=2)


async def test_a_refusal_changes_no_aggregate(writer: Writer) -> None:
    """What is refused, or fails by a bug, leaves the others of the batch alone."""
    loud, nowhere, bug, fine, sits = await all_of(
        writer,
        ring("ana", is_loud=True),
        ring("ana", ATTIC),
        broken("ana"),
        ring("ana"),
        take("ana"),
    )

    assert isinstance(loud, ConflictError)
    assert isinstance(nowhere, NotFoundError)
    assert isinstance(bug, UnavailableError)
    assert isinstance(fine, Outcome)
    assert isinstance(sits, Outcome)
    assert await tally(writer) == Tally(app_id="a", version=1, rings=1)
    assert await owners(writer) == ["ana", None]


@pytest.mark.parametrize("step", [0, 2])
async def test_a_wrong_version_harms_nobody(
    writer: Writer, rings: Rings, step: int
) -> None:
    """A decider that does not count its writes is a bug, told for its command alone."""
    rings.step = step

    wrong, sits = await all_of(writer, ring("ana"), take("ana"))

    assert isinstance(wrong, UnavailableError)
    assert isinstance(sits, Outcome)
    assert await tally(writer) == Tally(app_id="a")
    assert await owners(writer) == [None, None]


async def test_a_failed_commit_takes_every_kind_back(writer: Writer) -> None:
    """Room and tally are written together, or neither is."""

    def forbid(connection: Connection, *, forbidden: bool) -> None:
        connection.exec_driver_sql(f"PRAGMA query_only={int(forbidden)}").close()
        connection.rollback()

    await writer.submit(ring("ana"))
    await writer.run(lambda found: forbid(found, forbidden=True))
    (failed,) = await all_of(writer, ring("bob"))
    await writer.run(lambda found: forbid(found, forbidden=False))

    assert isinstance(failed, UnavailableError)
    assert await tally(writer) == Tally(app_id="a", version=1, rings=1)
    assert await owners(writer) == ["ana", None]


@pytest.mark.parametrize("busy", [1, 3])
async def test_a_stale_aggregate_is_decided_again(
    writer: Writer, rings: Rings, busy: int
) -> None:
    """Where another engine wrote it first, all of the batch is decided anew."""
    await writer.submit(ring("ana"))
    rings.busy = busy

    done = await all_of(writer, ring("bob"), take("ana"))

    assert all(isinstance(outcome, Outcome) for outcome in done)
    assert await tally(writer) == Tally(app_id="a", version=2, rings=2)
    assert await owners(writer) == ["bob", None]


async def test_what_stays_stale_is_refused(writer: Writer, rings: Rings) -> None:
    """503 for that command, and nothing of it is written; others are served."""
    await writer.submit(ring("ana"))
    rings.busy = 1_000

    again, sits = await all_of(writer, ring("bob"), take("ana"))

    assert isinstance(again, UnavailableError)
    assert isinstance(sits, Outcome)
    assert await tally(writer) == Tally(app_id="a", version=1, rings=1)
    assert await owners(writer) == ["ana", None]


def test_a_stale_write_of_one_kind_writes_nothing(database: str) -> None:
    """Also a room that is written before it."""
    store = Store(database)
    with store.transaction():
        TABLE.create(store.connection)
        first = AggregateWrite(TALLY, None, Tally(app_id="a", version=1))
        store.write(Changes(others=[first]))
    stale = Tally(app_id="a", version=7)
    writes = AggregateWrite(TALLY, stale, attrs.evolve(stale, version=8))
    room = ROOM.decode(
        '{"app_id":"a","name":"lounge","created_at":"2024-02-29T12:00:00Z","content":{"seats":[]}}'
    )

    for each in (writes, first):
        with pytest.raises(StaleError), store.transaction():
            store.write(Changes(rooms=[RoomWrite(None, room, None)], others=[each]))

    with store.transaction():
        assert store.load(KEY) is None
        assert store.aggregate(TALLY, ("a",)) == first.after
    store.close()


async def test_an_answer_is_kept_whatever_was_decided_on(writer: Writer) -> None:
    """The same key again changes nothing, and another request under it is refused."""
    scope = ("a", "user ana", "key")

    def order(path: str) -> Order:
        key = Idempotency.of(scope, "POST", path, b"")
        return ring("ana", idempotency=key)

    first = await writer.submit(order("/ring"))
    again = await writer.submit(order("/ring"))
    (other,) = await all_of(writer, order("/other"))

    assert (first.body, again.body) == (b"{}", b"{}")
    assert isinstance(other, ConflictError)
    assert (await tally(writer)).rings == 1
