"""Statements that are compiled once, from SQLAlchemy's Core."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Dialect

__all__ = ["Statement"]


class Statement:
    """A statement compiled once; SQLAlchemy's cache costs more than SQLite."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self._text = str(compiled)
        self._is_positional = compiled.positiontup is not None
        self._names: list[str] = compiled.positiontup or list(compiled.params)
        # Those that SQLAlchemy adds by itself.
        self._fixed = {n: v for n, v in compiled.params.items() if v is not None}
        # A row is read by the attributes that its columns are named after.
        self._read = attrgetter(*(name.removeprefix("key_") for name in self._names))

    def run(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> Any:
        """Execute it once for each of *rows*."""
        fixed = self._fixed
        if fixed:
            rows = [fixed | row for row in rows]
        values = [tuple([row[name] for name in self._names]) for row in rows]
        return self._execute(connection, values)

    def send(self, connection: Connection, rows: Sequence[object]) -> Any:
        """Execute it once for each of *rows*, by their attributes."""
        return self._execute(connection, [self._read(row) for row in rows])

    def _execute(self, connection: Connection, values: list[tuple[Any, ...]]) -> Any:
        if not self._is_positional:
            named = [dict(zip(self._names, row, strict=True)) for row in values]
            return connection.exec_driver_sql(self._text, named)
        if len(values) == 1:
            return connection.exec_driver_sql(self._text, values[0])
        return connection.exec_driver_sql(self._text, values)
