"""The end of a decision: what of a draft is committed, and what the SFU hears."""

from __future__ import annotations

from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.effects import Effect, SyncMetadata, SyncParticipant
from utd_stream.engine.rules.grants import permission, sources_of
from utd_stream.engine.rules.kinds import kind_of
from utd_stream.engine.rules.state import Member, Room

__all__ = ["finish"]


def finish(draft: Draft) -> tuple[Room, tuple[Effect, ...]]:
    """Return the room as it is to be committed, and the effects.

    Raises:
        InvalidRequestError: If its content passes a limit of its type.
    """
    for identity in draft.touched:
        _number_right(draft, identity)
        # Rights are rewritten only where they change (L27, T2).
        before = permission(draft.before, draft.rows.get(identity))
        if before != permission(draft.room, draft.members.get(identity)):
            draft.effect(SyncParticipant(identity))
    if _visibly_differs(draft.before, draft.room):
        draft.change(rev=draft.room.rev + 1)
        kind_of(draft.room).check(draft.room, draft.rules)
    if _facts(draft.before) != _facts(draft.room):
        draft.change(metadata_rev=draft.room.metadata_rev + 1)
        # A room that begins is created with its metadata.
        if draft.room.is_live and draft.before.is_live:
            draft.effect(SyncMetadata())
    if draft.room is not draft.before:
        draft.change(version=draft.before.version + 1, as_of=draft.now)
    return draft.room, tuple(draft.effects)


def _number_right(draft: Draft, identity: str) -> None:
    """Give a right that begins its number; one that goes on keeps its own."""
    before, kind = kind_of(draft.before), kind_of(draft.room)
    grant = 0
    if _may_send(draft.room, draft.members.get(identity)):
        if _may_send(draft.before, draft.rows.get(identity)):
            grant = before.grant(draft.before, identity)
        else:
            grant = draft.room.next_grant
            draft.change(next_grant=grant + 1)
    kind.number(draft, identity, grant)


def _may_send(room: Room, member: Member | None) -> bool:
    return member is not None and bool(sources_of(room, member))


def _facts(room: Room) -> tuple[object, ...]:
    """Return what the room's metadata shows, but for its own revision."""
    shown = room.owner, room.muted, room.chat_locked, room.metadata, room.ending
    return room.rev, room.type, *shown


def _visibly_differs(before: Room, after: Room) -> bool:
    if before.content is after.content:
        return False
    if before.type is not after.type:
        return True
    return kind_of(after).differs(before.content, after.content)
