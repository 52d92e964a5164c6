"""What the engine answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Generic, TypeVar

import attrs

from utd_stream.models.rooms import UTDRole, UTDStreamType
from utd_stream.models.seats import UTDSeatGrid, aware

__all__ = [
    "Contract",
    "Empty",
    "Health",
    "InvitationAnswer",
    "MachineRow",
    "MachineTable",
    "Page",
    "Pagination",
    "ParticipantView",
    "Ready",
    "RequestAnswer",
    "RoomView",
    "SeatAnswer",
    "SeatedAnswer",
    "SessionAnswer",
    "UTDTokenResponse",
]

_T = TypeVar("_T")

# Marks a field that an answer may lack though it is never null.
MAY_BE_MISSING: Mapping[str, bool] = {"may_be_missing": True}


@attrs.frozen(kw_only=True)
class Empty:
    """Done; the answer has no fields."""


@attrs.frozen(kw_only=True)
class Health:
    """The process lives.

    Attributes:
        status: Always ``ok``.
    """

    status: str = "ok"


@attrs.frozen(kw_only=True)
class Ready:
    """The engine can serve.

    Attributes:
        status: Always ``ready``.
    """

    status: str = "ready"


@attrs.frozen(kw_only=True)
class MachineRow:
    """One row of a machine's table.

    Attributes:
        event: What is told; a command or a fact.
        source: In which state.
        guard: The question whose answer must be yes; none for always.
        target: The state afterwards; the same one where the event is refused.
        refusal: The code with which the event is refused; none where it is taken.
        data: What changes of what the machine remembers.
        effects: What is done, in order.
    """

    event: str
    source: str
    guard: str | None = None
    target: str
    refusal: str | None = None
    data: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class MachineTable:
    """A machine of the engine or of its clients.

    Attributes:
        name: What it is called.
        initial: The state in which it begins.
        states: All of them.
        final: Those that nothing leaves.
        rows: Of the rows of one state and event the first whose guard holds counts.
    """

    name: str
    initial: str
    states: tuple[str, ...]
    final: tuple[str, ...] = ()
    rows: tuple[MachineRow, ...]


@attrs.frozen(kw_only=True)
class Contract:
    """The machines that decide, as tables.

    Attributes:
        version: Of the software that runs them.
        machines: Those of clients and those of the engine.
    """

    version: str
    machines: tuple[MachineTable, ...]


@attrs.frozen(kw_only=True)
class SessionAnswer:
    """A user is signed in.

    Attributes:
        user_token: The bearer, for the header Authorization.
        ws_url: URL of the signaling socket; empty without signaling.
        expires_at: When the bearer ends, UTC.
        signaling_enabled: Whether this engine has signaling.
    """

    user_token: str = attrs.field(repr=False)
    ws_url: str = ""
    expires_at: datetime | None = attrs.field(default=None, validator=aware)
    signaling_enabled: bool = False


@attrs.frozen(kw_only=True)
class UTDTokenResponse:
    """The way into a room.

    Attributes:
        token: The media token for LiveKit; 10 minutes to join, no right to
            publish: rights come with a seat.
        url: URL of the LiveKit server, for its client.
        room_name: The room's name in the app; LiveKit's name differs.
        user_token: A bearer for the commands that follow, good for an hour.
        ws_url: URL of the signaling socket; empty without signaling.  Not
            LiveKit's: that is ``url``.
        role: The role that was granted, not the one asked for.
        owner_identity: Identity of the room's owner; none while there is no
            host who owns it.
        connection: Number of this connection; rises with every mint of this
            member, not by one.
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
        identity: Unique in the room; chosen by the app.
        name: Shown to people; none if the member has none.
        role: The role in the room as it lives now.
        seat_index: The member's seat; none without a seat.
        connected: Whether LiveKit has a connection of this member, as far as
            the engine knows.
        joined_at: When this connection began, UTC; none while not connected.
    """

    identity: str
    name: str | None = None
    role: UTDRole = UTDRole.AUDIENCE
    seat_index: int | None = None
    connected: bool = False
    joined_at: datetime | None = attrs.field(default=None, validator=aware)


@attrs.frozen(kw_only=True)
class Pagination:
    """Where in a list a page stands.

    Attributes:
        page: Number of this page, from 1.
        per_page: Most entries on a page.
        total: Number of entries in all.
        total_pages: Number of pages in all.
    """

    page: int
    per_page: int
    total: int
    total_pages: int


@attrs.frozen(kw_only=True)
class RoomView:
    """A room that lives.

    Attributes:
        room_name: The room's name in the app.
        type: What kind of room it is.
        owner_identity: Identity of its owner; none while there is no host who
            owns it.
        created_at: When its first token was minted, UTC.
        num_participants: How many members are connected.
        participants: A page of its members, by identity; none in a list of rooms.
        pagination: Where that page stands; none in a list of rooms.
    """

    room_name: str
    type: UTDStreamType
    owner_identity: str | None = None
    created_at: datetime = attrs.field(validator=aware)
    num_participants: int = 0
    participants: tuple[ParticipantView, ...] | None = None
    pagination: Pagination | None = None


@attrs.frozen(kw_only=True)
class Page(Generic[_T]):
    """A page of a list.

    Attributes:
        data: The entries of this page; empty beyond the last page.
        pagination: Where this page stands in the list.
    """

    data: tuple[_T, ...]
    pagination: Pagination


@attrs.frozen(kw_only=True)
class SeatAnswer:
    """A seat write is committed.

    Attributes:
        rev: Revision of the grid after the change; in a replay, as it is now.
        grid: The grid after the change, or now; missing, like rev, in a
            replay after the room's end.
    """

    rev: int = attrs.field(default=0, metadata=MAY_BE_MISSING)
    grid: UTDSeatGrid = attrs.field(factory=UTDSeatGrid, metadata=MAY_BE_MISSING)


@attrs.frozen(kw_only=True)
class SeatedAnswer:
    """Somebody has taken a seat.

    Attributes:
        rev: Revision of the grid after the change; in a replay, as it is now.
        grid: The grid after the change, or now; missing, like rev, in a
            replay after the room's end.
        seat_index: The seat.
        speaks: Whether the right to speak comes with the seat; false on a
            muted one.
        request_id: The request that was approved; none otherwise.
        invitation_id: The invitation that was accepted; none otherwise.
        identity: Who was seated, where a moderator approved; none otherwise.
    """

    rev: int = attrs.field(default=0, metadata=MAY_BE_MISSING)
    grid: UTDSeatGrid = attrs.field(factory=UTDSeatGrid, metadata=MAY_BE_MISSING)
    seat_index: int
    speaks: bool
    request_id: int | None = None
    invitation_id: int | None = None
    identity: str | None = None


@attrs.frozen(kw_only=True)
class RequestAnswer:
    """A request to speak was made or answered.

    Attributes:
        rev: Revision of the grid after the change; in a replay, as it is now.
        grid: The grid after the change, or now; missing, like rev, in a
            replay after the room's end.
        request_id: Number of the request.
    """

    rev: int = attrs.field(default=0, metadata=MAY_BE_MISSING)
    grid: UTDSeatGrid = attrs.field(factory=UTDSeatGrid, metadata=MAY_BE_MISSING)
    request_id: int


@attrs.frozen(kw_only=True)
class InvitationAnswer:
    """An invitation was made or declined.

    Attributes:
        rev: Revision of the grid after the change; in a replay, as it is now.
        grid: The grid after the change, or now; missing, like rev, in a
            replay after the room's end.
        invitation_id: Number of the invitation.
    """

    rev: int = attrs.field(default=0, metadata=MAY_BE_MISSING)
    grid: UTDSeatGrid = attrs.field(factory=UTDSeatGrid, metadata=MAY_BE_MISSING)
    invitation_id: int
