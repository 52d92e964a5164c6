"""The table of members on disk.

`Members` of `rules.members` over the store's connection.  Every statement is
compiled once and looks rows up by a key or an index, so that a command costs
the same in a room of ten and of twenty thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    or_,
    select,
    update,
)

from utd_stream.engine._codec import decode_member, encode_member
from utd_stream.engine._dialect import upsert
from utd_stream.engine._rows import RoomKey
from utd_stream.engine._schema import MEMBERS
from utd_stream.engine._statement import Statement
from utd_stream.engine.rules.members import Connected, Life, MemberRow, Place
from utd_stream.engine.rules.state import Member
from utd_stream.models.rooms import UTDRole

__all__ = ["MemberTable"]

_M = MEMBERS.c
_PLACE = (_M.app_id, _M.room, _M.life, _M.identity)
_COLUMNS = ("identity", "role", "admitted", "sid", "seen_at", "idle_since")
_MEMBER = (*(_M[name] for name in _COLUMNS), _M.state)
_CONNECTED_EVERYWHERE = (
    select(*_PLACE[:3], func.count()).where(_M.sid.is_not(None)).group_by(*_PLACE[:3])
)
_IS_OF_ROLE = _M.role == bindparam("key_role")
# Whom a list of members is of; the few who lead a room have an index of their own,
# which a database finds by the words of its condition.
_NARROWED: Mapping[str, tuple[ColumnElement[bool], ...]] = {
    "all": (),
    "role": (_IS_OF_ROLE,),
    "leading": (_IS_OF_ROLE, literal_column("role IN ('host', 'admin')")),
}
# So many rows are asked for in one statement: SQLite's are no deeper than 1,000.
_MOST_NAMED = 128
_LONG_AGO = 0.0


class MemberTable:
    """Rows of members; `Members`.

    Args:
        connection: Returns the store's; used within its transaction.
        dialect: Of the database.
    """

    def __init__(self, connection: Callable[[], Connection], dialect: Dialect) -> None:
        self._connection = connection
        self._dialect = dialect
        self._named: dict[int, Statement] = {}
        self._compile()

    def write(self, rows: Collection[MemberRow]) -> None:
        """Add or replace rows."""
        if rows:
            self._put.run(self._connection(), [_columns(row) for row in rows])

    def delete(self, places: Collection[Place]) -> None:
        """Delete rows; does nothing for those that are not there."""
        if places:
            self._drop.run(self._connection(), [_keys(place) for place in places])

    def put_off(self, places: Collection[Place], until: datetime) -> None:
        """Let rows be due later."""
        if places:
            due = {"new_due_at": until.timestamp()}
            rows = [_keys(place) | due for place in places]
            self._later.run(self._connection(), rows)

    def delete_below(self, key: RoomKey, life: int, limit: int) -> int:
        """Delete up to *limit* rows of the lives before *life*; how many there were."""
        row = {"key_app_id": key[0], "key_room": key[1], "key_life": life}
        found = self._below.run(self._connection(), [row | {"key_limit": limit}])
        places = [((app, room, past), who) for app, room, past, who in found.fetchall()]
        self.delete(places)
        return len(places)

    def rows(self, places: Collection[Place]) -> Mapping[Place, Member]:
        """Return those of *places* that are rows."""
        found: dict[Place, Member] = {}
        asked = list(places)
        for first in range(0, len(asked), _MOST_NAMED):
            some = asked[first : first + _MOST_NAMED]
            size = 1 << (len(some) - 1).bit_length()  # so that few texts are made
            padded = [*some, *[some[0]] * (size - len(some))]
            row: dict[str, Any] = {}
            for number, place in enumerate(padded):
                row |= {f"{k}_{number}": v for k, v in _keys(place).items()}
            rows = self._by_name(size).run(self._connection(), [row])
            for app, room, life, *member in rows.fetchall():
                found[(app, room, life), member[0]] = _member(member)
        return found

    def others(
        self, life: Life, names: Collection[str], since: datetime | None
    ) -> bool:
        """Whether anybody but *names* is connected, and was seen since then."""
        # Of one more than there are names, one is another.
        row = _in_life(life) | _seen(since) | {"key_limit": len(names) + 1}
        rows = self._here.run(self._connection(), [row]).fetchall()
        return any(identity not in names for (identity,) in rows)

    def due(self, now: datetime, limit: int) -> Sequence[Place]:
        """Return whose time has come, those who wait longest first."""
        row = {"key_now": now.timestamp(), "key_limit": limit}
        rows = self._due.run(self._connection(), [row]).fetchall()
        return [((app, room, life), who) for app, room, life, who in rows]

    def ranges(self, life: Life, after: str, limit: int) -> Sequence[Connected]:
        """Return the first *limit* of the connected behind *after*, by identity."""
        row = _in_life(life) | {"key_after": after, "key_limit": limit}
        rows = self._ranges.run(self._connection(), [row]).fetchall()
        return [
            Connected(who, sid, seen_at or 0.0, shown)
            for who, sid, seen_at, shown in rows
        ]

    def page(
        self, life: Life, first: int, limit: int, role: UTDRole | None = None
    ) -> Sequence[Member]:
        """Return *limit* admitted members from the *first* one on, by identity."""
        row = _in_life(life) | {"key_first": first, "key_limit": limit}
        statement, asked = self._pages[_kind(role)], row | _of_role(role)
        rows = statement.run(self._connection(), [asked]).fetchall()
        return [_member(row) for row in rows]

    def connected(self, life: Life, since: datetime | None) -> int:
        """Return how many members are connected."""
        row = _in_life(life) | _seen(since)
        count: int = self._connected.run(self._connection(), [row]).scalar()
        return count

    def all_connected(self) -> Mapping[Life, int]:
        """Return how many are connected, of every life in which somebody is."""
        rows = self._connection().execute(_CONNECTED_EVERYWHERE).fetchall()
        return {(app, room, life): count for app, room, life, count in rows}

    def admitted(self, life: Life, role: UTDRole | None = None) -> int:
        """Return how many members there are, all or those of one role."""
        row = _in_life(life) | _of_role(role)
        count: int = self._admitted[_kind(role)].run(self._connection(), [row]).scalar()
        return count

    def _by_name(self, size: int) -> Statement:
        if size not in self._named:
            each = (
                and_(*(c == bindparam(f"key_{c.name}_{n}") for c in _PLACE))
                for n in range(size)
            )
            found = select(*_PLACE[:3], *_MEMBER).where(or_(*each))
            self._named[size] = Statement(found, self._dialect)
        return self._named[size]

    def _compile(self) -> None:
        def of(statement: Any) -> Statement:
            return Statement(statement, self._dialect)

        in_life = and_(*(c == bindparam(f"key_{c.name}") for c in _PLACE[:3]))
        place = and_(in_life, _M.identity == bindparam("key_identity"))
        here = and_(
            in_life, _M.sid.is_not(None), _M.seen_at >= bindparam("key_seen_at")
        )
        limit: BindParameter[int] = bindparam("key_limit")
        self._put = of(upsert(MEMBERS, self._dialect.name))
        self._drop = of(delete(MEMBERS).where(place))
        self._later = of(
            update(MEMBERS).where(place).values(due_at=bindparam("new_due_at"))
        )
        self._here = of(select(_M.identity).where(here).limit(limit))
        self._due = of(
            select(*_PLACE)
            .where(_M.due_at.is_not(None), _M.due_at <= bindparam("key_now"))
            .order_by(_M.due_at)
            .limit(limit)
        )
        self._ranges = of(
            select(_M.identity, _M.sid, _M.seen_at, _M.shown)
            .where(in_life, _M.sid.is_not(None), _M.identity > bindparam("key_after"))
            .order_by(_M.identity)
            .limit(limit)
        )
        admitted = {
            kind: and_(in_life, _M.admitted, *narrowed)
            for kind, narrowed in _NARROWED.items()
        }
        self._pages = {
            kind: of(
                select(*_MEMBER)
                .where(condition)
                .order_by(_M.identity)
                .offset(bindparam("key_first"))
                .limit(limit)
            )
            for kind, condition in admitted.items()
        }
        self._connected = of(select(func.count()).where(here, _M.admitted))
        self._admitted = {
            kind: of(select(func.count()).where(condition))
            for kind, condition in admitted.items()
        }
        in_room = and_(
            _M.app_id == bindparam("key_app_id"), _M.room == bindparam("key_room")
        )
        self._below = of(
            select(*_PLACE)
            .where(in_room, _M.life < bindparam("key_life"))
            .limit(bindparam("key_limit"))
        )


def _in_life(life: Life) -> dict[str, Any]:
    return {"key_app_id": life[0], "key_room": life[1], "key_life": life[2]}


def _of_role(role: UTDRole | None) -> dict[str, str]:
    return {} if role is None else {"key_role": role.value}


def _kind(role: UTDRole | None) -> str:
    if role is None:
        return "all"
    return "leading" if role.moderates else "role"


def _keys(place: Place) -> dict[str, Any]:
    return {**_in_life(place[0]), "key_identity": place[1]}


def _seen(since: datetime | None) -> dict[str, float]:
    return {"key_seen_at": since.timestamp() if since else _LONG_AGO}


def _columns(row: MemberRow) -> dict[str, Any]:
    member = row.member
    return {
        "app_id": row.life[0],
        "room": row.life[1],
        "life": row.life[2],
        "identity": member.identity,
        "sid": member.sid,
        "seen_at": _seconds(member.seen_at),
        "shown": row.shown,
        "role": member.role.value,
        "admitted": member.admitted,
        "plain": row.plain,
        "idle_since": _seconds(member.idle_since),
        "place": None,
        "since": None,
        "due_at": row.due_at,
        "state": encode_member(member),
    }


def _member(row: Sequence[Any]) -> Member:
    columns: dict[str, Any] = dict(zip(_COLUMNS, row, strict=False))
    columns["admitted"] = bool(columns["admitted"])
    for name in ("seen_at", "idle_since"):
        columns[name] = _time(columns[name])
    return decode_member(row[-1], columns)


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at is not None else None


def _time(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
