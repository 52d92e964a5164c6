"""The tables.

Plain SQL types only, so that the same tables stand on SQLite and PostgreSQL;
what differs between the two is in `_dialect`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

__all__ = [
    "ANSWERS",
    "CALLS",
    "MEMBERS",
    "META",
    "OUTBOX",
    "PHONES",
    "ROOMS",
    "SCHEMA_VERSION",
    "SIGNALS",
    "TABLES",
]

SCHEMA_VERSION = 8

TABLES = MetaData()

# One row for each room name of an app, its lives included, until a day after the
# end of the last one.
ROOMS = Table(
    "rooms",
    TABLES,
    Column("app_id", String(64), primary_key=True),
    Column("name", String(256), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("life", BigInteger, nullable=False),
    # Whether members of earlier lives may still have rows.
    Column("has_past", Boolean, nullable=False),
    Column("is_live", Boolean, nullable=False),
    # When somebody must look at it, in seconds since 1970 UTC.
    Column("due_at", Float),
    # When its life ended, likewise; null while it goes on.
    Column("ended_at", Float),
    Column("state", Text, nullable=False),
    Index("rooms_live", "is_live", "app_id", "name"),
)
# What a start and the forgetting read, without the rooms of which it is not true.
for _column in (ROOMS.c.due_at, ROOMS.c.ended_at):
    Index(
        f"rooms_{_column.name}",
        _column,
        ROOMS.c.app_id,
        ROOMS.c.name,
        sqlite_where=_column.is_not(None),
        postgresql_where=_column.is_not(None),
    )

# One row for each member of a life.  A life that ends touches none of its rows;
# they are deleted later.
MEMBERS = Table(
    "members",
    TABLES,
    Column("app_id", String(64), primary_key=True),
    Column("room", String(256), primary_key=True),
    Column("life", BigInteger, primary_key=True),
    Column("identity", String(256), primary_key=True),
    # Of the connection seen last; NULL where there is none.
    Column("sid", String(64)),
    Column("seen_at", Float),
    # A digest of what the SFU shows of a member who has no seat; empty for one
    # who must be looked at in any case.
    Column("shown", String(16), nullable=False),
    Column("role", String(16), nullable=False),
    Column("admitted", Boolean, nullable=False),
    # Whether nothing is lost when the row is deleted.
    Column("plain", Boolean, nullable=False),
    # Since when there is no connection.
    Column("idle_since", Float),
    # On a stage, or waiting for it, and since when.
    Column("place", String(16)),
    Column("since", Float),
    # When somebody must look at it.
    Column("due_at", Float),
    Column("state", Text, nullable=False),
    sqlite_with_rowid=False,
)


Index(
    "rooms_past",
    ROOMS.c.app_id,
    ROOMS.c.name,
    sqlite_where=ROOMS.c.has_past,
    postgresql_where=ROOMS.c.has_past,
)


def _partial(name: str, condition: ColumnElement[bool], *columns: Column[Any]) -> Index:
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


_IN_LIFE = (MEMBERS.c.app_id, MEMBERS.c.room, MEMBERS.c.life)
_partial(
    "members_connected",
    MEMBERS.c.sid.is_not(None),
    *(*_IN_LIFE, MEMBERS.c.seen_at, MEMBERS.c.admitted),
)
_partial("members_due", MEMBERS.c.due_at.is_not(None), MEMBERS.c.due_at)
_partial(
    "members_leading",
    MEMBERS.c.role.in_(("host", "admin")),
    *(*_IN_LIFE, MEMBERS.c.role),
)
# In which rooms somebody is, whatever the room: for those who are banned.
Index("members_identity", MEMBERS.c.app_id, MEMBERS.c.identity)

# What the SFU has not been told yet.  A later row of a key replaces the
# earlier one; a message has a key of its own.
OUTBOX = Table(
    "outbox",
    TABLES,
    Column("app_id", String(64), primary_key=True),
    Column("room", String(256), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("slot", String(256), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
)

# What was answered to a request that named an Idempotency-Key.
ANSWERS = Table(
    "idempotency",
    TABLES,
    Column("id", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("expires_at", Float, nullable=False),
    # Whose it is, and which of theirs: of each caller the newest are kept.
    Column("caller", String(64), nullable=False),
    Column("number", BigInteger, nullable=False),
    # Of the room whose grid belongs to the answer; 0 where none does.
    Column("life", BigInteger, nullable=False),
    Index("idempotency_expiry", "expires_at"),
    Index("idempotency_caller", "caller", "number"),
)

# Which call a person takes part in, or took part in last.
PHONES = Table(
    "phones",
    TABLES,
    Column("app_id", String(64), primary_key=True),
    Column("identity", String(256), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
)

# One row for each call there ever was, as both parties were told it last.
CALLS = Table(
    "calls",
    TABLES,
    Column("app_id", String(64), primary_key=True),
    Column("call_id", String(256), primary_key=True),
    Column("caller", String(256), nullable=False),
    Column("callee", String(256), nullable=False),
    Column("type", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    # In seconds since 1970 UTC.
    Column("initiated_at", Float, nullable=False),
    Column("state", Text, nullable=False),
    Index("calls_time", "app_id", "initiated_at", "call_id"),
    Index("calls_caller", "app_id", "caller", "initiated_at", "call_id"),
    Index("calls_callee", "app_id", "callee", "initiated_at", "call_id"),
)

# What the devices of a person are told of calls, kept for an hour.
SIGNALS = Table(
    "signals",
    TABLES,
    # No number is used twice, whatever was deleted.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("app_id", String(64), nullable=False),
    Column("identity", String(256), nullable=False),
    Column("event", String(32), nullable=False),
    Column("call_id", String(256), nullable=False),
    # Which client of the callee answered; empty where none has.
    Column("device", String(256), nullable=False),
    Column("at", Float, nullable=False),
    Column("state", Text, nullable=False),
    Index("signals_identity", "app_id", "identity", "seq"),
    Index("signals_at", "at"),
    sqlite_autoincrement=True,
)

META = Table(
    "meta",
    TABLES,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
