"""Hard mutes: of one member for the life of the room, and of everybody below admin.

Source: contract.md section 3, Participants; lessons L64, L66, L67.
"""

from __future__ import annotations

import attrs

from utd_stream.contract.answers import Empty
from utd_stream.engine.rules.authority import check_acts_on
from utd_stream.engine.rules.commands import MuteParticipant, MuteRoom
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.effects import SyncParticipant
from utd_stream.engine.rules.kind import Made
from utd_stream.engine.rules.kinds import kind_of
from utd_stream.engine.rules.state import Mutes, Room
from utd_stream.errors import InvalidRequestError, NotFoundError

__all__ = ["mute_participant", "mute_room"]


def mute_participant(draft: Draft, command: MuteParticipant) -> Made:
    """Take sources from a member, or give them back."""
    member = draft.member(command.identity)
    if member is None:
        message = "there is no such member"
        raise NotFoundError(message)
    check_acts_on(draft.room, draft.members, draft.actor, member.identity)
    muted = _changed(member.muted, command)
    if muted != member.muted:
        draft.change_member(member.identity, muted=muted)
        draft.touch(member.identity)
        draft.effect(SyncParticipant(member.identity))
    return _empty


def mute_room(draft: Draft, command: MuteRoom) -> Made:
    """Take sources from everybody below admin without a setting of their own."""
    draft.change(muted=_changed(draft.room.muted, command))
    for identity in kind_of(draft.room).placed(draft.room):
        draft.touch(identity)
    return _empty


def _changed(before: Mutes, command: MuteParticipant | MuteRoom) -> Mutes:
    if not (command.audio or command.video):
        message = "say which: audio, video or both must be true"
        raise InvalidRequestError.at(("$", message))
    if command.audio:
        before = attrs.evolve(before, audio=command.muted)
    if command.video:
        before = attrs.evolve(before, video=command.muted)
    return before


def _empty(_: Room) -> Empty:
    return Empty()
