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

__all__ = ["page", "page_of", "participant_view", "room_view"]

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


def room_view(
    room: Room, connected: int, participants: Page[ParticipantView] | None = None
) -> RoomView:
    """Return a room as its members may see it.

    Args:
        room: As committed.
        connected: How many members are connected.
        participants: A page of them; None for none.
    """
    return RoomView(
        room_name=room.name,
        type=room.type,
        owner_identity=room.owner,
        created_at=room.created_at,
        num_participants=connected,
        participants=participants.data if participants else None,
        pagination=participants.pagination if participants else None,
    )


def page_of(items: Sequence[_T], number: int, per_page: int) -> Page[_T]:
    """Return one page of *items*; one beyond the last is empty."""
    first = (number - 1) * per_page
    return page(items[first : first + per_page], len(items), number, per_page)


def page(data: Sequence[_T], total: int, number: int, per_page: int) -> Page[_T]:
    """Return *data* as the page of that number of *total* items."""
    return Page(
        data=tuple(data),
        pagination=Pagination(
            page=number,
            per_page=per_page,
            total=total,
            total_pages=-(-total // per_page),
        ),
    )
