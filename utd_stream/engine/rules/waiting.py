"""Requests and invitations that wait, and what settles them from outside.

Somebody sits down, is gone, runs out of time: each is a fact for the rows of
what waits for it, fired in the same commit.

Source: contract.md section 3, Speakers; lessons L3, L17.
"""

from __future__ import annotations

import attrs

from utd_stream.engine.rules.draft import Draft, refusal
from utd_stream.engine.rules.state import Invite, Request
from utd_stream.errors import RefusedError
from utd_stream.machines.invitation import (
    INVITATION,
    InvitationEffect,
    InvitationEvent,
    InvitationExpired,
    InvitationState,
    InviteeGone,
    InviteeSeated,
    ReleaseSeat,
    SeatDropped,
)
from utd_stream.machines.request import (
    REQUEST,
    ModeFreed,
    RequestEffect,
    RequesterGone,
    RequesterSeated,
    RequestEvent,
    RequestExpired,
    RequestState,
)
from utd_stream.machines.seat import Released

__all__ = [
    "cancel_all_requests",
    "expire",
    "fire_invite",
    "fire_request",
    "has_gone",
    "has_sat_down",
    "pending_invites",
    "pending_requests",
    "seat_dropped",
]


def has_sat_down(draft: Draft, identity: str, index: int) -> None:
    """Settle what somebody who sits on *index* now was waiting for."""
    for request in pending_requests(draft):
        if request.data.identity == identity:
            fire_request(draft, request, RequesterSeated())
    for invited in pending_invites(draft):
        if invited.data.identity == identity:
            fire_invite(draft, invited, InviteeSeated(index))


def has_gone(draft: Draft, identity: str) -> None:
    """Settle what somebody who is gone was waiting for."""
    for request in pending_requests(draft):
        if request.data.identity == identity:
            fire_request(draft, request, RequesterGone())
    for invited in pending_invites(draft):
        if invited.data.identity == identity:
            fire_invite(draft, invited, InviteeGone())


def cancel_all_requests(draft: Draft) -> None:
    """Settle all requests: anybody may sit now."""
    for request in pending_requests(draft):
        fire_request(draft, request, ModeFreed())


def seat_dropped(draft: Draft, index: int) -> None:
    """Withdraw the invitation that held a seat which is no more."""
    for invited in pending_invites(draft):
        if invited.data.seat_index == index:
            fire_invite(draft, invited, SeatDropped())


def expire(draft: Draft) -> None:
    """Let lapse what nobody answered in time."""
    for request in pending_requests(draft):
        if request.data.expires_at <= draft.now:
            fire_request(draft, request, RequestExpired())
    for invited in pending_invites(draft):
        if invited.data.expires_at <= draft.now:
            fire_invite(draft, invited, InvitationExpired())


def fire_request(
    draft: Draft, request: Request, event: RequestEvent
) -> tuple[RequestEffect, ...]:
    """Let a request take *event*.

    Raises:
        ConflictError: If its table refuses.
    """
    try:
        step = REQUEST.step(request.state, request.data, event)
    except RefusedError as error:
        raise refusal(
            error, state=request.state.value, settled_by=request.data.settled_by
        ) from error
    draft.put_request(attrs.evolve(request, state=step.state, data=step.data))
    return step.effects


def fire_invite(
    draft: Draft, invited: Invite, event: InvitationEvent
) -> tuple[InvitationEffect, ...]:
    """Let an invitation take *event*; a seat it held is released.

    Raises:
        ConflictError: If its table refuses.
    """
    try:
        step = INVITATION.step(invited.state, invited.data, event)
    except RefusedError as error:
        raise refusal(error, state=invited.state.value) from error
    draft.put_invite(attrs.evolve(invited, state=step.state, data=step.data))
    for effect in step.effects:
        if isinstance(effect, ReleaseSeat):
            draft.fire(effect.seat_index, Released())
    return step.effects


def pending_requests(draft: Draft) -> list[Request]:
    """Return the requests that wait, oldest first."""
    return [r for r in draft.room.requests if r.state is RequestState.PENDING]


def pending_invites(draft: Draft) -> list[Invite]:
    """Return the invitations that wait, oldest first."""
    return [i for i in draft.room.invites if i.state is InvitationState.PENDING]
