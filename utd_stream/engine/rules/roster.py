"""Who is in a room: leaving, kicking, and what the SFU tells.

The SFU's notices are hints, its listings are the truth: a grace runs out only
in the decision about a listing that was asked for after it was over, so that
nobody departs on hearsay.

Source: contract.md section 5; traps T8, T9, T13, T15, T25, T38, T39.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from utd_stream.contract.answers import Empty
from utd_stream.engine.rules.authority import check_acts_on
from utd_stream.engine.rules.commands import (
    EndRoom,
    KickMember,
    LeaveRoom,
    MemberJoined,
    MemberLeft,
    MembersListed,
    RoomGone,
    RoomOpened,
    TimePassed,
)
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.effects import Say, SyncMetadata, SyncParticipant, SyncRoom
from utd_stream.engine.rules.ending import end_life
from utd_stream.engine.rules.grants import lingers, participant_metadata, permission
from utd_stream.engine.rules.kind import Made
from utd_stream.engine.rules.kinds import KINDS, kind_of
from utd_stream.engine.rules.minting import end_ownership
from utd_stream.engine.rules.state import Member, Room
from utd_stream.errors import NotFoundError
from utd_stream.models.rooms import (
    DisconnectReason,
    RoomEndReason,
    UTDRole,
    UTDStreamType,
)
from utd_stream.ports import SfuParticipant

__all__ = [
    "end",
    "expire",
    "gone",
    "joined",
    "kick",
    "leave",
    "left",
    "listed",
    "opened",
    "unborn",
]

_FREES_AT_ONCE = frozenset(
    {DisconnectReason.PARTICIPANT_REMOVED, DisconnectReason.ROOM_DELETED}
)


def unborn(app_id: str, name: str, now: datetime) -> Room:
    """Return a room of a name that never lived."""
    return Room(
        app_id=app_id,
        name=name,
        life=0,
        created_at=now,
        ended_at=now,
        content=KINDS[UTDStreamType.AUDIO_ROOM].begin(),
    )


def leave(draft: Draft, command: LeaveRoom) -> Made:
    """Give up everything; quiet for who is no member, and for a past device."""
    identity = draft.person
    member = draft.member(identity)
    if member is None:
        return _empty
    if command.connection is not None and command.connection < member.connection:
        return _empty
    kind_of(draft.room).gone(draft, identity)
    if member.left_at is None:
        draft.change_member(identity, left_at=draft.now)
    return _empty


def kick(draft: Draft, command: KickMember) -> Made:
    """Remove a member until the next mint; an owner is owner no more."""
    if draft.member(command.identity) is None:
        message = "there is no such member"
        raise NotFoundError(message)
    check_acts_on(draft.room, draft.members, draft.actor, command.identity)
    kind_of(draft.room).gone(draft, command.identity)
    draft.change_member(command.identity, admitted=False, role=UTDRole.AUDIENCE)
    end_ownership(draft, command.identity)
    draft.effect(Say("_kicked", (command.identity,)))
    draft.effect(SyncParticipant(command.identity))
    return _empty


def end(draft: Draft, _: EndRoom) -> Made:
    """End this life: everybody is removed, the content is as new."""
    _end(draft, RoomEndReason.ENDED)
    return _empty


def _end(draft: Draft, reason: RoomEndReason) -> None:
    content = kind_of(draft.room).ended(draft.room.content)
    end_life(draft, reason, content, Say("_room_ended"))


def _empty(_: Room) -> Empty:
    return Empty()


def joined(draft: Draft, fact: MemberJoined) -> None:
    """Hear that somebody connected: rights are written again (T9)."""
    participant = fact.participant
    if not draft.room.is_live:
        # A token that is still good has opened a room that has ended.
        draft.effect(SyncRoom())
        return
    if draft.member(participant.identity) is None:
        draft.effect(SyncParticipant(participant.identity))
        return
    if _sees(draft, participant):
        draft.effect(SyncParticipant(participant.identity))


def left(draft: Draft, fact: MemberLeft) -> None:
    """Hear that a connection ended; it counts only for the current one (T25)."""
    # The kicked as well: after another mint nobody must seem to be there.
    member = draft.members.get(fact.identity)
    if member is None or member.sid != fact.sid:
        return
    draft.change_member(
        fact.identity, sid=None, seen_at=draft.now, idle_since=draft.now
    )
    if fact.reason is not DisconnectReason.DUPLICATE_IDENTITY:
        grace = _grace(draft, fact.reason)
        kind_of(draft.room).absent(draft, fact.identity, grace)
    _note_emptiness(draft)


def listed(draft: Draft, fact: MembersListed) -> None:
    """Make the roster, the seats and the SFU agree."""
    if not draft.room.is_live:
        draft.effect(SyncRoom())
        return
    fact = attrs.evolve(fact, asked_at=min(fact.asked_at, draft.now))
    for participant in fact.participants:
        _check_participant(draft, participant, fact.asked_at)
    for identity in fact.vanished:
        _lose(draft, identity, fact.asked_at)
    # After each part: the next one may never come.
    _note_emptiness(draft)
    if not fact.is_last:
        return
    kind_of(draft.room).listed(draft, fact.asked_at)
    if fact.metadata_rev != draft.room.metadata_rev:
        draft.effect(SyncMetadata())
    _end_if_empty(draft, fact.asked_at)


def gone(draft: Draft, fact: RoomGone) -> None:
    """Hear that the SFU has no such room: it forgot it, nobody departed (T39)."""
    if not draft.room.is_live:
        return
    asked_at = min(fact.asked_at, draft.now)
    if draft.room.empty_since is None:
        # One field for all connections: whoever was seen before is not there.
        before = draft.room.lost_before
        draft.change(lost_before=max(asked_at, before) if before else asked_at)
        _note_emptiness(draft)
    _end_if_empty(draft, asked_at)


def expire(draft: Draft, _: TimePassed) -> None:
    """Hear that something may have waited too long."""
    kind_of(draft.room).expire(draft)


def opened(draft: Draft, fact: RoomOpened) -> None:
    """Hear that the SFU has a room: its metadata is written again, or it is closed."""
    if not draft.room.is_live:
        draft.effect(SyncRoom())
    elif fact.metadata_rev != draft.room.metadata_rev:
        draft.effect(SyncMetadata())


# What the SFU shows.


def _grace(draft: Draft, reason: DisconnectReason) -> float | None:
    if reason in _FREES_AT_ONCE:
        return None
    if reason is DisconnectReason.CLIENT_INITIATED:
        return draft.rules.leave_grace
    return kind_of(draft.room).grace(draft.rules)


def _sees(
    draft: Draft, participant: SfuParticipant, asked_at: datetime | None = None
) -> bool:
    member = draft.members[participant.identity]
    newer = member.joined_at is None or participant.joined_at >= member.joined_at
    # A later listing knows better than times of a clock that may be set back.
    heard = asked_at and (member.seen_at is None or member.seen_at < asked_at)
    if not newer and not heard:
        return False  # a notice of an older connection, come late
    draft.change_member(
        member.identity,
        sid=participant.sid,
        joined_at=participant.joined_at,
        seen_at=draft.now,
        left_at=member.left_at if participant.sid == member.sid else None,
        idle_since=None,
    )
    draft.change(empty_since=None)
    kind_of(draft.room).present(draft, member.identity)
    return True


def _check_participant(
    draft: Draft, participant: SfuParticipant, asked_at: datetime
) -> None:
    identity = participant.identity
    member = draft.member(identity)
    if member is None:
        draft.effect(SyncParticipant(identity))
        return
    if _has_ended(member, participant, asked_at):
        return
    if member.sid != participant.sid:
        _sees(draft, participant, asked_at)
    member = draft.members[identity]
    wanted = permission(draft.room, member), participant_metadata(draft.room, member)
    is_as_wanted = wanted == (participant.permission, participant.metadata)
    if not is_as_wanted or lingers(member, asked_at, draft.rules):
        draft.effect(SyncParticipant(identity))
    else:
        draft.rewrite(identity)  # its digest is an older one's, or it would not be here


def _has_ended(member: Member, participant: SfuParticipant, asked_at: datetime) -> bool:
    # The end of that connection was told after the listing was asked for.
    return (
        not member.is_connected
        and member.joined_at == participant.joined_at
        and member.seen_at is not None
        and asked_at < member.seen_at
    )


def _lose(draft: Draft, identity: str, asked_at: datetime) -> None:
    member = draft.members.get(identity)
    if member is None or not member.is_connected:
        return
    # A listing asked for before the engine heard of them cannot know them.
    if member.seen_at is not None and member.seen_at < asked_at:
        draft.change_member(identity, sid=None, idle_since=draft.now)


def _note_emptiness(draft: Draft) -> None:
    if draft.room.empty_since is None and not draft.members.somebody:
        draft.change(empty_since=draft.now)


def _end_if_empty(draft: Draft, asked_at: datetime) -> None:
    since = draft.room.empty_since
    limit = timedelta(seconds=draft.rules.room_empty)
    if since is not None and asked_at - since >= limit:
        _end(draft, RoomEndReason.EMPTY)
