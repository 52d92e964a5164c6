"""Aggregates of several kinds, each kind in a table of its own.

An aggregate is a frozen value with a version.  It is written over the version
that was read, or not at all, so that two engines never both decide on one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import attrs
from sqlalchemy import (
    Connection,
    Dialect,
    Table,
    and_,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from utd_stream.engine._statement import Statement

__all__ = [
    "Aggregate",
    "AggregateKey",
    "AggregateKind",
    "AggregateWrite",
    "StaleError",
    "VersionedTable",
]

AggregateKey: TypeAlias = tuple[str, ...]


class StaleError(Exception):
    """Another engine wrote an aggregate first."""


class Aggregate(Protocol):
    """A value that is written as a whole."""

    @property
    def version(self) -> int:
        """Counts the writes of it."""
        ...


_A = TypeVar("_A", bound=Aggregate)


@attrs.frozen(eq=False, kw_only=True)
class AggregateKind(Generic[_A]):
    """Where and how the aggregates of one kind are kept.

    Attributes:
        table: One row for each, by its key; with the columns ``version`` and
            ``state``.
        key: Of an aggregate, as the primary key of the table.
        row: What all columns hold.
        decode: The aggregate of a ``state``.
    """

    table: Table
    key: Callable[[_A], AggregateKey]
    row: Callable[[_A], Mapping[str, Any]]
    decode: Callable[[str], _A]


@attrs.frozen
class AggregateWrite(Generic[_A]):
    """An aggregate before and after a batch.

    Attributes:
        kind: Of it.
        before: As it stands on disk, or None.
        after: As it shall stand there.
    """

    kind: AggregateKind[_A]
    before: _A | None
    after: _A

    @property
    def row(self) -> tuple[int | None, Mapping[str, Any]]:
        """The version that is on disk, or None, and the columns."""
        version = None if self.before is None else self.before.version
        return version, self.kind.row(self.after)


class VersionedTable:
    """The statements of a table of aggregates.

    Args:
        table: As `AggregateKind` wants it.
        dialect: Of the database.
        once: Columns that only a new row is given.
    """

    def __init__(
        self, table: Table, dialect: Dialect, *, once: Collection[str] = ()
    ) -> None:
        self._name = table.name
        self._keys = [column.name for column in table.primary_key.columns]
        here = and_(*(table.c[name] == bindparam(f"key_{name}") for name in self._keys))
        apart = {*self._keys, *once}
        later = [name for name in table.c.keys() if name not in apart]  # noqa: SIM118 -- no dict
        self._one = Statement(select(table.c.state).where(here), dialect)
        self._new = Statement(insert(table), dialect)
        self._old = Statement(
            update(table)
            .where(here, table.c.version == bindparam("key_version"))
            .values({name: bindparam(name) for name in later}),
            dialect,
        )

    def state(self, connection: Connection, key: AggregateKey) -> str | None:
        """Return the state of one aggregate, or None if there is none."""
        asked = {
            f"key_{name}": part for name, part in zip(self._keys, key, strict=True)
        }
        found = self._one.run(connection, [asked]).fetchone()
        return None if found is None else str(found[0])

    def write(
        self,
        connection: Connection,
        rows: Sequence[tuple[int | None, Mapping[str, Any]]],
    ) -> None:
        """Write *rows*, each over the version it names, or as a new one for None.

        Raises:
            StaleError: If one is not there at that version.
        """
        new = [{**row} for version, row in rows if version is None]
        old = [
            {
                **row,
                **{f"key_{name}": row[name] for name in self._keys},
                "key_version": version,
            }
            for version, row in rows
            if version is not None
        ]
        message = f"another engine wrote a row of {self._name} first"
        if new:
            try:
                self._new.run(connection, new)
            except IntegrityError as error:
                raise StaleError(message) from error
        if old and self._old.run(connection, old).rowcount != len(old):
            raise StaleError(message)
