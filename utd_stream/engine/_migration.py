"""Bringing a database of an older version up to this one.

Each version has one function, which changes what the version before it made.  A
start can be killed in the middle of one, so each can be run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson
from sqlalchemy import Connection, insert, inspect, select, text, update

from utd_stream.engine._schema import META, SCHEMA_VERSION, TABLES
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


_OF_AUDIO_ROOMS = ("configured", "seat_mode", "mode_id", "seats", "requests", "invites")


def _version_outbox(connection: Connection) -> None:
    """Say of each row of the outbox which version of its room called for it."""
    _add_column(connection, "outbox", "version BIGINT NOT NULL DEFAULT 0")


_STEPS: Mapping[int, Callable[[Connection], None]] = {
    2: _number_answers,
    3: _name_lives,
    4: _date_ends,
    5: _part_contents,
    6: _version_outbox,
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
