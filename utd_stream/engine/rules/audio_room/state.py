"""What an audio room holds beside what rooms of every type hold.

Source: contract.md sections 3 and 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

import attrs

from utd_stream.engine.rules.state import Room
from utd_stream.errors import ConflictError
from utd_stream.machines.invitation import InvitationData, InvitationState
from utd_stream.machines.request import RequestData, RequestState
from utd_stream.machines.seat import SeatData, SeatState
from utd_stream.models.rooms import SeatMode
from utd_stream.models.seats import (
    DEFAULT_SEAT_COUNT,
    Invitation,
    SpeakerRequest,
    UTDSeat,
    UTDSeatGrid,
)

__all__ = [
    "Absence",
    "AudioRoom",
    "Invite",
    "Request",
    "Seat",
    "audio_room",
    "empty_seats",
    "grid_of",
    "seat_index_of",
    "speaks",
]

# What one weighs in memory, in bytes, beside the texts that people choose.
_SEAT, _WAITING = 600, 600


@attrs.frozen(kw_only=True)
class Absence:
    """The occupant of a seat is not seen at the SFU.

    Attributes:
        since: When the engine first saw it.
        grace: How long the seat waits, in seconds.
    """

    since: datetime
    grace: float


@attrs.frozen(kw_only=True)
class Seat:
    """One seat: its machine's state, and what is shown of its occupant.

    Attributes:
        index: From 0.
        state: Of the seat machine.
        data: Of the seat machine.
        name: Of the occupant, from the moment of sitting down.
        attributes: Of the occupant, likewise.
        grant: Number of the occupant's right to speak; 0 without one.
        absence: Set while the seat waits for its occupant.
    """

    index: int
    state: SeatState = SeatState.FREE
    data: SeatData = attrs.field(factory=SeatData)
    name: str | None = None
    attributes: Mapping[str, str] = MappingProxyType({})
    grant: int = 0
    absence: Absence | None = None

    @cached_property
    def shown(self) -> UTDSeat:
        """What everybody may see of it; a seat that stays is not looked at twice."""
        return UTDSeat(
            seat_index=self.index,
            occupant_identity=self.data.occupant,
            locked=self.state is SeatState.LOCKED,
            muted=self.data.muted,
            reserved_for=self.data.reserved_for,
            name=self.name,
            attributes=self.attributes,
            grant=self.grant,
        )


@attrs.frozen(kw_only=True)
class Request:
    """One request to speak, settled or not."""

    id: int
    state: RequestState = RequestState.PENDING
    data: RequestData

    @property
    def is_pending(self) -> bool:
        """Whether it waits for a moderator."""
        return self.state is RequestState.PENDING


@attrs.frozen(kw_only=True)
class Invite:
    """One invitation to speak, settled or not."""

    id: int
    state: InvitationState = InvitationState.PENDING
    data: InvitationData

    @property
    def is_pending(self) -> bool:
        """Whether it waits for the invited."""
        return self.state is InvitationState.PENDING


def empty_seats(count: int = DEFAULT_SEAT_COUNT) -> tuple[Seat, ...]:
    """Return *count* free seats."""
    return tuple(Seat(index=index) for index in range(count))


@attrs.frozen(kw_only=True)
class AudioRoom:
    """The content of an audio room.

    Attributes:
        configured: A host has configured the grid.
        seat_mode: Who may sit.
        mode_id: The app's own name for its layout.
        seats: By index.
        requests: Of this life, by id, but for those that nobody answered.
        invites: Of this life, by id.
    """

    configured: bool = False
    seat_mode: SeatMode = SeatMode.FREE
    mode_id: str | None = None
    seats: tuple[Seat, ...] = attrs.field(factory=empty_seats)
    requests: tuple[Request, ...] = ()
    invites: tuple[Invite, ...] = ()

    @property
    def weight(self) -> int:
        """About how many bytes it takes in memory."""
        waiting = len(self.requests) + len(self.invites)
        return _SEAT * len(self.seats) + _WAITING * waiting

    def index_of(self, identity: str) -> int | None:
        """Return where *identity* sits, or None."""
        for index, seat in enumerate(self.seats):
            if seat.data.occupant == identity:
                return index
        return None

    @cached_property
    def pending_requests(self) -> tuple[Request, ...]:
        """The requests that wait, oldest first."""
        return tuple(r for r in self.requests if r.is_pending)

    @cached_property
    def pending_invites(self) -> tuple[Invite, ...]:
        """The invitations that wait, oldest first."""
        return tuple(i for i in self.invites if i.is_pending)

    def grid(self, rev: int) -> UTDSeatGrid:
        """Return what everybody may see of it at revision *rev*."""
        return UTDSeatGrid(
            seat_mode=self.seat_mode,
            mode_id=self.mode_id,
            rev=rev,
            seats=tuple(seat.shown for seat in self.seats),
            requests=tuple(
                SpeakerRequest(
                    id=r.id, identity=r.data.identity, created_at=r.data.created_at
                )
                for r in self.pending_requests
            ),
            invitations=tuple(
                Invitation(
                    id=i.id,
                    identity=i.data.identity,
                    seat_index=i.data.seat_index,
                    expires_at=i.data.expires_at,
                )
                for i in self.pending_invites
            ),
        )


def audio_room(room: Room) -> AudioRoom:
    """Return the content of an audio room.

    Raises:
        ConflictError: If the room is of another type.
    """
    if not isinstance(room.content, AudioRoom):
        message = f"the room is a {room.type.value}: it has no seats"
        raise ConflictError(message)
    return room.content


def grid_of(room: Room) -> UTDSeatGrid:
    """Return what everybody may see of the seats.

    Raises:
        ConflictError: If the room is of another type.
    """
    return audio_room(room).grid(room.rev)


def seat_index_of(room: Room, identity: str) -> int | None:
    """Return where *identity* sits; None also where there are no seats."""
    content = room.content
    return content.index_of(identity) if isinstance(content, AudioRoom) else None


def speaks(room: Room, identity: str) -> bool:
    """Whether *identity* sits on a seat that is not muted."""
    content = audio_room(room)
    index = content.index_of(identity)
    return index is not None and not content.seats[index].data.muted
