"""Requests and invitations to speak: commands that fire their rows.

Source: contract.md section 3, Speakers; lessons L29, L30.
"""

from __future__ import annotations

from datetime import timedelta

from utd_stream.contract.answers import (
    InvitationAnswer,
    RequestAnswer,
    SeatAnswer,
    SeatedAnswer,
)
from utd_stream.engine.rules import seating, waiting
from utd_stream.engine.rules.commands import (
    AcceptInvitation,
    ApproveSpeaker,
    DeclineInvitation,
    InviteToSpeak,
    RejectSpeaker,
)
from utd_stream.engine.rules.draft import NO_GRID, Draft
from utd_stream.engine.rules.state import Invite, Request
from utd_stream.errors import ConflictError, NotFoundError
from utd_stream.machines.invitation import (
    Accept,
    Decline,
    InvitationData,
    ReleaseSeat,
)
from utd_stream.machines.request import Approve, Cancel, Reject, RequestData
from utd_stream.machines.seat import Reserve
from utd_stream.models.rooms import SeatMode

__all__ = [
    "accept",
    "approve",
    "ask",
    "cancel",
    "decline",
    "invite",
    "reject",
]


def ask(draft: Draft, identity: str) -> RequestAnswer:
    """Ask for a seat."""
    room = draft.room
    if room.seat_mode is SeatMode.FREE:
        message = "anybody may take a free seat here: take one"
        raise ConflictError(message)
    if room.seat_index_of(identity) is not None:
        message = "already seated"
        raise ConflictError(message, code="already_seated")
    pending = waiting.pending_requests(draft)
    if any(r.data.identity == identity for r in pending):
        message = "asked already: wait for the answer, or cancel"
        raise ConflictError(message, code="pending")
    if len(pending) >= draft.rules.max_requests:
        message = "too many requests wait in this room: try again later"
        raise ConflictError(message)
    number = draft.take_id()
    lapse = draft.now + timedelta(seconds=draft.rules.request_expiry)
    data = RequestData(identity=identity, created_at=draft.now, expires_at=lapse)
    draft.put_request(Request(id=number, data=data))
    return _request_answer(draft, number)


def cancel(draft: Draft, identity: str) -> SeatAnswer:
    """Ask no more; nothing happens to who has not asked."""
    for request in waiting.pending_requests(draft):
        if request.data.identity == identity:
            waiting.fire_request(draft, request, Cancel())
    return seating.answer(draft)


def approve(draft: Draft, command: ApproveSpeaker) -> SeatedAnswer:
    """Seat the requester on the first free seat."""
    request = _request(draft, command.request_id)
    event = Approve(draft.actor.name, draft.first_free())
    for effect in waiting.fire_request(draft, request, event):
        seating.seat_member(draft, effect.identity, effect.seat_index)
    return seating.seated_answer(draft, request.data.identity, request_id=request.id)


def reject(draft: Draft, command: RejectSpeaker) -> RequestAnswer:
    """Refuse the requester."""
    request = _request(draft, command.request_id)
    waiting.fire_request(draft, request, Reject(draft.actor.name))
    return _request_answer(draft, request.id)


def invite(draft: Draft, command: InviteToSpeak) -> InvitationAnswer:
    """Ask somebody to sit down."""
    identity, index = command.identity, command.seat_index
    if draft.room.member(identity) is None:
        message = "the invited is no member of this room"
        raise NotFoundError(message)
    if draft.room.seat_index_of(identity) is not None:
        message = "the invited sits already"
        raise ConflictError(message, code="already_seated")
    if any(i.data.identity == identity for i in waiting.pending_invites(draft)):
        message = "invited already: wait for the answer"
        raise ConflictError(message, code="pending")
    if index is not None:
        draft.seat(index, "$.seat_index")
        draft.fire(index, Reserve(identity))
    number = draft.take_id()
    data = InvitationData(
        identity=identity,
        seat_index=index,
        created_at=draft.now,
        expires_at=draft.now + timedelta(seconds=draft.rules.request_expiry),
    )
    draft.put_invite(Invite(id=number, data=data))
    return _invitation_answer(draft, number)


def accept(draft: Draft, identity: str, command: AcceptInvitation) -> SeatedAnswer:
    """Sit down as invited."""
    invited = _invite_of(draft, identity, command.invitation_id)
    held = invited.data.seat_index
    event = Accept(held if held is not None else draft.first_free())
    for effect in waiting.fire_invite(draft, invited, event):
        if not isinstance(effect, ReleaseSeat):
            seating.seat_member(draft, effect.identity, effect.seat_index)
    return seating.seated_answer(draft, identity, invitation_id=invited.id)


def decline(
    draft: Draft, identity: str, command: DeclineInvitation
) -> InvitationAnswer:
    """Stay where one is."""
    invited = _invite_of(draft, identity, command.invitation_id)
    waiting.fire_invite(draft, invited, Decline())
    return _invitation_answer(draft, invited.id)


def _request(draft: Draft, number: int) -> Request:
    room = draft.room
    for request in room.requests:
        if request.id == number:
            return request
    is_invitation = any(invited.id == number for invited in room.invites)
    if room.first_id <= number < room.next_id and not is_invitation:
        message = "the request was taken back, or has lapsed"
        raise ConflictError(message, code="settled", details={"settled_by": None})
    message = "there is no such request in this life of the room"
    raise NotFoundError(message)


def _invite_of(draft: Draft, identity: str, number: int) -> Invite:
    for invited in draft.room.invites:
        if invited.id == number and invited.data.identity == identity:
            return invited
    message = "there is no such invitation for this member"
    raise NotFoundError(message)


def _request_answer(draft: Draft, number: int) -> RequestAnswer:
    return RequestAnswer(rev=draft.room.rev, grid=NO_GRID, request_id=number)


def _invitation_answer(draft: Draft, number: int) -> InvitationAnswer:
    return InvitationAnswer(rev=draft.room.rev, grid=NO_GRID, invitation_id=number)
