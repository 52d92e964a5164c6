"""Bringing a database of an older version up to this one."""

from __future__ import annotations

from sqlalchemy import Connection, insert, inspect, select, update

from utd_stream.engine._schema import ANSWERS, META, SCHEMA_VERSION, TABLES

__all__ = ["migrate"]

# What the versions before lack, each in the order in which it came.
_NEW_COLUMNS = {
    "caller": "VARCHAR(64) NOT NULL DEFAULT ''",
    "number": "BIGINT NOT NULL DEFAULT 0",
    # Until these are a day old, a replay shows the grid that they hold.
    "life": "BIGINT NOT NULL DEFAULT 0",
}
_OLDER = frozenset({"1", "2"})
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
    # A start that was killed in between may have added some of them.
    there = {column["name"] for column in inspect(connection).get_columns(ANSWERS.name)}
    for name, kind in _NEW_COLUMNS.items():
        if name not in there:
            connection.exec_driver_sql(
                f"ALTER TABLE {ANSWERS.name} ADD COLUMN {name} {kind}"
            )
    for index in ANSWERS.indexes:
        index.create(connection, checkfirst=True)
    connection.execute(update(META).where(_KEY).values(value=str(SCHEMA_VERSION)))
    return str(SCHEMA_VERSION)
