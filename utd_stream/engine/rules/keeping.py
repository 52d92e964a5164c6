"""What is kept of a member in the table, and for how long.

A member who has had no connection for a while and holds nothing is forgotten:
rooms through which a hundred thousand people pass keep those who are there.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from utd_stream.engine.rules.kinds import kind_of
from utd_stream.engine.rules.listing import shown_without_place
from utd_stream.engine.rules.members import MemberRow
from utd_stream.engine.rules.state import NOT_MUTED, Member, Room, Rules
from utd_stream.models.rooms import UTDRole

__all__ = ["may_forget", "row_of"]


def row_of(room: Room, member: Member, rules: Rules) -> MemberRow:
    """Return *member* of *room* as a row."""
    forget_at = _forget_at(member, rules)
    return MemberRow(
        life=room.life_key,
        member=member,
        shown=shown_without_place(room, member),
        plain=_is_plain(member),
        due_at=forget_at.timestamp() if forget_at else None,
    )


def may_forget(room: Room, member: Member, now: datetime, rules: Rules) -> bool:
    """Whether nothing is lost with the row of *member*."""
    forget_at = _forget_at(member, rules)
    is_due = forget_at is not None and forget_at <= now
    return is_due and not kind_of(room).holds(room, member.identity)


def _is_plain(member: Member) -> bool:
    # An owner is a host.
    return member.role is UTDRole.AUDIENCE and member.muted == NOT_MUTED


def _forget_at(member: Member, rules: Rules) -> datetime | None:
    if not _is_plain(member) or member.idle_since is None:
        return None
    return member.idle_since + timedelta(seconds=rules.forget_idle)
