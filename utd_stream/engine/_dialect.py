"""What SQLite and PostgreSQL do each in their own way."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, Insert, Table, create_engine
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.pool import NullPool

from utd_stream.engine._place import Place
from utd_stream.errors import InvalidArgumentError

__all__ = [
    "connect",
    "is_in_memory",
    "open_engine",
    "place_of",
    "unusable",
    "upsert",
]

# How long to wait for the engine before us to let go of the file, in seconds.
_PATIENCE = 1.0


def open_engine(url: str) -> Engine:
    """Return SQLAlchemy's engine for *url*; nothing is opened yet.

    Raises:
        InvalidArgumentError: If the engine cannot keep rooms there.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        message = "the database must be a URL such as sqlite:///utd_stream.db"
        raise InvalidArgumentError(message) from error
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        message = f"the database {parsed.drivername} is not supported yet"
        raise InvalidArgumentError(message)
    # One connection, opened here and used by the writer's thread.
    options = {"check_same_thread": False, "timeout": _PATIENCE}
    # What fails is logged: its parameters are what people said of themselves.
    try:
        return create_engine(
            parsed, poolclass=NullPool, connect_args=options, hide_parameters=True
        )
    except (OSError, ValueError) as error:  # no folder to be in, or an odd ?option
        message = f"the database {parsed.database} cannot be opened: {error}"
        raise InvalidArgumentError(message) from error


def is_in_memory(engine: Engine) -> bool:
    """Whether closing the connection loses everything."""
    return engine.url.database in {None, "", ":memory:"}


def place_of(connection: Connection) -> Place:
    """Return where the database of *connection* is."""
    databases = connection.exec_driver_sql("PRAGMA database_list").fetchall()
    connection.rollback()
    return Place(next(file for _, name, file in databases if name == "main"))


def connect(engine: Engine) -> Connection:
    """Return a connection that is durable, and this engine's alone.

    Raises:
        InvalidArgumentError: If another program has the database open, or it
            cannot be opened.
    """
    place = engine.url.database
    connection: Connection | None = None
    try:
        connection = engine.connect()
        _prepare(connection)
    except DatabaseError as error:
        if connection is not None:
            connection.close()
        if "locked" in str(error):
            message = (
                f"the database {place} is open in another engine, a database "
                "browser or a backup; end that, or give this engine a database of "
                "its own"
            )
            raise InvalidArgumentError(message) from error
        raise unusable(engine, error) from error
    return connection


_REACHABLE = "its folder must be there, and both must be writable for you"
_REMEDIES: Mapping[int | None, str] = {
    sqlite3.SQLITE_NOTADB: "it is another kind of file; name one of the engine's own",
    sqlite3.SQLITE_CORRUPT: "it is damaged; put a backup in its place",
    sqlite3.SQLITE_FULL: "make room on its disk",
}


def unusable(engine: Engine, error: DatabaseError) -> InvalidArgumentError:
    """Return why the database cannot be used, and what it takes."""
    message = f"the database {engine.url.database} cannot be opened: {error.orig}"
    if is_in_memory(engine):
        return InvalidArgumentError(message)
    code = getattr(error.orig, "sqlite_errorcode", None)
    return InvalidArgumentError(f"{message}; {_REMEDIES.get(code, _REACHABLE)}")


def _prepare(connection: Connection) -> None:
    for pragma in (
        # Before WAL, so that no shared memory is ever made: the lock is kept.
        "PRAGMA locking_mode=EXCLUSIVE",
        "PRAGMA journal_mode=WAL",
        # An acknowledged command survives the power cut too.
        "PRAGMA synchronous=FULL",
    ):
        connection.exec_driver_sql(pragma).close()
    connection.commit()
    connection.exec_driver_sql("BEGIN EXCLUSIVE")
    connection.commit()


def upsert(table: Table, dialect: str) -> Insert:
    """Return an INSERT that replaces the row of the same primary key."""
    make: Any = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}[dialect]
    statement = make(table)
    key = [column.name for column in table.primary_key]
    others = [column.name for column in table.columns if column.name not in key]
    replaced: Insert = statement.on_conflict_do_update(
        index_elements=key, set_={name: statement.excluded[name] for name in others}
    )
    return replaced
