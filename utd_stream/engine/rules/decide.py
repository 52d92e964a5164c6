"""The one decision: a room, a command, who, when -> a room, an answer, effects.

Pure: the same arguments give the same decision.  Who may, is one function
before any row; what happens, is the handler that a table gives for the command;
whether the revision rises, is one comparison at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import attrs

from utd_stream.contract.endpoints import Who
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules import facts, minting, muting, roster
from utd_stream.engine.rules.authority import check_may
from utd_stream.engine.rules.call.commands import nothing_there
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.effects import Effect
from utd_stream.engine.rules.finish import finish
from utd_stream.engine.rules.kind import Answer, Due, Made, handlers, on
from utd_stream.engine.rules.kinds import kind_of
from utd_stream.engine.rules.roles import set_role
from utd_stream.engine.rules.rows import Rows
from utd_stream.engine.rules.set_back import settled
from utd_stream.engine.rules.state import Member, Room, Rules
from utd_stream.errors import ConflictError, NotFoundError

__all__ = ["Decision", "decide", "next_deadline", "overdue"]


@attrs.frozen(kw_only=True)
class Decision:
    """What a command does.

    Attributes:
        room: After it; the same object when nothing of it changed.
        members: Those who were added or changed.
        answer: For the caller: a model of `utd_stream.contract.answers`, for
            Enter the `Member` as admitted, None for facts.
        effects: For the outbox, in the order they were called for.
    """

    room: Room
    members: tuple[Member, ...] = ()
    answer: Answer | None = None
    effects: tuple[Effect, ...] = ()


def decide(  # noqa: PLR0913 -- all that a decision may depend on
    room: Room | None,
    rows: Rows,
    command: c.Command,
    *,
    key: tuple[str, str],
    who: Who,
    actor: c.Actor,
    now: datetime,
    rules: Rules,
) -> Decision:
    """Decide *command*.

    Args:
        room: As committed, or None if the name never lived.
        rows: The members that `needs` names, as committed.
        command: What is asked or told.
        key: App id and room name.
        who: Who may; `Who.SFU` for facts.
        actor: On whose behalf.
        now: UTC.
        rules: The numbers in force.

    Raises:
        EngineError: If it is refused; nothing changes then.
        NotFoundError: If the room never began or has ended.
    """
    before = roster.unborn(*key, now) if room is None else room
    start = settled(before, now, rules)
    draft = Draft(start, before=before, rows=rows, actor=actor, now=now, rules=rules)
    made = _decide(draft, command, room, who)
    after, effects = finish(draft)
    answer = made(after) if made else None
    return Decision(room=after, members=draft.changed, answer=answer, effects=effects)


def next_deadline(
    room: Room, rules: Rules, after: datetime | None = None
) -> datetime | None:
    """Return when somebody must look at the room next, or None.

    Args:
        room: As committed.
        rules: The numbers in force.
        after: Deadlines until then are looked at already; None for none of them.
    """
    times = (at for at, _ in _deadlines(room, rules))
    return min((at for at in times if after is None or at > after), default=None)


def overdue(room: Room, rules: Rules, now: datetime) -> frozenset[Due]:
    """Return what is due: ``time`` for TimePassed, ``listing`` for a listing.

    A grace and an emptiness are judged by a listing only.  A room of the
    future is due, whatever its deadlines say.
    """
    due: set[Due] = {what for at, what in _deadlines(room, rules) if at <= now}
    if settled(room, now, rules) is not room:
        due.add("time")  # the clock was set back: the deadlines are others now
    return frozenset(due)


def _deadlines(room: Room, rules: Rules) -> Iterator[tuple[datetime, Due]]:
    if not room.is_live:
        return
    yield from kind_of(room).deadlines(room)
    if room.empty_since is not None:
        yield room.empty_since + timedelta(seconds=rules.room_empty), "listing"


# A goodbye is answered whatever became of the room: it is never wrong.
_ALWAYS = handlers(on(c.Enter, minting.enter), on(c.LeaveRoom, roster.leave))
_FACTS = handlers(
    on(c.MemberJoined, roster.joined),
    on(c.MemberLeft, roster.left),
    on(c.MembersListed, roster.listed),
    on(c.RoomGone, roster.gone),
    on(c.RoomOpened, roster.opened),
    on(c.TimePassed, roster.expire),
)
_ORDERS = handlers(
    on(c.EndRoom, roster.end),
    on(c.KickMember, roster.kick),
    on(c.SetRole, set_role),
    on(c.MuteParticipant, muting.mute_participant),
    on(c.MuteRoom, muting.mute_room),
    on(c.LockChat, facts.lock_chat),
    on(c.UnlockChat, facts.unlock_chat),
    on(c.SetRoomMetadata, facts.set_room_metadata),
)


def _decide(
    draft: Draft, command: c.Command, room: Room | None, who: Who
) -> Made | None:
    kind = type(command)
    if kind in _ALWAYS:
        return _ALWAYS[kind](draft, command)
    if kind in _FACTS:
        if room is None:
            message = "no room of this name ever lived"
            raise NotFoundError(message)
        return _FACTS[kind](draft, command)
    if isinstance(command, c.CallCommand):
        if room is None:
            raise nothing_there()
    else:
        check_may(room, draft.members, draft.actor, who)
    handler = _ORDERS.get(kind) or kind_of(draft.room).commands.get(kind)
    if handler is None:
        message = f"a room of the type {draft.room.type.value} takes no such command"
        details = {"type": draft.room.type.value}
        raise ConflictError(message, details=details)
    return handler(draft, command)
