"""The one decision: a room, a command, who, when -> a room, an answer, effects.

Pure: the same arguments give the same decision.  Who may, is one function
before any row; what happens, are rows of the machines and the grid functions
beside them; whether the grid's revision rises, is one comparison at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, assert_never

import attrs

from utd_stream.contract.answers import (
    InvitationAnswer,
    RequestAnswer,
    SeatAnswer,
    SeatedAnswer,
)
from utd_stream.contract.endpoints import Who
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules import minting, roster, seating, speaking, waiting
from utd_stream.engine.rules.authority import check_may
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.effects import Effect
from utd_stream.engine.rules.set_back import settled
from utd_stream.engine.rules.state import Room, Rules
from utd_stream.errors import InvalidRequestError, NotFoundError
from utd_stream.machines.invitation import InvitationState
from utd_stream.machines.request import RequestState

__all__ = ["Decision", "decide", "next_deadline", "overdue"]


@attrs.frozen(kw_only=True)
class Decision:
    """What a command does.

    Attributes:
        room: After it; the same object when nothing changed.
        answer: For the caller: a model of `utd_stream.contract.answers`, for
            Enter the `Member` as admitted, None for facts.
        effects: For the outbox, in the order they were called for.
    """

    room: Room
    answer: Any = None
    effects: tuple[Effect, ...] = ()


def decide(  # noqa: PLR0913 -- all that a decision may depend on
    room: Room | None,
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
    draft = Draft(before, actor, now, rules)
    answer = _decide(draft, command, room, who)
    after, effects = draft.finish()
    if isinstance(answer, _WITH_GRID):
        answer = attrs.evolve(answer, rev=after.rev, grid=after.grid)
    return Decision(room=after, answer=answer, effects=effects)


def next_deadline(room: Room, rules: Rules) -> datetime | None:
    """Return when somebody must look at the room next, or None."""
    return min((at for at, _ in _deadlines(room, rules)), default=None)


def overdue(room: Room, rules: Rules, now: datetime) -> frozenset[str]:
    """Return what is due: ``time`` for TimePassed, ``listing`` for a listing.

    A grace and an emptiness are judged by a listing only.  A room of the
    future is due, whatever its deadlines say.
    """
    due = {what for at, what in _deadlines(room, rules) if at <= now}
    if settled(room, now, rules) is not room:
        due.add("time")  # the clock was set back: the deadlines are others now
    return frozenset(due)


def _deadlines(room: Room, rules: Rules) -> Iterator[tuple[datetime, str]]:
    if not room.is_live:
        return
    for request in room.requests:
        if request.state is RequestState.PENDING:
            yield request.data.expires_at, "time"
    for invited in room.invites:
        if invited.state is InvitationState.PENDING:
            yield invited.data.expires_at, "time"
    for seat in room.seats:
        member = room.members.get(seat.data.occupant or "")
        if member is not None and member.absence is not None:
            grace = timedelta(seconds=member.absence.grace)
            yield member.absence.since + grace, "listing"
    if room.empty_since is not None:
        yield room.empty_since + timedelta(seconds=rules.room_empty), "listing"


def _decide(draft: Draft, command: c.Command, room: Room | None, who: Who) -> Any:
    match command:
        case c.Enter():
            return minting.enter(draft, _person(draft.actor), command.request)
        case c.LeaveRoom():
            # Quiet whatever became of the room: saying goodbye is never wrong.
            return roster.leave(draft, _person(draft.actor), command)
        case (
            c.MemberJoined()
            | c.MemberLeft()
            | c.MembersListed()
            | c.RoomGone()
            | c.TimePassed()
        ):
            if room is None:
                message = "no room of this name ever lived"
                raise NotFoundError(message)
            return _hear(draft, command)
        case _:
            check_may(room, draft.actor, who)
            return _obey(draft, command)


def _hear(draft: Draft, fact: c.Fact) -> None:
    match fact:
        case c.MemberJoined():
            roster.joined(draft, fact)
        case c.MemberLeft():
            roster.left(draft, fact)
        case c.MembersListed():
            roster.listed(draft, fact)
        case c.RoomGone():
            roster.gone(draft, fact)
        case c.TimePassed():
            waiting.expire(draft)
        case _:
            assert_never(fact)


def _obey(draft: Draft, command: c.Order) -> Any:  # noqa: C901, PLR0911, PLR0912 -- a line each
    match command:
        case c.EndRoom():
            return roster.end(draft)
        case c.KickMember():
            return roster.kick(draft, command)
        case c.SetupSeats():
            return seating.setup(draft, command)
        case c.TakeSeat():
            return seating.take(draft, _person(draft.actor), command)
        case c.LeaveSeat():
            return seating.leave(draft, _person(draft.actor))
        case c.MoveSeat():
            return seating.move(draft, _person(draft.actor), command)
        case c.SwapSeats():
            return seating.swap(draft, command)
        case (
            c.KickFromSeat()
            | c.LockSeat()
            | c.UnlockSeat()
            | c.MuteSeat()
            | c.UnmuteSeat()
        ):
            return seating.act_on_seat(draft, command)
        case c.RequestToSpeak():
            return speaking.ask(draft, _person(draft.actor))
        case c.CancelRequest():
            return speaking.cancel(draft, _person(draft.actor))
        case c.ApproveSpeaker():
            return speaking.approve(draft, command)
        case c.RejectSpeaker():
            return speaking.reject(draft, command)
        case c.InviteToSpeak():
            return speaking.invite(draft, command)
        case c.AcceptInvitation():
            return speaking.accept(draft, _person(draft.actor), command)
        case c.DeclineInvitation():
            return speaking.decline(draft, _person(draft.actor), command)
        case _:
            assert_never(command)


def _person(actor: c.Actor) -> str:
    if actor.identity is None:
        message = "required: say for whom the app's back end acts"
        raise InvalidRequestError.at(("$.identity", message))
    return actor.identity


_WITH_GRID = (SeatAnswer, SeatedAnswer, RequestAnswer, InvitationAnswer)
