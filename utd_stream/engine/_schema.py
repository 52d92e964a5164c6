"""The tables.

Plain SQL types only, so that the same tables stand on SQLite and PostgreSQL;
what differs between the two is in `_dialect`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

__all__ = ["ANSWERS", "MEMBERS", "META", "OUTBOX", "ROOMS", "SCHEMA_VERSION", "TABLES"]

SCHEMA_VERSION = 6

TABLES = MetaData()

# One row for each room name of an app, its lives included, until a day after the
# end of the last one.
ROOMS = Table(
    "rooms",
    TABLES,
    Column("app_id", String(64), primary_key=True),
    Column("name", String(256), primary_key=True),
    Column("version", BigInteger, nullable=False),
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

MEMBERS = Table(
    "members",
    TABLES,
    Column("app_id", String(64), primary_key=True),
    Column("room", String(256), primary_key=True),
    Column("identity", String(256), primary_key=True),
    Column("state", Text, nullable=False),
)

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

META = Table(
    "meta",
    TABLES,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
