"""Minting: membership, roles, ownership.

Source: contract.md section 2.
"""

from __future__ import annotations

from types import MappingProxyType

import attrs

from utd_stream.contract.requests import TokenRequest
from utd_stream.engine.rules.commands import Enter
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.effects import SyncParticipant, SyncRoom
from utd_stream.engine.rules.kind import Made
from utd_stream.engine.rules.kinds import KINDS, kind_of
from utd_stream.engine.rules.numbers import next_connection
from utd_stream.engine.rules.state import NOT_MUTED, Member
from utd_stream.errors import (
    ConflictError,
    FeatureDisabledError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
)
from utd_stream.models.json_text import read_json
from utd_stream.models.rooms import UTDRole

__all__ = ["end_ownership", "enter"]


def enter(draft: Draft, command: Enter) -> Made:
    """Become a member, or stay one; begin a life if none goes on."""
    identity, request = draft.person, command.request
    _check_type(draft, request)
    if request.resume:
        _check_resumes(draft, identity)
    kind = KINDS[request.type]
    if not draft.room.is_live and kind.is_begun_by_a_mint:
        _begin(draft, request)
    kind.check_enters(draft, request)
    role = _granted_role(draft, identity, request)
    _admit(draft, identity, role, request)
    if role is not UTDRole.HOST:
        end_ownership(draft, identity)
    if draft.room.owner is None and role is UTDRole.HOST:
        draft.change(owner=identity)
    kind_of(draft.room).entered(draft, draft.members[identity], request)
    member = draft.members[identity]
    return lambda _: member


def end_ownership(draft: Draft, identity: str) -> None:
    """Leave the room without an owner if *identity* is its owner.

    An owner is a host: a lost role ends the ownership, and the next granted
    host owns the room.
    """
    if draft.room.owner == identity:
        draft.change(owner=None)


def _check_type(draft: Draft, request: TokenRequest) -> None:
    if request.type not in KINDS:
        message = f"this engine does not serve {request.type.value} rooms yet"
        raise FeatureDisabledError(message)
    if draft.room.is_live and draft.room.type is not request.type:
        message = f"the name is in use by a live {draft.room.type.value}"
        raise ConflictError(message)


def _check_resumes(draft: Draft, identity: str) -> None:
    if not draft.room.is_live:
        message = "the room has ended: there is nothing to resume"
        raise NotFoundError(message)
    if draft.member(identity) is None:
        message = "no member of this room any more: mint without resume"
        raise PermissionDeniedError(message)


def _begin(draft: Draft, request: TokenRequest) -> None:
    draft.change(
        type=request.type,
        life=draft.room.life + 1,
        first_id=draft.room.next_id,
        created_at=draft.now,
        ended_at=None,
        ending=None,
        empty_since=draft.now,
        lost_before=None,
        muted=NOT_MUTED,
        chat_locked=False,
        metadata="",
        content=KINDS[request.type].begin(),
    )
    draft.effect(SyncRoom())


def _granted_role(draft: Draft, identity: str, request: TokenRequest) -> UTDRole:
    member = draft.member(identity)
    asked = request.role or UTDRole.AUDIENCE
    if draft.actor.is_secret:
        return asked if request.role or member is None else member.role
    if member is not None:
        return member.role
    is_first = draft.room.owner is None and draft.actor.mints_roles
    if asked is UTDRole.HOST and is_first:
        return asked
    return min(asked, UTDRole.AUDIENCE, key=lambda role: role.rank)


def _admit(draft: Draft, identity: str, role: UTDRole, request: TokenRequest) -> None:
    is_known = draft.member(identity) is not None
    before = draft.members.get(identity) or Member(identity=identity)
    attributes = {"image": request.image} if request.image else before.attributes
    after = attrs.evolve(
        before,
        name=request.name or before.name,
        role=role,
        attributes=MappingProxyType(dict(attributes)),
        metadata=_app_metadata(request.metadata) or before.metadata,
        connection=next_connection(draft, before),
        admitted=True,
        left_at=None,
        idle_since=None if before.is_connected else draft.now,
    )
    draft.put_member(after)
    if draft.room.empty_since is not None:
        # The room waits its whole time for the new member.
        draft.change(empty_since=draft.now)
    if is_known and before.role is not role:
        draft.touch(identity)  # the mute of the room spares moderators
    if before.is_connected and before.role is not role:
        draft.effect(SyncParticipant(identity))


def _app_metadata(text: str | None) -> str:
    if not text:
        return ""
    try:
        keys = read_json(text)
    except ValueError as error:
        message = f"must be a JSON object, as text: {error}"
        raise InvalidRequestError.at(("$.metadata", message)) from None
    if not isinstance(keys, dict):
        message = "must be a JSON object, as text"
        raise InvalidRequestError.at(("$.metadata", message))
    return text
