"""What a writer does when its disk, a function or its process fails."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection

from tests.engine.manual_clock import ManualClock
from tests.engine.writers import KEY, all_of, enter, take, writing
from utd_stream.contract import Who
from utd_stream.engine.orders import Order, Outcome
from utd_stream.engine.rules.audio_room import seat_index_of
from utd_stream.engine.rules.commands import TimePassed
from utd_stream.engine.store import Store
from utd_stream.engine.writer import Writer
from utd_stream.errors import (
    UnavailableError,
)


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
    assert seat_index_of(outcome.room, "ana") == 0


async def test_the_log_names_nobody(
    writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure tells its statement, not what people said of themselves."""
    await forbid_writing(writer, forbidden=True)
    await all_of(writer, enter("ana", "room of ana"))
    await forbid_writing(writer, forbidden=False)

    assert "INSERT INTO rooms" in caplog.text
    assert "room of ana" not in caplog.text


async def test_a_failure_that_lasts_is_one_line_a_minute(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Of many commands that fail alike the log tells one, and one more later."""
    clock = ManualClock()
    async with writing(database, threaded=False, clock=clock) as writer:
        await forbid_writing(writer, forbidden=True)
        for seconds in (0, 59, 1):
            await clock.advance(seconds)
            for number in range(5):
                await all_of(writer, enter("ana", f"room{number}"), enter("bob"))
        await forbid_writing(writer, forbidden=False)

    assert len([each for each in caplog.messages if "rolled back" in each]) == 2


async def test_the_cache_is_forgotten_with_a_failed_batch(writer: Writer) -> None:
    """After a failure rooms are read again, since nobody knows what they are."""
    await all_of(writer, enter("ana"))
    assert writer.committed.room(KEY) is not None
    await forbid_writing(writer, forbidden=True)
    await all_of(writer, take("ana"))
    await forbid_writing(writer, forbidden=False)

    room = await writer.room(KEY)

    assert room is not None
    assert seat_index_of(room, "ana") is None


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
        assert room is not None
        page = store.members.page(room.life_key, 0, 100)
    store.close()
    assert len(page) == 50


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
