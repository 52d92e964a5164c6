"""Who may do what: one pure function before any row of a table.

Source: contract.md sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from utd_stream.contract.endpoints import Who
from utd_stream.engine.rules.commands import Actor
from utd_stream.engine.rules.rows import member_of
from utd_stream.engine.rules.state import Member, Room
from utd_stream.errors import EngineError, NotFoundError, PermissionDeniedError
from utd_stream.models.rooms import UTDRole

Members: TypeAlias = Mapping[str, Member]

__all__ = ["check_acts_on", "check_may", "hosts", "moderates"]

_OWNER_RANK = UTDRole.HOST.rank + 1
# The rank that a bearer must have; who is no member has none.
_LEAST = {
    Who.SELF: 0,
    Who.MEMBER: 0,
    Who.MODERATOR: UTDRole.ADMIN.rank,
    Who.HOST: UTDRole.HOST.rank,
    Who.OWNER: _OWNER_RANK,
}


def moderates(room: Room, members: Members, actor: Actor) -> bool:
    """Whether *actor* may moderate this room now."""
    return actor.is_secret or _rank(room, members, actor.identity) >= UTDRole.ADMIN.rank


def hosts(room: Room, members: Members, actor: Actor) -> bool:
    """Whether *actor* has the authority of a host in this room now."""
    return actor.is_secret or _rank(room, members, actor.identity) >= UTDRole.HOST.rank


def check_may(room: Room | None, members: Members, actor: Actor, who: Who) -> Room:
    """Return the room if *actor* may call what *who* may.

    Raises:
        NotFoundError: If the room never began, or has ended.
        PermissionDeniedError: If the caller is no member, or its role too low.
    """
    if room is None or not room.is_live:
        message = "there is no such room now: it begins with the first token"
        raise NotFoundError(message)
    if who is Who.SFU or _may(room, members, actor, who):
        return room
    raise _refusal(member_of(room, members, actor.identity), who)


def check_acts_on(
    room: Room, members: Members, actor: Actor, identity: str | None
) -> None:
    """Refuse an act on somebody who stands too high.

    An admin never acts on a host or the owner, a host never on the owner.
    Nobody, oneself and those who are no members can be acted on.

    Raises:
        PermissionDeniedError: If *identity* stands too high.
    """
    if identity is None or actor.is_secret or identity == actor.identity:
        return
    if room.owner == identity and member_of(room, members, identity) is not None:
        message = "nobody but the app may act on the owner"
        raise PermissionDeniedError(message)
    host = UTDRole.HOST.rank
    if _rank(room, members, identity) >= host > _rank(room, members, actor.identity):
        message = "an admin may not act on a host"
        raise PermissionDeniedError(message)


def _may(room: Room, members: Members, actor: Actor, who: Who) -> bool:
    if actor.is_secret and who is not Who.SELF:
        return True
    least = _LEAST.get(who)
    return least is not None and _rank(room, members, actor.identity) >= least


def _rank(room: Room, members: Members, identity: str | None) -> int:
    member = member_of(room, members, identity)
    if member is None:
        return -1
    return _OWNER_RANK if room.owner == identity else member.role.rank


def _refusal(member: Member | None, who: Who) -> EngineError:
    if who is Who.SECRET:
        return PermissionDeniedError("only the app's own back end may do this")
    if member is None:
        return PermissionDeniedError("not a member of this room: mint a token first")
    if who is Who.OWNER:
        return PermissionDeniedError("only the owner of the room may do this")
    return PermissionDeniedError(f"the role {member.role.value} may not do this")
