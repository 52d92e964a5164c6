"""The table of members: one row for each member of a life of a room.

The store keeps it on disk; `MembersInMemory` stands for it where there is no
store.  Both pass one suite.

What the SFU shows of a member is compared by a digest, so that a listing of
twenty thousand people is compared without their rows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias

import attrs

from utd_stream.engine.rules.rows import is_here
from utd_stream.engine.rules.state import Life, Member
from utd_stream.models.rooms import UTDRole

__all__ = [
    "Connected",
    "Life",
    "MemberRow",
    "Members",
    "MembersInMemory",
    "Place",
]

Place: TypeAlias = tuple[Life, str]  # whose row: a life and an identity


class Connected(NamedTuple):
    """What is known of somebody connected, to compare with a listing.

    Attributes:
        identity: Who.
        sid: Of the connection.
        seen_at: When the engine was told last of that connection, in seconds
            since 1970 UTC.
        shown: Digest of what the SFU shows; empty if they must be looked at.
    """

    identity: str
    sid: str
    seen_at: float
    shown: str


@attrs.frozen
class MemberRow:
    """A member, and what is looked for in the table.

    Attributes:
        life: Of which room, and which of its lives.
        member: As decided.
        shown: Digest of what the SFU shows while they have no seat; empty for
            those who must be looked at in any case.
        plain: Nothing is lost when the row is deleted.
        due_at: When somebody must look at it, in seconds since 1970 UTC.
    """

    life: Life
    member: Member
    shown: str
    plain: bool
    due_at: float | None

    @property
    def place(self) -> Place:
        """Whose row it is."""
        return (self.life, self.member.identity)


class Members(Protocol):
    """The table, as far as decisions and lists look at it."""

    def rows(self, places: Collection[Place]) -> Mapping[Place, Member]:
        """Return those of *places* that are rows."""
        ...

    def others(
        self, life: Life, names: Collection[str], since: datetime | None
    ) -> bool:
        """Whether anybody but *names* is connected, and was seen since then."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[Place]:
        """Return whose time has come, those who wait longest first."""
        ...

    def ranges(self, life: Life, after: str, limit: int) -> Sequence[Connected]:
        """Return the first *limit* of the connected behind *after*, by identity."""
        ...

    def page(
        self, life: Life, first: int, limit: int, role: UTDRole | None = None
    ) -> Sequence[Member]:
        """Return *limit* admitted members from the *first* one on, by identity.

        Of those of one role, or of all for None.
        """
        ...


class MembersInMemory:
    """The table as a dict; `Members`."""

    def __init__(self) -> None:
        self._rows: dict[Life, dict[str, MemberRow]] = {}

    def write(self, rows: Iterable[MemberRow]) -> None:
        """Add or replace rows."""
        for row in rows:
            self._rows.setdefault(row.life, {})[row.member.identity] = row

    def delete(self, places: Iterable[Place]) -> None:
        """Delete rows; does nothing for those that are not there."""
        for life, identity in places:
            self._rows.get(life, {}).pop(identity, None)

    def members_of(self, life: Life) -> Mapping[str, Member]:
        """Return all members of a life, by identity."""
        return {identity: row.member for identity, row in self._of(life).items()}

    def rows(self, places: Collection[Place]) -> Mapping[Place, Member]:
        """Return those of *places* that are rows."""
        found = ((place, self._of(place[0]).get(place[1])) for place in places)
        return {place: row.member for place, row in found if row is not None}

    def others(
        self, life: Life, names: Collection[str], since: datetime | None
    ) -> bool:
        """Whether anybody but *names* is connected, and was seen since then."""
        return any(
            is_here(row.member, since)
            for identity, row in self._of(life).items()
            if identity not in names
        )

    def due(self, now: datetime, limit: int) -> Sequence[Place]:
        """Return whose time has come, those who wait longest first."""
        found = [
            (row.due_at, row.place)
            for life in self._rows.values()
            for row in life.values()
            if row.due_at is not None and row.due_at <= now.timestamp()
        ]
        return [place for _, place in sorted(found)[:limit]]

    def ranges(self, life: Life, after: str, limit: int) -> Sequence[Connected]:
        """Return the first *limit* of the connected behind *after*, by identity."""
        rows = [row for row in self._sorted(life) if row.member.sid is not None]
        first = bisect_right(rows, after, key=lambda row: row.member.identity)
        return [_connected(row) for row in rows[first : first + limit]]

    def page(
        self, life: Life, first: int, limit: int, role: UTDRole | None = None
    ) -> Sequence[Member]:
        """Return *limit* admitted members from the *first* one on, by identity."""
        admitted = [
            row.member
            for row in self._sorted(life)
            if row.member.admitted and role in {None, row.member.role}
        ]
        return admitted[first : first + limit]

    def _of(self, life: Life) -> Mapping[str, MemberRow]:
        return self._rows.get(life, {})

    def _sorted(self, life: Life) -> list[MemberRow]:
        return [row for _, row in sorted(self._of(life).items())]


def _connected(row: MemberRow) -> Connected:
    member = row.member
    seen_at = member.seen_at.timestamp() if member.seen_at else 0.0
    return Connected(member.identity, member.sid or "", seen_at, row.shown)
