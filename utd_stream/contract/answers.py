"""What the engine answers."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

import attrs

from utd_stream.models.rooms import UTDRole, UTDStreamType
from utd_stream.models.seats import UTDSeatGrid, aware

__all__ = [
    "Empty",
    "Health",
    "InvitationAnswer",
    "Page",
    "Pagination",
    "ParticipantView",
    "RequestAnswer",
    "RoomView",
    "SeatAnswer",
    "SeatedAnswer",
    "SessionAnswer",
    "UTDTokenResponse",
]

_T = TypeVar("_T")


@attrs.frozen(kw_only=True)
class Empty:
    """Done; there is nothing more to say."""


@attrs.frozen(kw_only=True)
class Health:
    """The engine serves.

    Attributes:
        status: Always ``ok``.
    """

    status: str = "ok"


@attrs.frozen(kw_only=True)
class SessionAnswer:
    """A user is signed in.

    Attributes:
        user_token: The bearer.
        ws_url: Of the signalling socket; empty without signalling.
        expires_at: When the bearer ends, UTC.
        signaling_enabled: Whether there is signalling.
    """

    user_token: str = attrs.field(repr=False)
    ws_url: str = ""
    expires_at: datetime | None = attrs.field(default=None, validator=aware)
    signaling_enabled: bool = False


@attrs.frozen(kw_only=True)
class UTDTokenResponse:
    """The way into a room.

    Attributes:
        token: For the SFU; good for joining for ten minutes.
        url: Of the SFU.
        room_name: As the app names it.
        user_token: A bearer for the commands that follow.
        ws_url: Of the signalling socket; empty without signalling.
        role: The role that was granted, not the one asked for.
        owner_identity: The room's owner, or None so far.
        connection: Rises with every mint of this member.
        seats: The grid of an audio room.
    """

    token: str = attrs.field(repr=False)
    url: str
    room_name: str
    user_token: str = attrs.field(repr=False)
    ws_url: str = ""
    role: UTDRole = UTDRole.AUDIENCE
    owner_identity: str | None = None
    connection: int = 0
    seats: UTDSeatGrid | None = None


@attrs.frozen(kw_only=True)
class ParticipantView:
    """A member of a room, from the engine's own roster.

    Attributes:
        identity: Who.
        name: Shown to people.
        role: In this life of the room.
        seat_index: Where they sit, or None.
        connected: Whether the SFU sees them, as far as the engine knows.
        joined_at: When the SFU saw them first in this connection, UTC.
    """

    identity: str
    name: str | None = None
    role: UTDRole = UTDRole.AUDIENCE
    seat_index: int | None = None
    connected: bool = False
    joined_at: datetime | None = attrs.field(default=None, validator=aware)


@attrs.frozen(kw_only=True)
class RoomView:
    """A room that lives.

    Attributes:
        room_name: As the app names it.
        type: What kind of room it is.
        owner_identity: Its owner, or None so far.
        created_at: When this life began, UTC.
        num_participants: How many are connected.
        participants: Its members; None in a list of rooms.
    """

    room_name: str
    type: UTDStreamType
    owner_identity: str | None = None
    created_at: datetime = attrs.field(validator=aware)
    num_participants: int = 0
    participants: tuple[ParticipantView, ...] | None = None


@attrs.frozen(kw_only=True)
class Pagination:
    """Where in a list a page stands.

    Attributes:
        page: From 1.
        per_page: At most so many on a page.
        total: Entries in all.
        total_pages: Pages in all.
    """

    page: int
    per_page: int
    total: int
    total_pages: int


@attrs.frozen(kw_only=True)
class Page(Generic[_T]):
    """A page of a list.

    Attributes:
        data: Its entries.
        pagination: Where it stands.
    """

    data: tuple[_T, ...]
    pagination: Pagination


@attrs.frozen(kw_only=True)
class SeatAnswer:
    """A seat write is committed.

    Attributes:
        rev: Of the grid after it.
        grid: The grid after it.
    """

    rev: int
    grid: UTDSeatGrid


@attrs.frozen(kw_only=True)
class SeatedAnswer:
    """Somebody sits.

    Attributes:
        rev: Of the grid after it.
        grid: The grid after it.
        seat_index: Where.
        speaks: Whether the right to speak comes with the seat.
        request_id: The request that was approved, or None.
        invitation_id: The invitation that was accepted, or None.
        identity: Who, where a moderator seated somebody.
    """

    rev: int
    grid: UTDSeatGrid
    seat_index: int
    speaks: bool
    request_id: int | None = None
    invitation_id: int | None = None
    identity: str | None = None


@attrs.frozen(kw_only=True)
class RequestAnswer:
    """A request to speak was made or answered.

    Attributes:
        rev: Of the grid after it.
        grid: The grid after it.
        request_id: Which one.
    """

    rev: int
    grid: UTDSeatGrid
    request_id: int


@attrs.frozen(kw_only=True)
class InvitationAnswer:
    """An invitation was made or declined.

    Attributes:
        rev: Of the grid after it.
        grid: The grid after it.
        invitation_id: Which one.
    """

    rev: int
    grid: UTDSeatGrid
    invitation_id: int
