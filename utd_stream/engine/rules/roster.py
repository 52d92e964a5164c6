"""Who is in a room: minting, leaving, kicking, and what the SFU tells.

The SFU's notices are hints, its listings are the truth: a grace runs out only
in the decision about a listing that was asked for after it was over, so that
nobody departs on hearsay.

Source: contract.md sections 2 and 5; traps T8, T9, T13, T15, T25, T38, T39.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from types import MappingProxyType

import attrs

from utd_stream.contract.answers import Empty
from utd_stream.contract.requests import TokenRequest
from utd_stream.engine.rules import seating, waiting
from utd_stream.engine.rules.authority import check_acts_on
from utd_stream.engine.rules.commands import (
    KickMember,
    LeaveRoom,
    MemberJoined,
    MemberLeft,
    MembersListed,
    RoomGone,
    SetupSeats,
)
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.effects import (
    Say,
    SyncMetadata,
    SyncParticipant,
    SyncRoom,
)
from utd_stream.engine.rules.grants import (
    lingers,
    participant_metadata,
    permission,
)
from utd_stream.engine.rules.state import Member, Room, empty_seats
from utd_stream.errors import (
    ConflictError,
    FeatureDisabledError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
)
from utd_stream.machines.seat import GraceOver, Present
from utd_stream.models.json_text import read_json
from utd_stream.models.rooms import (
    DisconnectReason,
    SeatMode,
    UTDRole,
    UTDStreamType,
)
from utd_stream.ports import SfuParticipant

__all__ = [
    "end",
    "enter",
    "gone",
    "joined",
    "kick",
    "leave",
    "left",
    "listed",
    "unborn",
]

# Each life counts connections from a base of its own, so that a number never
# comes back in a later one.
_CONNECTIONS_PER_LIFE = 1 << 20

_FREES_AT_ONCE = frozenset(
    {DisconnectReason.PARTICIPANT_REMOVED, DisconnectReason.ROOM_DELETED}
)


def unborn(app_id: str, name: str, now: datetime) -> Room:
    """Return a room of a name that never lived."""
    return Room(app_id=app_id, name=name, life=0, created_at=now, ended_at=now)


def enter(draft: Draft, identity: str, request: TokenRequest) -> Member:
    """Become a member, or stay one; begin a life if none goes on."""
    _check_type(draft, request)
    if request.resume:
        _check_resumes(draft, identity)
    if not draft.room.is_live:
        _begin(draft, request)
    role = _granted_role(draft, identity, request)
    _admit(draft, identity, role, request)
    if role is not UTDRole.HOST:
        _end_ownership(draft, identity)
    if draft.room.owner is None and role is UTDRole.HOST:
        draft.change(owner=identity)
        draft.effect(SyncMetadata())
    if role is UTDRole.HOST and not draft.room.configured:
        _configure(draft, identity, request)
    return draft.room.members[identity]


def leave(draft: Draft, identity: str, command: LeaveRoom) -> Empty:
    """Give up everything; quiet for who is no member, and for a past device."""
    member = draft.room.member(identity)
    if member is None:
        return Empty()
    if command.connection is not None and command.connection < member.connection:
        return Empty()
    seating.vacate(draft, identity)
    waiting.has_gone(draft, identity)
    if member.left_at is None:
        draft.change_member(identity, left_at=draft.now)
    return Empty()


def kick(draft: Draft, command: KickMember) -> Empty:
    """Remove a member until the next mint; an owner is owner no more."""
    if draft.room.member(command.identity) is None:
        message = "there is no such member"
        raise NotFoundError(message)
    check_acts_on(draft.room, draft.actor, command.identity)
    seating.vacate(draft, command.identity)
    waiting.has_gone(draft, command.identity)
    draft.change_member(command.identity, admitted=False, role=UTDRole.AUDIENCE)
    _end_ownership(draft, command.identity)
    draft.effect(Say("_kicked", (command.identity,)))
    draft.effect(SyncParticipant(command.identity))
    return Empty()


def end(draft: Draft) -> Empty:
    """End this life: everybody is removed, the grid is as new."""
    draft.change(
        ended_at=draft.now,
        empty_since=None,
        owner=None,
        configured=False,
        seat_mode=SeatMode.FREE,
        mode_id=None,
        seats=empty_seats(),
        requests=(),
        invites=(),
        members=MappingProxyType({}),
    )
    draft.end_with(Say("_room_ended"), SyncRoom())
    return Empty()


def joined(draft: Draft, fact: MemberJoined) -> None:
    """Hear that somebody connected: rights are written again (T9)."""
    participant = fact.participant
    if not draft.room.is_live:
        # A token that is still good has opened a room that has ended.
        draft.effect(SyncRoom())
        return
    if draft.room.member(participant.identity) is None:
        draft.effect(SyncParticipant(participant.identity))
        return
    if _sees(draft, participant):
        draft.effect(SyncParticipant(participant.identity))


def left(draft: Draft, fact: MemberLeft) -> None:
    """Hear that a connection ended; it counts only for the current one (T25)."""
    # The kicked as well: after another mint nobody must seem to be there.
    member = draft.room.members.get(fact.identity)
    if member is None or member.sid != fact.sid:
        return
    draft.change_member(fact.identity, sid=None, seen_at=draft.now)
    if fact.reason in _FREES_AT_ONCE:
        seating.vacate(draft, fact.identity)
    elif fact.reason is DisconnectReason.CLIENT_INITIATED:
        draft.wait_for(fact.identity, draft.rules.leave_grace)
    elif fact.reason is not DisconnectReason.DUPLICATE_IDENTITY:
        draft.wait_for(fact.identity, draft.rules.seat_grace)
    _note_emptiness(draft)


def listed(draft: Draft, fact: MembersListed) -> None:
    """Make the roster, the seats and the SFU agree."""
    if not draft.room.is_live:
        draft.effect(SyncRoom())
        return
    present = {p.identity for p in fact.participants}
    for participant in fact.participants:
        _check_participant(draft, participant, fact.asked_at)
    for member in tuple(draft.room.members.values()):
        if member.is_connected and member.identity not in present:
            _lose(draft, member, fact.asked_at)
    for identity in [seat.data.occupant for seat in draft.room.seats]:
        if identity is not None and identity not in present:
            _miss(draft, draft.room.members[identity], fact.asked_at)
    if fact.metadata_rev != draft.room.rev:
        draft.effect(SyncMetadata())
    _note_emptiness(draft)
    _end_if_empty(draft, fact.asked_at)


def gone(draft: Draft, fact: RoomGone) -> None:
    """Hear that the SFU has no such room: it forgot it, nobody departed (T39)."""
    if not draft.room.is_live:
        return
    for member in tuple(draft.room.members.values()):
        if member.is_connected:
            _lose(draft, member, fact.asked_at)
    _note_emptiness(draft)
    _end_if_empty(draft, fact.asked_at)


# Minting.


def _check_type(draft: Draft, request: TokenRequest) -> None:
    if request.type is not UTDStreamType.AUDIO_ROOM:
        message = f"this engine does not serve {request.type.value} rooms yet"
        raise FeatureDisabledError(message)
    if draft.room.is_live and draft.room.type is not request.type:
        message = f"the name is in use by a live {draft.room.type.value}"
        raise ConflictError(message)


def _check_resumes(draft: Draft, identity: str) -> None:
    if not draft.room.is_live:
        message = "the room has ended: there is nothing to resume"
        raise NotFoundError(message)
    if draft.room.member(identity) is None:
        message = "no member of this room any more: mint without resume"
        raise PermissionDeniedError(message)


def _begin(draft: Draft, request: TokenRequest) -> None:
    draft.change(
        type=request.type,
        life=draft.room.life + 1,
        first_id=draft.room.next_id,
        created_at=draft.now,
        ended_at=None,
        empty_since=draft.now,
    )
    draft.effect(SyncRoom())


def _granted_role(draft: Draft, identity: str, request: TokenRequest) -> UTDRole:
    member = draft.room.member(identity)
    asked = request.role or UTDRole.AUDIENCE
    if draft.actor.is_secret:
        return asked if request.role or member is None else member.role
    if member is not None:
        return member.role
    is_first = draft.room.owner is None and draft.actor.mints_roles
    if asked is UTDRole.HOST and is_first:
        return asked
    return min(asked, UTDRole.AUDIENCE, key=lambda role: role.rank)


def _end_ownership(draft: Draft, identity: str) -> None:
    """Leave the room without an owner if *identity* was it.

    An owner is a host: who loses that role loses the ownership with it, and
    the next granted host owns the room.
    """
    if draft.room.owner == identity:
        draft.change(owner=None)
        draft.effect(SyncMetadata())


def _admit(draft: Draft, identity: str, role: UTDRole, request: TokenRequest) -> None:
    base = draft.room.life * _CONNECTIONS_PER_LIFE
    before = draft.room.members.get(identity) or Member(
        identity=identity, connection=base
    )
    attributes = {"image": request.image} if request.image else before.attributes
    after = attrs.evolve(
        before,
        name=request.name or before.name,
        role=role,
        attributes=MappingProxyType(dict(attributes)),
        metadata=_app_metadata(request.metadata) or before.metadata,
        connection=before.connection + 1,
        admitted=True,
        left_at=None,
    )
    draft.put_member(after)
    if draft.room.empty_since is not None:
        # Who was let in has the whole time to come.
        draft.change(empty_since=draft.now)
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


def _configure(draft: Draft, identity: str, request: TokenRequest) -> None:
    wanted = (
        request.seat_count,
        request.seat_mode,
        request.mode_id,
        request.host_seat,
    )
    if all(field is None for field in wanted):
        return
    setup = SetupSeats(
        seat_count=request.seat_count,
        seat_mode=request.seat_mode,
        mode_id=request.mode_id,
    )
    seating.setup(draft, setup)
    if request.host_seat is not None:
        draft.seat(request.host_seat, "$.host_seat")
        seating.seat_member(draft, identity, request.host_seat)


# What the SFU shows.


def _sees(draft: Draft, participant: SfuParticipant) -> bool:
    member = draft.room.members[participant.identity]
    newer = member.joined_at is None or participant.joined_at >= member.joined_at
    if not newer:
        return False  # a notice of an older connection, come late
    draft.change_member(
        member.identity,
        sid=participant.sid,
        joined_at=participant.joined_at,
        seen_at=draft.now,
        left_at=member.left_at if participant.sid == member.sid else None,
        absence=None,
    )
    draft.change(empty_since=None)
    index = draft.room.seat_index_of(member.identity)
    if index is not None:
        draft.fire(index, Present())
    return True


def _check_participant(
    draft: Draft, participant: SfuParticipant, asked_at: datetime
) -> None:
    identity = participant.identity
    member = draft.room.member(identity)
    if member is None:
        draft.effect(SyncParticipant(identity))
        return
    if _has_ended(member, participant, asked_at):
        return
    if member.sid != participant.sid:
        _sees(draft, participant)
    wanted = (
        permission(draft.room, identity),
        participant_metadata(draft.room, identity),
    )
    is_as_wanted = wanted == (participant.permission, participant.metadata)
    if not is_as_wanted or lingers(draft.room, identity, asked_at, draft.rules):
        draft.effect(SyncParticipant(identity))


def _has_ended(member: Member, participant: SfuParticipant, asked_at: datetime) -> bool:
    # The end of that connection was told after the listing was asked for.
    return (
        not member.is_connected
        and member.joined_at == participant.joined_at
        and member.seen_at is not None
        and asked_at < member.seen_at
    )


def _lose(draft: Draft, member: Member, asked_at: datetime) -> None:
    # A listing asked for before the engine heard of them cannot know them.
    if member.seen_at is not None and member.seen_at < asked_at:
        draft.change_member(member.identity, sid=None)


def _miss(draft: Draft, member: Member, asked_at: datetime) -> None:
    identity = member.identity
    if member.is_connected:
        return
    draft.wait_for(identity, draft.rules.seat_grace)
    absence = draft.room.members[identity].absence
    index = draft.room.seat_index_of(identity)
    if absence is not None and index is not None:
        draft.fire(index, GraceOver(identity, asked_at, absence.grace))


def _note_emptiness(draft: Draft) -> None:
    somebody = any(member.is_connected for member in draft.room.members.values())
    if not somebody and draft.room.empty_since is None:
        draft.change(empty_since=draft.now)


def _end_if_empty(draft: Draft, asked_at: datetime) -> None:
    since = draft.room.empty_since
    limit = timedelta(seconds=draft.rules.room_empty)
    if since is not None and asked_at - since >= limit:
        end(draft)
