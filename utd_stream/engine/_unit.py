"""The unit of work of one batch: aggregates of every kind, read once.

What one command of the batch decides, the next one sees; all of it is written
in one transaction, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeAlias, TypeVar, cast

import attrs

from utd_stream.engine._aggregates import (
    Aggregate,
    AggregateKey,
    AggregateKind,
    AggregateWrite,
)
from utd_stream.engine._batch_rows import BatchRows
from utd_stream.engine._rows import ROOM
from utd_stream.engine.committed import Committed
from utd_stream.engine.orders import Order
from utd_stream.engine.rules.effects import Effect
from utd_stream.engine.rules.members import Place
from utd_stream.engine.rules.state import Member, Room
from utd_stream.engine.store import RoomKey, Store

__all__ = [
    "AggregateRef",
    "Aggregates",
    "Decided",
    "Decider",
    "Deciders",
    "Put",
    "UnitOfWork",
]

_A = TypeVar("_A", bound=Aggregate)

AggregateRef: TypeAlias = tuple[AggregateKind[Any], AggregateKey]


class Aggregates(Protocol):
    """What a decision may look at."""

    def get(self, kind: AggregateKind[_A], key: AggregateKey) -> _A | None:
        """Return an aggregate as it is now in the batch, or None."""
        ...

    def member(self, place: Place) -> Member | None:
        """Return a member as they are now in the batch, or None."""
        ...


@attrs.frozen
class Put:
    """An aggregate as it shall be."""

    kind: AggregateKind[Any]
    after: Aggregate


@attrs.frozen(kw_only=True)
class Decided:
    """What a command on several aggregates does.

    Attributes:
        puts: What changes, each with the next version.
        room: Which of them the answer is of; None if of none.
        members: Those of *room* who were added or changed.
        answer: A model of `utd_stream.contract.answers`, or what the order's reply
            makes the answer of.
        effects: For the outbox, each with the room it is about.
        status: HTTP status of the answer.
    """

    puts: Sequence[Put] = ()
    room: Room | None = None
    members: Sequence[Member] = ()
    answer: object
    effects: Sequence[tuple[Room, Effect]] = ()
    status: int = 200


class Decider(Protocol):
    """Decides the commands of one class, on aggregates of any kinds.  Pure."""

    def names(self, order: Order) -> Iterable[AggregateRef]:
        """Yield what *order* looks at, as far as can be told before it is read."""
        ...

    def due(self, order: Order, aggregates: Aggregates, /) -> Iterable[RoomKey]:
        """Yield the rooms of which something may be overdue, which is decided first."""
        ...

    def decide(self, order: Order, aggregates: Aggregates, now: datetime) -> Decided:
        """Return what *order* does.

        Raises:
            EngineError: If it is refused; nothing changes then.
        """
        ...


Deciders: TypeAlias = Mapping[type[object], Decider]


class UnitOfWork:
    """`Aggregates` in the middle of a batch.

    Args:
        store: Read within the batch's transaction.
        committed: The rooms that need not be read.
        rows: Members in the middle of the batch.
    """

    def __init__(self, store: Store, committed: Committed, rows: BatchRows) -> None:
        self._store = store
        self._committed = committed
        self._rows = rows
        self._before: dict[AggregateRef, Aggregate | None] = {}
        self._after: dict[AggregateRef, Aggregate] = {}

    def get(self, kind: AggregateKind[_A], key: AggregateKey) -> _A | None:
        """Return an aggregate as it is now in the batch, or None."""
        ref = kind, key
        if ref in self._after:
            return cast("_A", self._after[ref])
        if ref not in self._before:
            self._before[ref] = self._read(kind, key)
        return cast("_A | None", self._before[ref])

    def member(self, place: Place) -> Member | None:
        """Return a member as they are now in the batch, or None."""
        return self._rows.one(place)

    def check(self, put: Put) -> None:
        """Refuse what cannot be written over what is there now.

        Raises:
            ValueError: If it is not the next version: a bug of who decided.
        """
        before = self.get(put.kind, put.kind.key(put.after))
        if put.after.version != (before.version if before else 0) + 1:
            message = f"not the next version of a row of {put.kind.table.name}"
            raise ValueError(message)

    def put(self, kind: AggregateKind[_A], after: _A) -> None:
        """Take what was decided, of an aggregate that was read."""
        self._after[kind, kind.key(after)] = after

    def rooms(self) -> Iterable[tuple[Room | None, Room]]:
        """Yield the rooms that change, before and after."""
        for ref, after in self._after.items():
            if ref[0] is ROOM:
                yield cast("Room | None", self._before[ref]), cast("Room", after)

    def others(self) -> Sequence[AggregateWrite[Any]]:
        """Return the writes of all other kinds."""
        return [
            AggregateWrite(ref[0], self._before[ref], after)
            for ref, after in self._after.items()
            if ref[0] is not ROOM
        ]

    def _read(self, kind: AggregateKind[_A], key: AggregateKey) -> Aggregate | None:
        if kind is not ROOM:
            return self._store.aggregate(kind, key)
        room_key = cast("RoomKey", key)
        try:
            return self._committed.room(room_key)
        except KeyError:
            room = self._store.load(room_key)
            self._committed.keep(room_key, room)
            return room
