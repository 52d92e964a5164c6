"""The laws of the writer, on its thread, over a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from tests.engine.manual_clock import ManualClock
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.contract import Who
from utd_stream.contract.fields import Identity, RoomName
from utd_stream.contract.requests import TokenRequest
from utd_stream.engine.orders import Idempotency, Order, Outcome
from utd_stream.engine.rules.commands import Actor, Command, Enter, TakeSeat, TimePassed
from utd_stream.engine.rules.state import Room, Rules
from utd_stream.engine.store import OutboxRow, Store
from utd_stream.engine.writer import Commit, Writer
from utd_stream.errors import (
    ConflictError,
    EngineError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from utd_stream.models import UTDStreamType
from utd_stream.ports import Clock

KEY = ("a", "lounge")


@asynccontextmanager
async def writing(
    database: str,
    *,
    threaded: bool = True,
    clock: Clock | None = None,
    **settings: Any,
) -> AsyncIterator[Writer]:
    """Run a writer."""
    writer = Writer(
        Store(database),
        clock=clock or AsyncioClock(),
        rules=Rules(),
        threaded=threaded,
        **settings,
    )
    writer.start()
    try:
        yield writer
    finally:
        await writer.aclose()


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A file."""
    return f"sqlite:///{tmp_path / 'engine.db'}"


@pytest_asyncio.fixture(params=[True, False], ids=["thread", "inline"])
async def writer(
    request: pytest.FixtureRequest, database: str
) -> AsyncIterator[Writer]:
    """A writer over a file, on its thread or on the loop."""
    async with writing(database, threaded=request.param) as opened:
        yield opened


def enter(identity: str, room: str = "lounge") -> Order:
    """Return the order to mint."""
    request = TokenRequest(
        type=UTDStreamType.AUDIO_ROOM,
        room_name=RoomName(room),
        identity=Identity(identity),
    )
    return Order(
        key=("a", room),
        command=Enter(request=request),
        who=Who.APP,
        actor=Actor(identity=identity),
    )


def take(identity: str, index: int = 0, **more: Any) -> Order:
    """Return the order to sit down."""
    return Order(
        key=KEY,
        command=TakeSeat(index=index),
        who=Who.SELF,
        actor=Actor(identity=identity),
        **more,
    )


def broken(identity: str) -> Order:
    """Return an order that the engine cannot decide, by a bug."""
    command: Any = object()
    return Order(key=KEY, command=command, who=Who.SELF, actor=Actor(identity=identity))


async def all_of(writer: Writer, *orders: Order) -> list[Outcome | BaseException]:
    """Submit everything at once."""
    waiting = [writer.submit(order) for order in orders]
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_bad_command_harms_no_other(writer: Writer) -> None:
    """In one batch each is answered for itself: refused, failed, or served."""
    await all_of(writer, enter("ana"), enter("bob"))

    first, second, third, fourth, last = await all_of(
        writer,
        take("eve"),
        take("ana", 0),
        broken("ana"),
        take("bob", 0),
        take("bob", 1),
    )

    assert isinstance(first, EngineError)
    assert isinstance(second, Outcome)
    assert isinstance(third, UnavailableError)
    assert isinstance(fourth, ConflictError)
    assert isinstance(last, Outcome)
    room = await writer.room(KEY)
    assert room is not None
    assert [seat.data.occupant for seat in room.seats[:2]] == ["ana", "bob"]


async def test_commands_of_one_batch_see_each_other(writer: Writer) -> None:
    """What an earlier command did is there for the later ones; one write is made."""
    commits: list[Commit] = []
    await all_of(writer, enter("ana"))
    writer.watch(commits.append)

    outcomes = await all_of(writer, take("ana", 0), take("ana", 1))

    assert isinstance(outcomes[0], Outcome)
    assert isinstance(outcomes[1], ConflictError)
    assert sum(len(commit.rooms) for commit in commits) == 1


async def test_commands_that_wait_are_committed_together(database: str) -> None:
    """Whatever waits while the writer is busy is one transaction after that."""
    async with writing(database, threaded=False) as writer:
        commits: list[Commit] = []
        writer.watch(commits.append)

        await all_of(writer, *(enter(f"user{i}", f"room{i}") for i in range(100)))

        assert len(commits) == 1
        assert len(commits[0].rooms) == 100


async def test_acknowledged_is_on_disk(writer: Writer, database: str) -> None:
    """Nothing is answered before its commit: a second reader finds it there."""
    await all_of(writer, enter("ana"))
    outcome = await writer.submit(take("ana"))

    def written(connection: Connection) -> int:
        # Outside every transaction, so what is seen is committed.
        rows = connection.exec_driver_sql("SELECT version FROM rooms").fetchall()
        connection.rollback()
        return int(rows[0][0])

    assert outcome.room is not None
    assert await writer.run(written) == outcome.room.version


async def test_replays_are_found_in_the_batch_and_on_disk(writer: Writer) -> None:
    """A key seen earlier in the batch, or ever, gets the answer it got then."""
    await all_of(writer, enter("ana"))
    key = Idempotency(id="k", fingerprint="f")
    other = Idempotency(id="k", fingerprint="g")
    first, again, stranger = await all_of(
        writer,
        take("ana", idempotency=key),
        take("ana", idempotency=key),
        take("ana", 1, idempotency=other),
    )
    later = await writer.submit(take("ana", idempotency=key))

    assert isinstance(first, Outcome)
    assert isinstance(again, Outcome)
    assert first.body == again.body == later.body
    assert isinstance(stranger, ConflictError)


async def test_a_full_queue_refuses_at_once(database: str) -> None:
    """Whoever comes when too many wait is told so at once; later it is served."""
    async with writing(database, threaded=False, capacity=3) as writer:
        waiting = [writer.submit(enter(f"user{i}")) for i in range(3)]
        with pytest.raises(UnavailableError):
            _ = writer.submit(enter("late"))
        await asyncio.gather(*waiting)

        assert isinstance(await writer.submit(enter("late")), Outcome)


async def limit_pages(writer: Writer, pages: int | None) -> None:
    """Let the database grow no more, or again."""

    def limit(connection: Connection) -> None:
        used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        most = used if pages is not None else 1_000_000
        connection.exec_driver_sql(f"PRAGMA max_page_count={most}").close()
        connection.rollback()

    await writer.run(limit)


async def forbid_writing(writer: Writer, *, forbidden: bool) -> None:
    """Make the connection read-only, or writable again."""

    def switch(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA query_only={int(forbidden)}").close()
        connection.rollback()

    await writer.run(switch)


async def test_a_full_disk_loses_nothing_and_serves_again(
    writer: Writer, database: str
) -> None:
    """With the disk full some are 503; what was acknowledged stays, then and later."""
    await limit_pages(writer, 0)
    many = [enter(f"user{i}", f"room{i}") for i in range(200)]
    during = await all_of(writer, *many)
    taken = [o.key for o, r in zip(many, during, strict=True) if isinstance(r, Outcome)]
    refused = [r for r in during if not isinstance(r, Outcome)]
    assert refused
    assert all(isinstance(error, UnavailableError) for error in refused)
    await limit_pages(writer, None)

    assert isinstance(await writer.submit(enter("late")), Outcome)
    await writer.aclose()
    store = Store(database)
    assert set(store.live_rooms()) == {*taken, KEY}
    store.close()


async def test_a_failed_batch_is_tried_one_by_one(writer: Writer) -> None:
    """While nothing can be written all are 503, refusals stay what they are."""
    await all_of(writer, enter("ana"))
    await forbid_writing(writer, forbidden=True)
    served, refused, idle = await all_of(
        writer,
        take("ana"),
        take("eve"),
        Order(key=KEY, command=TimePassed(), who=Who.SFU),
    )
    assert isinstance(served, UnavailableError)
    assert not isinstance(refused, Outcome | UnavailableError)
    assert isinstance(idle, Outcome)
    await forbid_writing(writer, forbidden=False)

    outcome = await writer.submit(take("ana"))

    assert outcome.room is not None
    assert outcome.room.seat_index_of("ana") == 0


async def test_the_log_names_nobody(
    writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure tells its statement, not what people said of themselves."""
    await forbid_writing(writer, forbidden=True)
    await all_of(writer, enter("ana", "room of ana"))
    await forbid_writing(writer, forbidden=False)

    assert "INSERT INTO rooms" in caplog.text
    assert "room of ana" not in caplog.text


async def test_the_cache_is_forgotten_with_a_failed_batch(writer: Writer) -> None:
    """After a failure rooms are read again, since nobody knows what they are."""
    await all_of(writer, enter("ana"))
    assert writer.committed.room(KEY) is not None
    await forbid_writing(writer, forbidden=True)
    await all_of(writer, take("ana"))
    await forbid_writing(writer, forbidden=False)

    room = await writer.room(KEY)

    assert room is not None
    assert room.seat_index_of("ana") is None


async def test_the_writer_cannot_die(writer: Writer) -> None:
    """A function that fails is its caller's own affair."""

    def fail(connection: Connection) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await writer.run(fail)
    with pytest.raises(UnavailableError):
        await writer.run(lambda c: c.exec_driver_sql("SELECT nonsense"))

    assert isinstance(await writer.submit(enter("ana")), Outcome)


async def test_a_clean_stop_drains(writer: Writer, database: str) -> None:
    """What was taken before the stop is answered, what comes after is refused."""
    waiting = [writer.submit(enter(f"user{i}")) for i in range(50)]
    stopping = asyncio.ensure_future(writer.aclose())
    await asyncio.sleep(0)
    with pytest.raises(UnavailableError):
        _ = writer.submit(enter("late"))
    outcomes = await asyncio.gather(*waiting)
    await stopping
    await writer.aclose()

    assert all(isinstance(outcome, Outcome) for outcome in outcomes)
    store = Store(database)
    with store.transaction():
        room = store.load(KEY)
    store.close()
    assert room is not None
    assert len(room.members) == 50


async def test_a_killed_writer_leaves_nobody_waiting(database: str) -> None:
    """However many had asked, and with nothing of it on disk."""
    async with writing(database, threaded=False) as writer:
        waiting = [writer.submit(enter(f"user{i}")) for i in range(1_000)]
        writer.kill()

        assert all(future.cancelled() for future in waiting)
        with pytest.raises(UnavailableError):
            _ = writer.submit(enter("late"))
        writer._store.close()
    store = Store(database)
    assert store.live_rooms() == []
    store.close()


async def test_cancelled_command_is_done_all_the_same(writer: Writer) -> None:
    """Cancelling ends the waiting; the command was taken and is committed."""
    waiting = writer.submit(enter("ana"))
    waiting.cancel()

    await writer.submit(enter("bob"))

    room = await writer.room(KEY)
    assert room is not None
    assert set(room.members) == {"ana", "bob"}


@pytest.mark.parametrize("threaded", [True, False], ids=["thread", "inline"])
async def test_sent_rows_are_deleted_when_idle(
    database: str,
    threaded: bool,  # noqa: FBT001 -- a parameter
) -> None:
    """What the SFU was told leaves the outbox without another command."""
    clock = ManualClock()
    async with writing(database, threaded=threaded, clock=clock) as writer:
        commits: list[Commit] = []
        writer.watch(commits.append)
        await writer.submit(enter("ana"))
        rows = [row for commit in commits for row in commit.outbox]
        writer.discard(rows)
        await clock.settle()
        assert await writer.run(_outbox) == rows != []
        await clock.advance(0.2)

        assert await writer.run(_outbox) == []


def _outbox(connection: Connection) -> list[Any]:
    rows = connection.exec_driver_sql("SELECT * FROM outbox").fetchall()
    connection.rollback()
    return [OutboxRow(*row) for row in rows]


async def test_room_not_remembered_is_read(database: str) -> None:
    """A room is found though this process never saw it, and so is its absence."""
    async with writing(database) as writer:
        await writer.submit(enter("ana"))
    async with writing(database) as writer:
        found: Room | None = await writer.room(KEY)
        assert found is not None
        assert set(found.members) == {"ana"}
        assert await writer.room(("a", "none")) is None
        fact: Command = TimePassed()
        with pytest.raises(NotFoundError):
            await writer.submit(Order(key=("a", "none"), command=fact, who=Who.SFU))


async def test_refusal_found_early_is_kept_like_an_answer(writer: Writer) -> None:
    """A request that is wrong in itself has an answer to keep, and changes nothing."""
    key = Idempotency(id="k", fingerprint="f")
    error = InvalidRequestError("$: wrong")
    order = Order(key=KEY, command=error, who=Who.SELF, idempotency=key)

    first = await writer.submit(order)
    again = await writer.submit(order)

    assert (first.status, again.status) == (422, 422)
    assert first.body == again.body
