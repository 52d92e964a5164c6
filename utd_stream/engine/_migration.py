"""Bringing a database of an older version up to this one."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from utd_stream.engine._schema import ANSWERS, META, SCHEMA_VERSION, TABLES

__all__ = ["migrate"]

_NEW_COLUMNS = ("caller VARCHAR(64) NOT NULL DEFAULT ''",
                "number BIGINT NOT NULL DEFAULT 0")  # fmt: skip
_KEY = META.c.key == "schema_version"


def migrate(connection: Connection) -> str:
    """Make the tables, or change them; the caller's transaction commits it.

    Returns:
        The version of the schema then; another than ours is a newer one.
    """
    TABLES.create_all(connection)
    found = connection.execute(select(META.c.value).where(_KEY)).scalar()
    if found is None:
        made = insert(META).values(key="schema_version", value=str(SCHEMA_VERSION))
        connection.execute(made)
        return str(SCHEMA_VERSION)
    if found == "1":  # kept every answer of every caller
        for column in _NEW_COLUMNS:
            connection.exec_driver_sql(
                f"ALTER TABLE {ANSWERS.name} ADD COLUMN {column}"
            )
        for index in ANSWERS.indexes:
            index.create(connection, checkfirst=True)
        connection.execute(update(META).where(_KEY).values(value=str(SCHEMA_VERSION)))
        return str(SCHEMA_VERSION)
    return str(found)
