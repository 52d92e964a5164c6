"""What clients ask: the bodies of requests."""

from __future__ import annotations

import attrs

from utd_stream.contract.fields import (
    DisplayName,
    Identity,
    Image,
    JsonObjectText,
    ModeId,
    RoomName,
    SeatCount,
    SeatIndex,
    Text20,
    Text50,
    Text100,
    Text256,
    WholeNumber,
)
from utd_stream.models.rooms import SeatMode, UTDRole, UTDStreamType

__all__ = [
    "ActRequest",
    "InviteRequest",
    "LeaveRequest",
    "MoveRequest",
    "SessionRequest",
    "SetupRequest",
    "SwapRequest",
    "TokenRequest",
]


@attrs.frozen(kw_only=True)
class SessionRequest:
    """Sign a user in.

    Attributes:
        identity: Who.
        name: Shown to people.
        device_id: The app's own name for the device.
    """

    identity: Identity
    name: DisplayName | None = None
    device_id: Text256 | None = None


@attrs.frozen(kw_only=True)
class TokenRequest:
    """Enter a room.

    Attributes:
        type: What kind of room it is, or becomes.
        room_name: Which room.
        identity: Who enters.
        name: Shown to people.
        role: Asked for; the answer says which one was granted.
        device_id: The app's own name for the device.
        image: Address of a picture; others see it on the seat.
        metadata: A JSON object of the app's own keys, as text.
        resume: An automatic mint of a reconnect: for members of the life
            that goes on only; it begins no life.
        seat_count: Size of the grid, from its first host.
        seat_mode: Who may sit, from its first host.
        mode_id: The app's own name for its layout, from its first host.
        host_seat: Where the first host sits down at once.
        device_model: Of the device, for the app's statistics.
        os: Likewise.
        os_version: Likewise.
        app_version: Likewise.
    """

    type: UTDStreamType
    room_name: RoomName
    identity: Identity
    name: DisplayName | None = None
    role: UTDRole | None = None
    device_id: Text256 | None = None
    image: Image | None = None
    metadata: JsonObjectText | None = None
    resume: bool = False
    seat_count: SeatCount | None = None
    seat_mode: SeatMode | None = None
    mode_id: ModeId | None = None
    host_seat: SeatIndex | None = None
    device_model: Text100 | None = None
    os: Text50 | None = None
    os_version: Text20 | None = None
    app_version: Text20 | None = None


@attrs.frozen(kw_only=True)
class ActRequest:
    """Do what the path says.

    Attributes:
        identity: For whom, where the app's secret acts; a bearer's own.
    """

    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class LeaveRequest:
    """Leave the room.

    Attributes:
        connection: Which connection leaves; an older one than the newest
            mint changes nothing.
        identity: For whom, where the app's secret acts.
    """

    connection: WholeNumber | None = None
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class SetupRequest:
    """Change the grid; what is absent stays.

    Attributes:
        seat_count: New size; those who sit beyond it are unseated.
        seat_mode: Who may sit; `free` cancels the requests that wait.
        mode_id: The app's own name for its layout.
        identity: For whom, where the app's secret acts.
    """

    seat_count: SeatCount | None = None
    seat_mode: SeatMode | None = None
    mode_id: ModeId | None = None
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class MoveRequest:
    """Sit down elsewhere.

    Attributes:
        target_seat: Where.
        identity: For whom, where the app's secret acts.
    """

    target_seat: SeatIndex
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class SwapRequest:
    """Exchange the occupants of two seats, at least one of them taken.

    Attributes:
        a: One seat.
        b: The other seat.
        identity: For whom, where the app's secret acts.
    """

    a: SeatIndex
    b: SeatIndex
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class InviteRequest:
    """Ask somebody to sit down.

    Attributes:
        target_identity: Who is asked.
        seat_index: The seat held until the answer; None for the first free.
        identity: For whom, where the app's secret acts.
    """

    target_identity: Identity
    seat_index: SeatIndex | None = None
    identity: Identity | None = None
