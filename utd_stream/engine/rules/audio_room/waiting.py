"""Requests and invitations that wait, and what settles them from outside.

Somebody sits down, is gone, runs out of time: each is a fact for the rows of
what waits for it, fired in the same commit.

Source: contract.md section 3, Speakers; lessons L3, L17.
"""

from __future__ import annotations

import attrs

from utd_stream.engine.rules.audio_room.grid import (
    fire,
    put_invite,
    put_request,
    refusal,
)
from utd_stream.engine.rules.audio_room.state import Invite, Request, audio_room
from utd_stream.engine.rules.draft import Draft
from utd_stream.errors import RefusedError
from utd_stream.machines.invitation import (
    INVITATION,
    InvitationEffect,
    InvitationEvent,
    InvitationExpired,
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
)
from utd_stream.machines.seat import Released

__all__ = [
    "cancel_all_requests",
    "expire",
    "fire_invite",
    "fire_request",
    "has_gone",
    "has_sat_down",
    "seat_dropped",
]


def has_sat_down(draft: Draft, identity: str, index: int) -> None:
    """Settle what somebody who sits on *index* now was waiting for."""
    for request in audio_room(draft.room).pending_requests:
        if request.data.identity == identity:
            fire_request(draft, request, RequesterSeated())
    for invited in audio_room(draft.room).pending_invites:
        if invited.data.identity == identity:
            fire_invite(draft, invited, InviteeSeated(index))


def has_gone(draft: Draft, identity: str) -> None:
    """Settle what somebody who is gone was waiting for."""
    for request in audio_room(draft.room).pending_requests:
        if request.data.identity == identity:
            fire_request(draft, request, RequesterGone())
    for invited in audio_room(draft.room).pending_invites:
        if invited.data.identity == identity:
            fire_invite(draft, invited, InviteeGone())


def cancel_all_requests(draft: Draft) -> None:
    """Settle all requests: anybody may sit now."""
    for request in audio_room(draft.room).pending_requests:
        fire_request(draft, request, ModeFreed())


def seat_dropped(draft: Draft, index: int) -> None:
    """Withdraw the invitation that held a seat which is no more."""
    for invited in audio_room(draft.room).pending_invites:
        if invited.data.seat_index == index:
            fire_invite(draft, invited, SeatDropped())


def expire(draft: Draft) -> None:
    """Let lapse what nobody answered in time."""
    for request in audio_room(draft.room).pending_requests:
        if request.data.expires_at <= draft.now:
            fire_request(draft, request, RequestExpired())
    for invited in audio_room(draft.room).pending_invites:
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
    put_request(draft, attrs.evolve(request, state=step.state, data=step.data))
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
    put_invite(draft, attrs.evolve(invited, state=step.state, data=step.data))
    for effect in step.effects:
        if isinstance(effect, ReleaseSeat):
            fire(draft, effect.seat_index, Released())
    return step.effects
