"""A database that an older version wrote is opened, with all that is in it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from utd_stream.engine._migration import _STEPS
from utd_stream.engine._schema import SCHEMA_VERSION
from utd_stream.engine.rules import Member, Room, Rules, next_deadline
from utd_stream.engine.rules.audio_room import audio_room, grid_of
from utd_stream.engine.store import Store
from utd_stream.errors import UnavailableError
from utd_stream.models.rooms import SeatMode, UTDRole
from utd_stream.models.seats import SpeakerRequest

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
LEFT, LAPSE = NOON + timedelta(seconds=1), NOON + timedelta(seconds=60)

# As version 3 wrote them: ann sits and is away, a seat is held for bob, cyd asks.
SCHEMA_3 = """
CREATE TABLE meta (key VARCHAR(64) PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO meta VALUES ('schema_version', '3');
CREATE TABLE rooms (
    app_id VARCHAR(64) NOT NULL, name VARCHAR(256) NOT NULL, version BIGINT NOT NULL,
    is_live BOOLEAN NOT NULL, due_at FLOAT, state TEXT NOT NULL,
    PRIMARY KEY (app_id, name)
);
CREATE TABLE members (
    app_id VARCHAR(64) NOT NULL, room VARCHAR(256) NOT NULL,
    identity VARCHAR(256) NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (app_id, room, identity)
);
CREATE TABLE outbox (
    app_id VARCHAR(64) NOT NULL, room VARCHAR(256) NOT NULL, kind VARCHAR(16) NOT NULL,
    slot VARCHAR(256) NOT NULL, seq BIGINT NOT NULL, payload TEXT NOT NULL,
    PRIMARY KEY (app_id, room, kind, slot)
);
CREATE TABLE idempotency (
    id VARCHAR(64) PRIMARY KEY, fingerprint VARCHAR(64) NOT NULL,
    status INTEGER NOT NULL, body BLOB NOT NULL, expires_at FLOAT NOT NULL,
    caller VARCHAR(64) NOT NULL, number BIGINT NOT NULL, life BIGINT NOT NULL
);
CREATE INDEX rooms_live ON rooms (is_live, app_id, name);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
CREATE INDEX idempotency_caller ON idempotency (caller, number);
"""
WAITS = {"created_at": NOON.isoformat(), "expires_at": LAPSE.isoformat()}
ROOM: dict[str, Any] = {
    "app_id": "app",
    "name": "lounge",
    "created_at": NOON.isoformat(),
    "seats": [
        {"index": 0},
        {
            "index": 1,
            "state": "taken",
            "data": {
                "occupant": "ann",
                "since": NOON.isoformat(),
                "absent_since": LEFT.isoformat(),
            },
        },
        {"index": 2, "state": "reserved", "data": {"reserved_for": "bob"}},
    ],
    "version": 16,
    "as_of": LEFT.isoformat(),
    "owner": "hal",
    "configured": True,
    "seat_mode": "request",
    "mode_id": "ring",
    "rev": 6,
    "next_id": 4,
    "requests": [{"id": 1, "data": {"identity": "cyd", **WAITS}}],
    "invites": [{"id": 3, "data": {"identity": "bob", "seat_index": 2, **WAITS}}],
}
ENDED = {
    "app_id": "app",
    "name": "ended",
    "created_at": NOON.isoformat(),
    "ended_at": LEFT.isoformat(),
    "seats": [{"index": 0}],
    "version": 2,
}
MEMBERS: tuple[dict[str, Any], ...] = (
    {"identity": "hal", "role": "host", "connection": 1048577, "sid": "PA_hal"},
    {
        "identity": "ann",
        "connection": 1048577,
        "absence": {"since": LEFT.isoformat(), "grace": 2.0},
    },
    {"identity": "bob", "connection": 1048577, "metadata": '{"absence": 1}'},
    {"identity": "cyd", "connection": 1048577, "absence": None},
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database as version 3 left it."""
    file = tmp_path / "engine.db"
    with closing(sqlite3.connect(file)) as made:
        made.executescript(SCHEMA_3)
        for room in (ROOM, ENDED):
            is_live = "ended_at" not in room
            row = (room["name"], room["version"], is_live, json.dumps(room))
            made.execute("INSERT INTO rooms VALUES ('app', ?, ?, ?, 1.0, ?)", row)
        for member in MEMBERS:
            told = (member["identity"], json.dumps(member))
            made.execute("INSERT INTO members VALUES ('app', 'lounge', ?, ?)", told)
        made.commit()
    return file


def loaded(file: Path, name: str = "lounge") -> Room:
    """Open the database, and read a room."""
    store = Store(f"sqlite:///{file}")
    with store.transaction():
        room = store.load(("app", name))
    store.close()
    assert room is not None
    return room


def members_of(file: Path, room: Room) -> dict[str, Member]:
    """Open the database, and read the members of a room."""
    store = Store(f"sqlite:///{file}")
    with store.transaction():
        page = store.members.page(room.life_key, 0, 100)
    store.close()
    return {member.identity: member for member in page}


def shape(file: Path) -> dict[str, object]:
    """Return columns and indexes of the tables that were changed."""
    with closing(sqlite3.connect(file)) as looked:
        rows = looked.execute(
            "SELECT name, type FROM sqlite_master"
            " WHERE tbl_name IN ('rooms', 'members')"
        ).fetchall()
        found: dict[str, object] = {}
        for name, kind in rows:
            if kind == "table":
                columns = looked.execute(f"PRAGMA table_info({name})").fetchall()
                found[name] = sorted((c[1], c[2], c[3], c[5]) for c in columns)
            else:
                index = looked.execute(f"PRAGMA index_xinfo({name})").fetchall()
                found[name] = [c[2] for c in index if c[5]]
        return found


def test_a_database_of_version_3_becomes_one_of_today(
    file: Path, tmp_path: Path
) -> None:
    """It has the tables, columns and indexes of one that is made today."""
    fresh = tmp_path / "fresh.db"
    for opened in (file, fresh):
        Store(f"sqlite:///{opened}").close()

    assert shape(file) == shape(fresh)


def test_every_version_has_a_function() -> None:
    """The numbers go on without a gap, up to the schema of today."""
    assert list(_STEPS) == list(range(2, SCHEMA_VERSION + 1))


def test_rooms_of_version_3_are_read_whole(file: Path) -> None:
    """Grid, requests, invitations, numbers and members are what they were."""
    for _ in range(2):
        room = loaded(file)

        content, grid = audio_room(room), grid_of(room)
        assert (room.owner, room.version, room.rev, room.next_id) == ("hal", 16, 6, 4)
        assert (content.configured, content.mode_id) == (True, "ring")
        assert (grid.seat_mode, grid.rev, grid.seat_count) == (SeatMode.REQUEST, 6, 3)
        assert grid.seats[1].occupant_identity == "ann"
        assert grid.seats[2].reserved_for == "bob"
        assert grid.requests == (SpeakerRequest(id=1, identity="cyd", created_at=NOON),)
        assert [(i.id, i.identity) for i in grid.invitations] == [(3, "bob")]
        members = members_of(file, room)
        assert set(members) == {"hal", "ann", "bob", "cyd"}
        assert members["bob"].metadata == '{"absence": 1}'
        assert members["hal"].role is UTDRole.HOST
        assert members["hal"].is_connected
        assert members["ann"].idle_since == LEFT


def test_absences_of_version_3_run_out_when_they_would(file: Path) -> None:
    """The grace of who is away goes on, at the seat."""
    room = loaded(file)

    assert next_deadline(room, Rules()) == LEFT + timedelta(seconds=2)
    assert [seat.absence is not None for seat in audio_room(room).seats] == [
        False,
        True,
        False,
    ]


def test_rooms_that_ended_are_kept(file: Path) -> None:
    """Their numbers go on in the next life."""
    room = loaded(file, "ended")

    assert (room.is_live, room.version) == (False, 2)
    assert grid_of(room).seat_count == 1


def test_a_damaged_room_harms_no_other(file: Path) -> None:
    """It is told when it is read, as before; the others are brought up."""
    with closing(sqlite3.connect(file)) as edited:
        edited.execute("UPDATE rooms SET state = 'scrawl' WHERE name = 'ended'")
        edited.commit()

    assert loaded(file).owner == "hal"
    with pytest.raises(UnavailableError, match="cannot be read"):
        loaded(file, "ended")
