"""The members that one decision is given, and no other.

Pure.  A room can have twenty thousand members, so a decision loads those that
`needs` names.  `Rows` raises for any other name, so that each walk over the
rules also proves `needs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import attrs

from utd_stream.engine.rules.state import Member, Room

__all__ = ["NotNamedError", "Rows", "as_seen", "is_here", "member_of"]


class NotNamedError(LookupError):
    """A rule asked for something that `needs` did not name: a bug."""


class Rows(Mapping[str, Member]):
    """Members of one life, by identity.

    Args:
        found: Each name that was asked for; None where there is no such member.
        others: Whether anybody beside these is connected; None if that was not
            asked.

    Attributes:
        found: Likewise.
    """

    __slots__ = ("_others", "found")

    def __init__(
        self, found: Mapping[str, Member | None], *, others: bool | None = None
    ) -> None:
        self.found: Mapping[str, Member | None] = found
        self._others = others

    @property
    def somebody(self) -> bool:
        """Whether anybody at all is connected."""
        if self._others is None:
            message = "whether others are connected"
            raise NotNamedError(message)
        return self._others or any(member.is_connected for member in self.values())

    def over(self, found: Mapping[str, Member | None]) -> Rows:
        """Return the same, with other members under the names."""
        return Rows(found, others=self._others)

    def __getitem__(self, identity: str) -> Member:
        try:
            member = self.found[identity]
        except KeyError:
            raise NotNamedError(identity) from None
        if member is None:
            raise KeyError(identity)
        return member

    def __iter__(self) -> Iterator[str]:
        return (name for name, member in self.found.items() if member is not None)

    def __len__(self) -> int:
        return sum(member is not None for member in self.found.values())


def member_of(
    room: Room, rows: Mapping[str, Member], identity: str | None
) -> Member | None:
    """Return the member of the life that goes on, or None."""
    if identity is None or not room.is_live:
        return None
    found = rows.get(identity)
    return found if found is not None and found.admitted else None


def is_here(member: Member, lost_before: datetime | None) -> bool:
    """Whether the SFU sees *member* now, as far as the engine knows.

    Args:
        member: As it was written last.
        lost_before: The SFU has forgotten all connections seen before then.
    """
    if member.sid is None:
        return False
    if lost_before is None:
        return True
    return member.seen_at is not None and member.seen_at >= lost_before


def as_seen(member: Member, lost_before: datetime | None) -> Member:
    """Return *member* without a connection that the SFU has forgotten.

    As a rule it is the same object.
    """
    if member.sid is None or is_here(member, lost_before):
        return member
    return attrs.evolve(member, sid=None, idle_since=lost_before)
