"""Another role for a member, until the room ends.

Source: contract.md sections 2 and 3, Participants.
"""

from __future__ import annotations

from utd_stream.contract.answers import Empty
from utd_stream.engine.rules.commands import SetRole
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.effects import SyncParticipant
from utd_stream.engine.rules.kind import Made
from utd_stream.engine.rules.minting import end_ownership
from utd_stream.errors import ConflictError, NotFoundError, PermissionDeniedError
from utd_stream.models.rooms import UTDRole

__all__ = ["set_role"]


def set_role(draft: Draft, command: SetRole) -> Made:
    """Give a member another role; an owner who is host no more owns no more."""
    identity, role = command.identity, command.role
    member = draft.member(identity)
    if member is None:
        message = "there is no such member"
        raise NotFoundError(message)
    if draft.room.owner == identity and not draft.actor.is_secret:
        message = "nobody but the app may change the owner's role"
        raise PermissionDeniedError(message)
    if member.role is role:
        message = f"the member is {role.value} already"
        raise ConflictError(message, details={"role": role.value})
    draft.change_member(identity, role=role)
    if role is not UTDRole.HOST:
        end_ownership(draft, identity)
    elif draft.room.owner is None:
        draft.change(owner=identity)
    draft.touch(identity)  # the mute of the room spares moderators
    draft.effect(SyncParticipant(identity))
    return lambda _: Empty()
