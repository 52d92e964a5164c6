"""The list of calls on disk: one row for each call there ever was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from sqlalchemy import Column, Connection, Dialect, and_, bindparam, func, or_, select

from utd_stream.engine._schema import CALLS
from utd_stream.engine._statement import Statement
from utd_stream.models.calls import UTDCallStatus

__all__ = ["CallTable", "Listed"]

_C = CALLS.c
_COLUMNS = (_C.initiated_at, _C.call_id, _C.caller, _C.callee)
_END_OF_TIME = 1e12


@attrs.frozen(order=True)
class Listed:
    """A call in the list; the newest is the greatest.

    Attributes:
        initiated_at: When it was created, in seconds since 1970 UTC.
        call_id: Which.
        caller: Identity.
        callee: Identity.
        type: Its type.
        status: Where it stands.
        state: The row as both parties are told it, JSON.
    """

    initiated_at: float
    call_id: str
    caller: str = attrs.field(order=False)
    callee: str = attrs.field(order=False)
    type: str = attrs.field(order=False)
    status: str = attrs.field(order=False)
    state: str = attrs.field(order=False)

    @property
    def is_live(self) -> bool:
        """Whether it rings or goes on."""
        return UTDCallStatus(self.status).is_live


class CallTable:
    """Rows of calls.

    Args:
        connection: Returns the store's; used within its transaction.
        dialect: Of the database.
    """

    def __init__(self, connection: Callable[[], Connection], dialect: Dialect) -> None:
        self._connection = connection
        self._one = Statement(
            select(*_COLUMNS, _C.type, _C.status, _C.state).where(
                _C.app_id == bindparam("key_app"), _C.call_id == bindparam("key_call")
            ),
            dialect,
        )
        self._all = Statement(_newest(None), dialect)
        self._called = Statement(_newest(_C.callee), dialect)
        self._calling = Statement(_newest(_C.caller), dialect)
        self._count_all = Statement(_count(None), dialect)
        self._count_called = Statement(_count(_C.callee), dialect)
        self._count_calling = Statement(_count(_C.caller), dialect)

    def row(self, app_id: str, call_id: str) -> Listed | None:
        """Return a call, or None if there never was one of that id."""
        asked = {"key_app": app_id, "key_call": call_id}
        found = self._one.run(self._connection(), [asked]).fetchone()
        return None if found is None else Listed(*found)

    def newest(
        self, app_id: str, identity: str | None, before: Listed | None, limit: int
    ) -> Sequence[Listed]:
        """Return the *limit* newest calls, from *before* backwards, newest first.

        Args:
            app_id: Whose.
            identity: One of the parties; None for everybody's.
            before: The call that was returned last; None to begin.
            limit: How many at most.
        """
        asked: dict[str, Any] = {
            "key_app": app_id,
            "key_at": before.initiated_at if before else _END_OF_TIME,
            "key_call": before.call_id if before else "",
            "key_limit": limit,
        }
        if identity is None:
            found = self._all.run(self._connection(), [asked]).fetchall()
            return [Listed(*columns) for columns in found]
        asked["key_party"] = identity
        both = [
            Listed(*columns)
            for statement in (self._calling, self._called)
            for columns in statement.run(self._connection(), [asked]).fetchall()
        ]
        return sorted(both, reverse=True)[:limit]

    def count(
        self,
        app_id: str,
        identity: str | None,
        start: float,
        end: float | None,
        most: int,
    ) -> int:
        """Return how many calls there are, by an index; *most* for more.

        Args:
            app_id: Whose.
            identity: One of the parties; None for everybody's.
            start: Created then or later, in seconds since 1970 UTC.
            end: Created earlier; None for no bound.
            most: What is counted at most.
        """
        asked: dict[str, Any] = {
            "key_app": app_id,
            "key_start": start,
            "key_end": _END_OF_TIME if end is None else end,
            "key_limit": most,
        }
        statements = [self._count_all]
        if identity is not None:
            asked["key_party"] = identity
            statements = [self._count_calling, self._count_called]
        # Nobody calls themselves, so none is counted twice.
        counts = [each.run(self._connection(), [asked]) for each in statements]
        return min(sum(int(count.scalar_one()) for count in counts), most)


def _count(party: Column[Any] | None) -> Any:
    where = [
        _C.app_id == bindparam("key_app"),
        _C.initiated_at >= bindparam("key_start"),
        _C.initiated_at < bindparam("key_end"),
    ]
    if party is not None:
        where.append(party == bindparam("key_party"))
    found = select(_C.call_id).where(*where).limit(bindparam("key_limit"))
    return select(func.count()).select_from(found.subquery())


def _newest(party: Column[Any] | None) -> Any:
    behind = or_(
        _C.initiated_at < bindparam("key_at"),
        and_(
            _C.initiated_at == bindparam("key_at"), _C.call_id < bindparam("key_call")
        ),
    )
    # Said apart, so that the index is entered at the right place.
    not_after = _C.initiated_at <= bindparam("key_at")
    where = [_C.app_id == bindparam("key_app"), not_after, behind]
    if party is not None:
        where.append(party == bindparam("key_party"))
    return (
        select(*_COLUMNS, _C.type, _C.status, _C.state)
        .where(*where)
        .order_by(_C.initiated_at.desc(), _C.call_id.desc())
        .limit(bindparam("key_limit"))
    )
