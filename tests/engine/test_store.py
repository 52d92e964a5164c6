"""What is written is what is read, by one engine at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, text

from utd_stream.engine._codec import (
    decode_room,
    encode_room,
)
from utd_stream.engine.rules.audio_room import AudioRoom
from utd_stream.engine.rules.state import Room
from utd_stream.engine.store import (
    Changes,
    OutboxRow,
    RoomWrite,
    StaleError,
    Store,
    StoredAnswer,
)
from utd_stream.errors import InvalidArgumentError
from utd_stream.models.rooms import UTDStreamType
from utd_stream.testing.models import values
from utd_stream.testing.strategies import NOON


def rooms() -> st.SearchStrategy[Room]:
    """Return rooms of every kind."""
    audio = st.just(UTDStreamType.AUDIO_ROOM)
    return values(Room, type=audio, content=values(AudioRoom))


@given(rooms())
def test_room_round_trips(room: Room) -> None:
    """Every room is read as it was written."""
    assert decode_room(encode_room(room)) == room


def room_of(name: str = "lounge", **fields: Any) -> Room:
    """Return a room."""
    given = {"content": AudioRoom(), "version": 1, **fields}
    return Room(app_id="a", name=name, created_at=NOON, **given)


def write(store: Store, before: Room | None, after: Room, **more: Any) -> None:
    """Commit one room."""
    with store.transaction():
        store.write(Changes(rooms=[RoomWrite(before, after, None)], **more))


def load(store: Store, name: str = "lounge") -> Room | None:
    """Read one room."""
    with store.transaction():
        return store.load(("a", name))


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory."""
    opened = Store("sqlite://")
    yield opened
    opened.close()


def test_rooms_are_kept(store: Store) -> None:
    """A room is read as it was last written."""
    first, second = room_of(), room_of(version=2, owner="ana")
    write(store, None, first)
    assert load(store) == first

    write(store, first, second)

    assert load(store) == second
    assert load(store, "other") is None


def test_stale_write_is_refused(store: Store) -> None:
    """A room is written over the version it was read at, or not at all."""
    first = room_of()
    write(store, None, first)
    write(store, first, room_of(version=2))

    with pytest.raises(StaleError):
        write(store, first, room_of(version=3))
    loaded = load(store)
    assert loaded is not None
    assert loaded.version == 2


def test_later_outbox_row_replaces_the_earlier(store: Store) -> None:
    """Of one key the newest row is kept, and only that one is deleted as sent."""
    old = OutboxRow("a", "lounge", "metadata", "", 1)
    new = OutboxRow("a", "lounge", "metadata", "", 2)
    say = OutboxRow("a", "lounge", "say", "3", 3, '["_kicked",["ana"]]')
    for changes in (Changes(outbox=[old]), Changes(outbox=[new, say], sent=[old])):
        with store.transaction():
            store.write(changes)
    assert store.unsent() == [new, say]

    with store.transaction():
        store.write(Changes(sent=[new]))

    assert store.unsent() == [say]


def test_an_older_outbox_is_sent(tmp_path: Path) -> None:
    """A row of the schema before names no version: any room will do."""
    path = tmp_path / "engine.db"
    row = OutboxRow("a", "lounge", "room", "", 7, "", 3)
    store = Store(f"sqlite:///{path}")
    with store.transaction():
        store.write(Changes(outbox=[row]))
    store.close()
    older = sqlite3.connect(path)
    older.execute("ALTER TABLE outbox DROP COLUMN version")
    older.execute("UPDATE meta SET value = '5' WHERE key = 'schema_version'")
    older.commit()
    older.close()

    store = Store(f"sqlite:///{path}")

    assert store.unsent() == [attrs.evolve(row, version=0)]
    store.close()


def test_answers_are_found_until_they_expire(store: Store) -> None:
    """Any number of keys is looked up at once; what has expired is not found."""
    answers = [StoredAnswer(f"k{i}", "f", 200, b"{}", float(i)) for i in range(9)]
    with store.transaction():
        store.write(Changes(answers=answers))
        found = store.answers(["k3", "k7", "none", "k8", "k7"], 5.0)

    assert found == {"k7": answers[7], "k8": answers[8]}


def test_what_lives_and_is_due_is_known_at_start(store: Store) -> None:
    """Names of live rooms and deadlines are read without the rooms themselves."""
    ended = room_of("ended", ended_at=NOON)
    with store.transaction():
        writes = [RoomWrite(None, room_of(), NOON), RoomWrite(None, ended, None)]
        store.write(Changes(rooms=writes))

    assert store.live_rooms() == [("a", "lounge")]
    assert store.deadlines() == [(("a", "lounge"), NOON.timestamp())]


def test_start_reads_nothing_of_past_lives(store: Store) -> None:
    """What lives and what is due is read of indexes alone, however many have ended."""
    asked: list[str] = []
    event.listen(
        store.connection, "before_cursor_execute", lambda *told: asked.append(told[2])
    )

    store.live_rooms()
    store.deadlines()

    plans = [
        row[3]
        for statement in tuple(asked)
        for row in store.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
    ]
    assert [plan.partition(" (")[0] for plan in plans] == [
        "SEARCH rooms USING COVERING INDEX rooms_live",
        "SEARCH rooms USING COVERING INDEX rooms_due_at",
    ]


def test_second_engine_on_one_file_is_refused(tmp_path: Path) -> None:
    """A file belongs to one engine; the next one may have it when that has ended."""
    url = f"sqlite:///{tmp_path / 'engine.db'}"
    first = Store(url)

    with pytest.raises(InvalidArgumentError, match="open in another engine"):
        Store(url)
    first.close()
    Store(url).close()


def reading(reader: sqlite3.Connection) -> None:
    """Look at the rooms, as a browser of databases does."""
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM rooms").fetchall()


def writing(reader: sqlite3.Connection) -> None:
    """Begin to edit."""
    reader.execute("BEGIN IMMEDIATE")


def dumping(reader: sqlite3.Connection) -> None:
    """Be in the middle of a dump."""
    reader.execute("BEGIN")
    for _ in zip(range(3), reader.iterdump(), strict=False):
        pass


@pytest.mark.parametrize("holds", [reading, writing, dumping])
@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_file_that_is_looked_into_is_told_as_that(
    tmp_path: Path, holds: Callable[[sqlite3.Connection], object], journal: str
) -> None:
    """Not only an engine may have it open; once it has ended, the file is served."""
    file = tmp_path / "engine.db"
    url = f"sqlite:///{file}"
    Store(url).close()
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute(f"PRAGMA journal_mode={journal}").fetchall()
    holds(reader)

    with pytest.raises(InvalidArgumentError, match="engine, a database browser or a"):
        Store(url)
    reader.close()
    Store(url).close()


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    """An engine does not touch what a newer one has made."""
    file = tmp_path / "engine.db"
    Store(f"sqlite:///{file}").close()
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE meta SET value = '99'"))
        connection.execute(text("ALTER TABLE outbox RENAME TO outgoing"))
    engine.dispose()

    with pytest.raises(InvalidArgumentError, match="schema 99"):
        Store(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as left:
        tables = left.execute("SELECT name FROM sqlite_master").fetchall()
    assert ("outgoing",) in tables
    assert ("outbox",) not in tables


def test_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """A name mistyped into another file's is told in words, and the file is kept."""
    file = tmp_path / "notes.txt"
    file.write_text("no database\n" * 100)

    with pytest.raises(
        InvalidArgumentError, match=r"notes\.txt cannot be opened.*name one of"
    ):
        Store(f"sqlite:///{file}")
    assert file.read_text() == "no database\n" * 100


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://x/y", "sqlite:///no/dir/x"])
def test_impossible_database_is_refused(url: str) -> None:
    """A database that cannot be is refused in words, when the engine starts."""
    with pytest.raises(InvalidArgumentError, match="database"):
        Store(url)


def test_lost_connection_is_made_anew_as_often_as_it_takes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that somebody else has when it is opened again is tried once more."""
    file = tmp_path / "engine.db"
    store = Store(f"sqlite:///{file}")
    write(store, None, room_of())
    lost: Any = store.connection.connection.dbapi_connection
    store.connection.begin()
    lost.close()
    thief = sqlite3.connect(file)
    thief.execute("BEGIN EXCLUSIVE")

    with pytest.raises(InvalidArgumentError, match="open in another engine"):
        store.recover()
    assert "cannot be rolled back" in caplog.text
    thief.close()
    store.recover()

    assert load(store) == room_of()
    store.close()


def test_committed_means_synced(tmp_path: Path) -> None:
    """A commit is on disk when it returns: WAL, every one of them synced."""
    store = Store(f"sqlite:///{tmp_path / 'engine.db'}")

    def pragma(name: str) -> Any:
        with store.transaction():
            return store.connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2
    assert pragma("locking_mode") == "exclusive"
    store.close()
