"""Which members a command is about: the rows that must be loaded to decide it.

Pure.  A rule that looks at another row is a bug, which `Rows` tells at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import attrs

from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.kinds import kind_of
from utd_stream.engine.rules.state import Room

__all__ = ["Needs", "needs"]


@attrs.frozen
class Needs:
    """What a decision looks at beside the room.

    Attributes:
        names: Whose rows.
        others: Whether it matters if anybody else is connected.
        since: Of these others: a connection seen before then is none.
    """

    names: frozenset[str]
    others: bool = False
    since: datetime | None = None


def needs(room: Room, command: c.Command, actor: c.Actor) -> Needs:
    """Return what *command* of *actor* is decided by, beside *room*."""
    names = frozenset(filter(None, (actor.identity, *_about(room, command))))
    since = room.lost_before
    match command:
        case c.RoomGone(asked_at=at):
            since = at if since is None else max(at, since)
            return Needs(names, others=True, since=since)
        case c.MemberLeft() | c.MembersListed():
            return Needs(names, others=True, since=since)
        case _:
            return Needs(names)


def _about(room: Room, command: c.Command) -> Iterator[str | None]:
    match command:
        case (
            c.KickMember(identity=identity)
            | c.SetRole(identity=identity)
            | c.MuteParticipant(identity=identity)
            | c.MemberLeft(identity=identity)
        ):
            yield identity
        case c.MemberJoined(participant=participant):
            yield participant.identity
        case c.MuteRoom() if room.is_live:
            yield from kind_of(room).placed(room)
        case c.MembersListed():
            for participant in command.participants:
                yield participant.identity
            yield from command.vanished
        case _:
            pass
    if room.is_live:
        yield from kind_of(room).needs(room, command)
