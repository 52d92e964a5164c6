"""What is older than a day is forgotten, a bounded piece at a time."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import weakref
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import pytest
from sqlalchemy import Connection

from tests.engine.house import OPEN, House, app_of, open_house
from tests.engine.manual_clock import ManualClock
from tests.engine.test_store import room_of
from tests.engine.writers import KEY, enter, writing
from utd_stream.adapters.loopback import Loopback
from utd_stream.contract import Who
from utd_stream.engine._retention import PIECE
from utd_stream.engine.directory import Directory
from utd_stream.engine.orders import Order
from utd_stream.engine.rules.commands import Actor, EndRoom, RequestToSpeak, SetupSeats
from utd_stream.engine.rules.state import Room
from utd_stream.engine.store import (
    Changes,
    OutboxRow,
    RoomWrite,
    Store,
    StoredAnswer,
)
from utd_stream.engine.writer import Writer
from utd_stream.models import SeatMode
from utd_stream.testing.strategies import NOON

HOUR = 3_600.0
DAY = 24 * HOUR
MANY = 3 * PIECE


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory."""
    opened = Store("sqlite://")
    yield opened
    opened.close()


def said(command: Any, room: str = KEY[1]) -> Order:
    """Return what the app's back end says in Ana's name."""
    actor = Actor(identity="ana", is_secret=True)
    return Order(key=("a", room), command=command, who=Who.SECRET, actor=actor)


async def live_and_end(writer: Writer) -> Room:
    """Let the room live once; return it as it is while it lives."""
    await writer.submit(enter("ana"))
    await writer.submit(said(SetupSeats(seat_mode=SeatMode.REQUEST)))
    asked = await writer.submit(said(RequestToSpeak()))
    await writer.submit(said(EndRoom()))
    assert asked.room is not None
    return asked.room


@pytest.mark.parametrize(
    ("hours", "is_remembered"), [(23.9, True), (24.1, False)], ids=["day", "later"]
)
async def test_name_is_remembered_for_a_day(
    database: str, hours: float, *, is_remembered: bool
) -> None:
    """Lives, revisions and ids go on for a day after the end, then begin anew."""
    clock = ManualClock()
    async with writing(database, threaded=False, clock=clock) as writer:
        writer.watch(lambda commit: writer.discard(commit.outbox))
        first = await live_and_end(writer)
        await clock.advance(hours * HOUR)
        await writer.submit(enter("bob", "other"))
        second = await live_and_end(writer)

    assert (second.life, second.rev, second.next_id) == (
        (first.life + 1, 2 * first.rev + 1, 2 * first.next_id - 1)
        if is_remembered
        else (first.life, first.rev, first.next_id)
    )


def test_only_ended_rooms_whose_end_was_told_are_forgotten(store: Store) -> None:
    """Neither a room that lives, nor one whose end the SFU has not been told of."""
    ended = room_of("ended", ended_at=NOON)
    untold = room_of("untold", ended_at=NOON)
    row = OutboxRow("a", "untold", "room", "", 1)
    rooms = [RoomWrite(None, room, None) for room in (room_of(), ended, untold)]
    with store.transaction():
        store.write(Changes(rooms=rooms, outbox=[row]))

    store.forget(NOON.timestamp() + DAY)

    assert names(store) == {"lounge", "untold"}
    with store.transaction():
        store.write(Changes(sent=[row]))
    store.forget(NOON.timestamp() + DAY)
    assert names(store) == {"lounge"}


def test_pieces_are_bounded(store: Store) -> None:
    """However much is old, one piece deletes so much of a kind, until none is left."""
    fill(store)

    sizes = [count(store)]
    while store.forget(NOON.timestamp() + DAY):
        sizes.append(count(store))

    assert sizes == [(left, left) for left in range(MANY, -1, -PIECE)]


def test_nothing_is_kept_longer_for_a_clock_that_was_ahead(store: Store) -> None:
    """What was written in the future is kept for a day from when that is seen."""
    fill(store)
    early = NOON.timestamp() - 10 * DAY

    while store.forget(early):
        pass

    assert count(store) == (MANY, MANY)
    while store.forget(early + DAY):
        pass
    assert count(store) == (0, 0)


def fill(store: Store) -> None:
    """Let many rooms end at noon, and many answers be given then."""
    expires_at = NOON.timestamp() + DAY
    answers = [StoredAnswer(f"k{i}", "f", 200, b"{}", expires_at) for i in range(MANY)]
    rooms = [
        RoomWrite(None, room_of(f"room{i}", ended_at=NOON), None) for i in range(MANY)
    ]
    with store.transaction():
        store.write(Changes(rooms=rooms, answers=answers))


def names(store: Store) -> set[str]:
    """Return which rooms are remembered."""
    with store.transaction():
        return set(store.connection.exec_driver_sql("SELECT name FROM rooms").scalars())


def count(store: Store) -> tuple[int, int]:
    """Return how many rooms and answers are on disk."""
    asked = "SELECT (SELECT count(*) FROM rooms), (SELECT count(*) FROM idempotency)"
    with store.transaction():
        rooms, answers = store.connection.exec_driver_sql(asked).one()
    return rooms, answers


def test_rooms_of_an_older_version_are_remembered_for_a_day(database: str) -> None:
    """A database that does not say when rooms ended takes its first start for it."""
    store = Store(database)
    ended, lives = room_of("ended", ended_at=NOON), room_of()
    with store.transaction():
        rooms = [RoomWrite(None, room, NOON) for room in (ended, lives)]
        store.write(Changes(rooms=rooms))
    store.close()
    older = sqlite3.connect(database.removeprefix("sqlite:///"))
    for name in ("due_at", "ended_at"):
        older.execute(f"DROP INDEX rooms_{name}")
    older.execute("ALTER TABLE rooms DROP COLUMN ended_at")
    older.execute("UPDATE meta SET value = '3' WHERE key = 'schema_version'")
    older.commit()
    older.close()

    store = Store(database)
    with store.transaction():
        asked = "SELECT ended_at FROM rooms WHERE NOT is_live"
        upgraded_at = store.connection.exec_driver_sql(asked).scalar_one()
    store.close()
    store = Store(database)
    assert store.deadlines() == [
        (("a", name), NOON.timestamp()) for name in ("ended", "lounge")
    ]
    store.forget(upgraded_at + DAY - 1)
    assert names(store) == {"ended", "lounge"}
    store.forget(upgraded_at + DAY)
    assert names(store) == {"lounge"}
    store.close()


async def test_failed_forgetting_is_tried_again(database: str) -> None:
    """Who waits is served all the same, and what is old is forgotten later."""
    clock = ManualClock()

    def forbid(connection: Connection, *, forbidden: bool) -> None:
        connection.exec_driver_sql(f"PRAGMA query_only={int(forbidden)}").close()
        connection.rollback()

    async with writing(database, threaded=False, clock=clock) as writer:
        writer.watch(lambda commit: writer.discard(commit.outbox))
        first = await live_and_end(writer)
        await clock.advance(1.0)
        await writer.run(lambda found: forbid(found, forbidden=True))
        await clock.advance(DAY)
        assert await writer.room(KEY) is not None
        await writer.run(lambda found: forbid(found, forbidden=False))
        await clock.advance(HOUR)
        await writer.submit(enter("bob", "other"))

        assert await writer.room(KEY) is None
        assert (await live_and_end(writer)).life == first.life


async def lives(house: House, numbers: range) -> None:
    """Let rooms begin and end, with somebody who comes, takes a seat and is removed."""
    secret = app_of(OPEN, secret=True)
    for number in numbers:
        minted = await house.mint("ana", room_name=f"room-{number}")
        house.sfu.enter(minted.body["token"])
        await house.told()
        path = f"api/v1/rooms/room-{number}"
        key = {"Idempotency-Key": f"key-{number}"}
        asked = {"by": secret, "json": {"identity": "ana"}, "headers": key}
        taken = await house.ask("POST", f"{path}/seats/0/take", **asked)
        assert taken.status == 200, taken.body
        await house.ask("DELETE", path, by=secret)
        await house.told()
        await house.clock.advance(60)


def held(root: object) -> int:
    """Count the objects that *root* holds, but for code, the loop and the plane."""
    seen: dict[int, object] = {id(root): root}
    found = [root]
    while found:
        for each in gc.get_referents(found.pop()):
            if id(each) not in seen and not isinstance(each, _ELSEWHERE):
                seen[id(each)] = each
                found.append(each)
    return len(seen)


_ELSEWHERE = (
    type,
    ModuleType,
    FunctionType,
    weakref.ref,
    asyncio.AbstractEventLoop,
    Loopback,
)


async def test_engine_holds_nothing_of_rooms_that_ended() -> None:
    """What an engine holds in memory does not grow with the rooms that have ended.

    Whatever holds one object for each room or each request is found by it.
    """
    async with open_house(reconcile_period=60, rate_app=1_000) as house:
        await lives(house, range(20))
        before = held(house.services)
        await lives(house, range(20, 60))

        assert held(house.services) < before + 40


def test_deadlines_put_off_are_not_held(store: Store) -> None:
    """A room whose deadline is put off with every command has one, not thousands."""
    directory = Directory(store, horizon=DAY)
    for seconds in range(1, 1_000):
        directory.put_off(KEY, float(seconds))

    before = held(directory)
    for seconds in range(1_000, 10_000):
        directory.put_off(KEY, float(seconds))

    assert held(directory) < before + 1_000
    assert directory.next_due() == 9_999.0
    assert directory.take_due(9_999.0) == [KEY]
    assert directory.next_due() is None
