"""What clients ask: the bodies of requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from utd_stream.contract.fields import (
    DisplayName,
    Identity,
    Image,
    JsonObjectText,
    ModeId,
    RoomOrCall,
    SeatCount,
    SeatIndex,
    Text20,
    Text50,
    Text100,
    Text256,
    WholeNumber,
)
from utd_stream.models.calls import HangUpReason
from utd_stream.models.rooms import SeatMode, UTDRole, UTDStreamType

__all__ = [
    "ActRequest",
    "AnswerCallRequest",
    "CallActRequest",
    "CallRequest",
    "EndCallRequest",
    "InviteRequest",
    "LeaveRequest",
    "MoveRequest",
    "MuteRequest",
    "RoleRequest",
    "RoomMetadataRequest",
    "SessionRequest",
    "SetupRequest",
    "SwapRequest",
    "TokenRequest",
]


@attrs.frozen(kw_only=True)
class SessionRequest:
    """Sign a user in.

    Attributes:
        identity: Whom the bearer will name.
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
        room_name: Which room, or which call by its id.
        identity: Who enters.
        name: Shown to people.
        role: The role asked for, audience when absent; the answer's role says
            which one was granted.
        device_id: The app's own name for the device.
        image: Address of a picture; others see it on the seat.
        metadata: The app's own keys for the participant's metadata; keys that
            only the engine may write are left out.
        party_id: Of a call: the client that called or answered; another one of the
            same person is refused.
        resume: True for the automatic mint of a reconnect: only a member of
            the room as it lives now gets a token, and no room begins.
        seat_count: Number of seats, from the first host.
        seat_mode: Who may take an open seat, from the first host.
        mode_id: The app's own name for its layout, from the first host.
        host_seat: The seat that the first host takes in the same commit.
        device_model: Model of the device, for the app's statistics.
        os: Operating system of the device, for the app's statistics.
        os_version: Version of that system, for the app's statistics.
        app_version: Version of the app, for the app's statistics.
    """

    type: UTDStreamType
    room_name: RoomOrCall
    identity: Identity
    name: DisplayName | None = None
    role: UTDRole | None = None
    device_id: Text256 | None = None
    image: Image | None = None
    metadata: JsonObjectText | None = None
    party_id: Text256 | None = None
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
        identity: On whose behalf the app's secret acts; beside a bearer only
            the bearer's own identity.
    """

    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class MuteRequest:
    """Take sources from somebody, or give them back.

    Attributes:
        audio: The microphone and the sound of a shared screen.
        video: The camera and the shared screen.
        muted: True takes them, false gives them back.
        identity: On whose behalf the app's secret acts; beside a bearer only
            the bearer's own identity.
    """

    audio: bool = False
    video: bool = False
    muted: bool
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class RoleRequest:
    """Give a member another role.

    Attributes:
        role: Which, until the room ends.
        identity: On whose behalf the app's secret acts; beside a bearer only
            the bearer's own identity.
    """

    role: UTDRole
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class RoomMetadataRequest:
    """Show the app's own keys in the room's metadata.

    Attributes:
        metadata: The keys, all of them; none may begin with ``_``.
        identity: On whose behalf the app's secret acts.
    """

    metadata: Mapping[str, Any]
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class LeaveRequest:
    """Leave the room.

    Attributes:
        connection: The number of the connection that leaves; one older than
            the member's newest changes nothing.
        identity: On whose behalf the app's secret acts; beside a bearer only
            the bearer's own identity.
    """

    connection: WholeNumber | None = None
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class SetupRequest:
    """Change the grid; what is absent stays.

    Attributes:
        seat_count: New number of seats; occupants beyond it lose their seats.
        seat_mode: Who may take an open seat; ``free`` cancels the requests
            that wait.
        mode_id: The app's own name for its layout.
        identity: On whose behalf the app's secret acts; beside a bearer only
            the bearer's own identity.
    """

    seat_count: SeatCount | None = None
    seat_mode: SeatMode | None = None
    mode_id: ModeId | None = None
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class MoveRequest:
    """Move to another seat.

    Attributes:
        target_seat: Index of the seat to move to.
        identity: On whose behalf the app's secret acts; beside a bearer only
            the bearer's own identity.
    """

    target_seat: SeatIndex
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class SwapRequest:
    """Exchange the occupants of two seats, at least one of them taken.

    Attributes:
        a: Index of one seat.
        b: Index of the other seat.
        identity: On whose behalf the app's secret acts; beside a bearer only
            the bearer's own identity.
    """

    a: SeatIndex
    b: SeatIndex
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class InviteRequest:
    """Invite a member to a seat.

    Attributes:
        target_identity: Who is invited.
        seat_index: The seat reserved until the answer; absent for the first
            free seat at the acceptance.
        identity: On whose behalf the app's secret acts; beside a bearer only
            the bearer's own identity.
    """

    target_identity: Identity
    seat_index: SeatIndex | None = None
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class CallRequest:
    """Call somebody.

    Attributes:
        callee_identity: Whom.
        callee_name: Shown to people.
        caller_name: Shown to people.
        type: Audio call or video call; ``voice`` and ``video`` say the same.
        metadata: The app's own, for both parties.
        os: Operating system of the device, for the app's statistics.
        party_id: Names the client that calls; it alone may enter the media room as
            the caller.
        identity: On whose behalf the app's secret acts; beside a bearer only
            the bearer's own identity.
    """

    callee_identity: Identity
    callee_name: DisplayName | None = None
    caller_name: DisplayName | None = None
    type: UTDStreamType
    metadata: Mapping[str, Any] | None = None
    os: Text50 | None = None
    party_id: Text256 | None = None
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class CallActRequest:
    """Say something to a call that rings.

    Attributes:
        party_id: Names the client that says it.
        identity: On whose behalf the app's secret acts; beside a bearer only
            the bearer's own identity.
    """

    party_id: Text256 | None = None
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class AnswerCallRequest:
    """Answer a call.

    Attributes:
        os: Operating system of the device, for the app's statistics.
        party_id: Names the client that answers; it alone may enter the media room
            as the callee.
        identity: On whose behalf the app's secret acts; beside a bearer only
            the bearer's own identity.
    """

    os: Text50 | None = None
    party_id: Text256 | None = None
    identity: Identity | None = None


@attrs.frozen(kw_only=True)
class EndCallRequest:
    """Hang up.

    Attributes:
        reason: Why: the party hung up, or its client lost the connection.
        party_id: Names the client that hangs up.
        identity: On whose behalf the app's secret acts; beside a bearer only
            the bearer's own identity.
    """

    reason: HangUpReason | None = None
    party_id: Text256 | None = None
    identity: Identity | None = None
