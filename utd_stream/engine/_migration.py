"""Bringing a database of an older version up to this one.

Each version has one function, which changes what the version before it made.  A
start can be killed in the middle of one, so each can be run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

import orjson
from sqlalchemy import Connection, insert, inspect, select, text, update

from utd_stream.engine._schema import (
    CALLS,
    META,
    PHONES,
    SCHEMA_VERSION,
    SIGNALS,
    TABLES,
)
from utd_stream.models.json_text import read_json

__all__ = ["migrate"]

_KEY = META.c.key == "schema_version"


def migrate(connection: Connection) -> str:
    """Make the tables, or change them; the caller's transaction commits it.

    Returns:
        The version of the schema then; another than ours is a newer one.
    """
    found = None
    if inspect(connection).has_table(META.name):
        found = connection.execute(select(META.c.value).where(_KEY)).scalar()
    if found is None:
        TABLES.create_all(connection)
        made = insert(META).values(key="schema_version", value=str(SCHEMA_VERSION))
        connection.execute(made)
        return str(SCHEMA_VERSION)
    if found not in _OLDER:
        return str(found)  # of a newer one nothing is changed
    for version, bring_up in _STEPS.items():
        if version > int(found):
            bring_up(connection)
    connection.execute(update(META).where(_KEY).values(value=str(SCHEMA_VERSION)))
    return str(SCHEMA_VERSION)


def _number_answers(connection: Connection) -> None:
    """Say of each kept answer whose it is, and which of theirs."""
    _add_column(connection, "idempotency", "caller VARCHAR(64) NOT NULL DEFAULT ''")
    _add_column(connection, "idempotency", "number BIGINT NOT NULL DEFAULT 0")
    _add_index(connection, "idempotency_caller", "idempotency (caller, number)")
    _add_index(connection, "idempotency_expiry", "idempotency (expires_at)")


def _name_lives(connection: Connection) -> None:
    """Say of each kept answer whose grid it shows.

    Until the older ones have expired, a replay shows the grid that they hold.
    """
    _add_column(connection, "idempotency", "life BIGINT NOT NULL DEFAULT 0")


def _date_ends(connection: Connection) -> None:
    """Say of each room when its life ended: of those before, now."""
    _add_column(connection, "rooms", "ended_at FLOAT")
    connection.exec_driver_sql(
        "UPDATE rooms SET ended_at = ? WHERE NOT is_live", (time.time(),)
    )
    for column in ("due_at", "ended_at"):
        where = f"rooms ({column}, app_id, name) WHERE {column} IS NOT NULL"
        _add_index(connection, f"rooms_{column}", where)


def _part_contents(connection: Connection) -> None:
    """Keep what rooms of one type alone have by itself, and absences in seats."""
    absences: dict[tuple[str, str, str], Any] = {}
    members = "SELECT app_id, room, identity, state FROM members WHERE state LIKE :key"
    for app_id, room, identity, state in connection.execute(
        text(members), {"key": '%"absence":%'}
    ):
        absences[app_id, room, identity] = _object(state).get("absence")
    changed: list[dict[str, str]] = []
    for app_id, name, state in connection.execute(
        text("SELECT app_id, name, state FROM rooms")
    ):
        room = _object(state)
        if "seats" not in room:
            continue
        room["content"] = {key: room.pop(key) for key in _OF_AUDIO_ROOMS if key in room}
        for seat in room["content"]["seats"]:
            occupant = seat.get("data", {}).get("occupant")
            if absence := absences.get((app_id, name, occupant)):
                seat["absence"] = absence
        changed.append(
            {"app_id": app_id, "name": name, "state": orjson.dumps(room).decode()}
        )
    if changed:
        write = (
            "UPDATE rooms SET state = :state WHERE app_id = :app_id AND name = :name"
        )
        connection.execute(text(write), changed)


def _part_members(connection: Connection) -> None:
    """Keep members by the life that they are of, with what is looked for in columns."""
    _add_column(connection, "rooms", "life BIGINT NOT NULL DEFAULT 1")
    _add_column(connection, "rooms", "has_past BOOLEAN NOT NULL DEFAULT 0")
    _add_index(connection, "rooms_past", "rooms (app_id, name) WHERE has_past = 1")
    there = {column["name"] for column in inspect(connection).get_columns("members")}
    if "life" in there:  # it is the new one
        connection.exec_driver_sql("DROP TABLE IF EXISTS members_7")
        return
    connection.exec_driver_sql("DROP TABLE IF EXISTS members_7")
    connection.exec_driver_sql(_MEMBERS_7)
    for app_id, name, state in connection.execute(
        text("SELECT app_id, name, state FROM rooms")
    ).fetchall():
        room = _object(state)
        here = {"app_id": app_id, "room": name, "life": room.get("life", 1)}
        connection.execute(
            text(
                "UPDATE rooms SET life = :life WHERE app_id = :app_id AND name = :room"
            ),
            here,
        )
        found = text(
            "SELECT identity, state FROM members"
            " WHERE app_id = :app_id AND room = :room"
        )
        rows = [
            here | _member_7(room, identity, state)
            for identity, state in connection.execute(found, here).fetchall()
        ]
        if rows:
            connection.execute(text(_WRITE_MEMBER_7), rows)
    connection.exec_driver_sql("DROP TABLE members")
    connection.exec_driver_sql("ALTER TABLE members_7 RENAME TO members")
    for name, columns in _INDEXES_7.items():
        _add_index(connection, name, f"members ({columns}")


def _member_7(room: dict[str, Any], identity: str, state: str) -> dict[str, Any]:
    member = _object(state)
    sid, role = member.get("sid"), member.get("role", "audience")
    # Nobody came in later than the room was changed.
    changed_at = _seconds(room.get("as_of") or room.get("created_at"))
    idle_since = None if sid else changed_at
    is_plain = role == "audience"
    due_at = idle_since + _KEPT_IDLE_7 if idle_since and is_plain else None
    rest = {key: value for key, value in member.items() if key not in _COLUMNS_7}
    return {
        "identity": identity,
        "sid": sid,
        "seen_at": _seconds(member.get("seen_at")) or (changed_at if sid else None),
        "role": role,
        "admitted": member.get("admitted", True),
        "plain": is_plain,
        "idle_since": idle_since,
        "due_at": due_at,
        # What cannot be read is told when it is.
        "state": orjson.dumps(rest).decode() if member else state,
    }


def _seconds(at: str | None) -> float | None:
    return datetime.fromisoformat(at).timestamp() if at else None


_KEPT_IDLE_7 = 900.0  # seconds
_COLUMNS_7 = frozenset({"identity", "sid", "seen_at", "role", "admitted", "absence"})
_MEMBERS_7 = """
CREATE TABLE members_7 (
    app_id VARCHAR(64) NOT NULL,
    room VARCHAR(256) NOT NULL,
    life BIGINT NOT NULL,
    identity VARCHAR(256) NOT NULL,
    sid VARCHAR(64),
    seen_at FLOAT,
    shown VARCHAR(16) NOT NULL,
    role VARCHAR(16) NOT NULL,
    admitted BOOLEAN NOT NULL,
    plain BOOLEAN NOT NULL,
    idle_since FLOAT,
    place VARCHAR(16),
    since FLOAT,
    due_at FLOAT,
    state TEXT NOT NULL,
    PRIMARY KEY (app_id, room, life, identity)
) WITHOUT ROWID
"""
# The next listing finds everybody unlike nothing, and renews it.
_WRITE_MEMBER_7 = """
INSERT INTO members_7 (
    app_id, room, life, identity, sid, seen_at, shown, role, admitted, plain,
    idle_since, due_at, state
) VALUES (
    :app_id, :room, :life, :identity, :sid, :seen_at, '', :role, :admitted, :plain,
    :idle_since, :due_at, :state
)
"""
_INDEXES_7 = {
    "members_connected": (
        "app_id, room, life, seen_at, admitted) WHERE sid IS NOT NULL"
    ),
    "members_due": "due_at) WHERE due_at IS NOT NULL",
    "members_leading": "app_id, room, life, role) WHERE role IN ('host', 'admin')",
    "members_identity": "app_id, identity)",
}
_OF_AUDIO_ROOMS = ("configured", "seat_mode", "mode_id", "seats", "requests", "invites")


def _version_outbox(connection: Connection) -> None:
    """Say of each row of the outbox which version of its room called for it."""
    _add_column(connection, "outbox", "version BIGINT NOT NULL DEFAULT 0")


def _add_calls(connection: Connection) -> None:
    """Make the tables of calls, of which there were none."""
    TABLES.create_all(connection, tables=[PHONES, CALLS, SIGNALS])


_STEPS: Mapping[int, Callable[[Connection], None]] = {
    2: _number_answers,
    3: _name_lives,
    4: _date_ends,
    5: _part_contents,
    6: _version_outbox,
    7: _part_members,
    8: _add_calls,
}
_OLDER = frozenset(str(version - 1) for version in _STEPS)


def _add_column(connection: Connection, table: str, column: str) -> None:
    there = {found["name"] for found in inspect(connection).get_columns(table)}
    if column.split(maxsplit=1)[0] not in there:
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column}")


def _add_index(connection: Connection, name: str, columns: str) -> None:
    connection.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")


def _object(state: str) -> dict[str, Any]:
    """Return what *state* holds; nothing where it cannot be read."""
    try:
        value = read_json(state)
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
