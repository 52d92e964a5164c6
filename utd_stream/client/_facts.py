"""What a session's mailbox takes beside the events of its machines."""

from __future__ import annotations

import attrs

from utd_stream.contract.answers import UTDTokenResponse
from utd_stream.models.participants import TrackPublication
from utd_stream.models.room_events import RoomEvent
from utd_stream.models.rooms import UTDRole
from utd_stream.models.seats import UTDSeatGrid
from utd_stream.ports import RoomState

__all__ = [
    "EventTold",
    "GridTold",
    "OwnMuteRead",
    "RoleTold",
    "RoomRead",
    "TokenMinted",
]


@attrs.frozen
class EventTold:
    """The SFU told *event* on connection *number*."""

    number: int
    event: RoomEvent


@attrs.frozen
class RoomRead:
    """All that connection *number* knows was read at once."""

    number: int
    state: RoomState


@attrs.frozen
class OwnMuteRead:
    """This client muted or unmuted *publication*; the SFU's event comes later."""

    publication: TrackPublication


@attrs.frozen
class TokenMinted:
    """The engine let this client in again, for connection *number*."""

    number: int
    answer: UTDTokenResponse


@attrs.frozen
class GridTold:
    """The engine told a grid, in an answer or by the room's metadata."""

    grid: UTDSeatGrid


@attrs.frozen
class RoleTold:
    """The engine told this member's role."""

    role: UTDRole
