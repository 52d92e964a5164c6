"""Requests and invitations to speak: commands that fire their rows.

Source: contract.md section 3, Speakers; lessons L29, L30.
"""

from __future__ import annotations

from datetime import timedelta

from utd_stream.contract.answers import InvitationAnswer, RequestAnswer
from utd_stream.engine.rules.audio_room import seating, waiting
from utd_stream.engine.rules.audio_room.grid import (
    fire,
    first_free,
    put_invite,
    put_request,
    seat_at,
)
from utd_stream.engine.rules.audio_room.state import (
    Invite,
    Request,
    audio_room,
    grid_of,
)
from utd_stream.engine.rules.commands import (
    AcceptInvitation,
    ApproveSpeaker,
    CancelRequest,
    DeclineInvitation,
    InviteToSpeak,
    RejectSpeaker,
    RequestToSpeak,
)
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.kind import Made
from utd_stream.engine.rules.state import Room
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


def ask(draft: Draft, _: RequestToSpeak) -> Made:
    """Ask for a seat."""
    identity, content = draft.person, audio_room(draft.room)
    if content.seat_mode is SeatMode.FREE:
        message = "anybody may take a free seat here: take one"
        raise ConflictError(message)
    if content.index_of(identity) is not None:
        message = "already seated"
        raise ConflictError(message, code="already_seated")
    pending = content.pending_requests
    if any(r.data.identity == identity for r in pending):
        message = "asked already: wait for the answer, or cancel"
        raise ConflictError(message, code="pending")
    if len(pending) >= draft.rules.max_requests:
        message = "too many requests wait in this room: try again later"
        raise ConflictError(message)
    number = draft.take_id()
    lapse = draft.now + timedelta(seconds=draft.rules.request_expiry)
    data = RequestData(identity=identity, created_at=draft.now, expires_at=lapse)
    put_request(draft, Request(id=number, data=data))
    return _request_answer(number)


def cancel(draft: Draft, _: CancelRequest) -> Made:
    """Ask no more; nothing happens to who has not asked."""
    identity = draft.person
    for request in audio_room(draft.room).pending_requests:
        if request.data.identity == identity:
            waiting.fire_request(draft, request, Cancel())
    return seating.seat_answer


def approve(draft: Draft, command: ApproveSpeaker) -> Made:
    """Seat the requester on the first free seat."""
    request = _request(draft, command.request_id)
    event = Approve(draft.actor.name, first_free(draft))
    for effect in waiting.fire_request(draft, request, event):
        seating.seat_member(draft, effect.identity, effect.seat_index)
    return seating.seated_answer(draft, request.data.identity, request_id=request.id)


def reject(draft: Draft, command: RejectSpeaker) -> Made:
    """Refuse the requester."""
    request = _request(draft, command.request_id)
    waiting.fire_request(draft, request, Reject(draft.actor.name))
    return _request_answer(request.id)


def invite(draft: Draft, command: InviteToSpeak) -> Made:
    """Ask somebody to sit down."""
    identity, index = command.identity, command.seat_index
    content = audio_room(draft.room)
    if draft.member(identity) is None:
        message = "the invited is no member of this room"
        raise NotFoundError(message)
    if content.index_of(identity) is not None:
        message = "the invited sits already"
        raise ConflictError(message, code="already_seated")
    if any(i.data.identity == identity for i in content.pending_invites):
        message = "invited already: wait for the answer"
        raise ConflictError(message, code="pending")
    if index is not None:
        seat_at(draft, index, "$.seat_index")
        fire(draft, index, Reserve(identity))
    number = draft.take_id()
    data = InvitationData(
        identity=identity,
        seat_index=index,
        created_at=draft.now,
        expires_at=draft.now + timedelta(seconds=draft.rules.request_expiry),
    )
    put_invite(draft, Invite(id=number, data=data))
    return _invitation_answer(number)


def accept(draft: Draft, command: AcceptInvitation) -> Made:
    """Sit down as invited."""
    identity = draft.person
    invited = _invite_of(draft, identity, command.invitation_id)
    held = invited.data.seat_index
    event = Accept(held if held is not None else first_free(draft))
    for effect in waiting.fire_invite(draft, invited, event):
        if not isinstance(effect, ReleaseSeat):
            seating.seat_member(draft, effect.identity, effect.seat_index)
    return seating.seated_answer(draft, identity, invitation_id=invited.id)


def decline(draft: Draft, command: DeclineInvitation) -> Made:
    """Stay where one is."""
    invited = _invite_of(draft, draft.person, command.invitation_id)
    waiting.fire_invite(draft, invited, Decline())
    return _invitation_answer(invited.id)


def _request(draft: Draft, number: int) -> Request:
    room, content = draft.room, audio_room(draft.room)
    for request in content.requests:
        if request.id == number:
            return request
    is_invitation = any(invited.id == number for invited in content.invites)
    if room.first_id <= number < room.next_id and not is_invitation:
        message = "the request was taken back, or has lapsed"
        raise ConflictError(message, code="settled", details={"settled_by": None})
    message = "there is no such request in this life of the room"
    raise NotFoundError(message)


def _invite_of(draft: Draft, identity: str, number: int) -> Invite:
    for invited in audio_room(draft.room).invites:
        if invited.id == number and invited.data.identity == identity:
            return invited
    message = "there is no such invitation for this member"
    raise NotFoundError(message)


def _request_answer(number: int) -> Made:
    def made(room: Room) -> RequestAnswer:
        return RequestAnswer(rev=room.rev, grid=grid_of(room), request_id=number)

    return made


def _invitation_answer(number: int) -> Made:
    def made(room: Room) -> InvitationAnswer:
        return InvitationAnswer(rev=room.rev, grid=grid_of(room), invitation_id=number)

    return made
