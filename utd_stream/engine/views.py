"""What may be read of a room, from the engine's own roster.

Pure: rosters come from here and not from the SFU, which shows newcomers
seconds later (T11, T26).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from utd_stream.contract.answers import Page, Pagination, ParticipantView, RoomView
from utd_stream.engine.rules.audio_room import seat_index_of
from utd_stream.engine.rules.state import Member, Room

__all__ = ["page_of", "participant_view", "participant_views", "room_view"]

_T = TypeVar("_T")


def participant_view(room: Room, member: Member) -> ParticipantView:
    """Return a member as the others may see them."""
    return ParticipantView(
        identity=member.identity,
        name=member.name,
        role=member.role,
        seat_index=seat_index_of(room, member.identity),
        connected=member.is_connected,
        joined_at=member.joined_at if member.is_connected else None,
    )


def participant_views(room: Room) -> tuple[ParticipantView, ...]:
    """Return the members, by identity."""
    return tuple(
        participant_view(room, member)
        for _, member in sorted(room.members.items())
        if member.admitted
    )


def room_view(room: Room, *, with_participants: bool) -> RoomView:
    """Return a room as its members may see it."""
    return RoomView(
        room_name=room.name,
        type=room.type,
        owner_identity=room.owner,
        created_at=room.created_at,
        num_participants=sum(
            m.is_connected and m.admitted for m in room.members.values()
        ),
        participants=participant_views(room) if with_participants else None,
    )


def page_of(items: Sequence[_T], page: int, per_page: int) -> Page[_T]:
    """Return one page of *items*; one beyond the last is empty."""
    first = (page - 1) * per_page
    return Page(
        data=tuple(items[first : first + per_page]),
        pagination=Pagination(
            page=page,
            per_page=per_page,
            total=len(items),
            total_pages=-(-len(items) // per_page),
        ),
    )
