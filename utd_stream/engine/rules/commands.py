"""What the engine may be asked or told about one room.

Commands come from people through REST, facts from the SFU and the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

import attrs

from utd_stream.contract.requests import CallRequest, TokenRequest
from utd_stream.models.rooms import DisconnectReason, SeatMode, UTDRole
from utd_stream.ports import SfuParticipant

__all__ = [
    "AcceptCall",
    "AcceptInvitation",
    "Actor",
    "ApproveSpeaker",
    "CallCommand",
    "CancelRequest",
    "Command",
    "CreateCall",
    "DeclineInvitation",
    "EndCall",
    "EndRoom",
    "Enter",
    "Fact",
    "InviteToSpeak",
    "KickFromSeat",
    "KickMember",
    "LeaveRoom",
    "LeaveSeat",
    "LockChat",
    "LockSeat",
    "MemberJoined",
    "MemberLeft",
    "MembersListed",
    "MoveSeat",
    "MuteParticipant",
    "MuteRoom",
    "MuteSeat",
    "Order",
    "RejectCall",
    "RejectSpeaker",
    "RequestToSpeak",
    "RingCall",
    "RoomGone",
    "RoomOpened",
    "SayCallBusy",
    "SetRole",
    "SetRoomMetadata",
    "SetupSeats",
    "SwapSeats",
    "TakeSeat",
    "TimePassed",
    "UnlockChat",
    "UnlockSeat",
    "UnmuteSeat",
]


@attrs.frozen(kw_only=True)
class Actor:
    """On whose behalf a command is decided.

    Attributes:
        identity: Who; None for the app's own back end on nobody's behalf.
        is_secret: The app's secret was shown: every role's authority.
        mints_roles: The app lets its publishable key mint identities, so the
            first who asks becomes host.
    """

    identity: str | None = None
    is_secret: bool = False
    mints_roles: bool = False

    @property
    def name(self) -> str:
        """What is recorded as who did it."""
        return self.identity or "secret"


# Commands.


@attrs.frozen(kw_only=True)
class Enter:
    """Mint a token: become a member, begin a life if there is none."""

    request: TokenRequest


@attrs.frozen(kw_only=True)
class LeaveRoom:
    """Give up everything; an older connection than the newest changes nothing."""

    connection: int | None = None


@attrs.frozen(kw_only=True)
class EndRoom:
    """End this life."""


@attrs.frozen(kw_only=True)
class KickMember:
    """Remove *identity* until the next mint."""

    identity: str


@attrs.frozen(kw_only=True)
class SetRole:
    """Give *identity* another role."""

    identity: str
    role: UTDRole


@attrs.frozen(kw_only=True)
class MuteParticipant:
    """Take sources from *identity*, or give them back, for this life.

    Attributes:
        identity: Whom.
        audio: Microphone and sound of a shared screen.
        video: Camera and shared screen.
        muted: Whether they are taken.
    """

    identity: str
    audio: bool = False
    video: bool = False
    muted: bool


@attrs.frozen(kw_only=True)
class MuteRoom:
    """Take sources from everybody below admin, or give them back, for this life.

    Attributes:
        audio: Microphone and sound of a shared screen.
        video: Camera and shared screen.
        muted: Whether they are taken.
    """

    audio: bool = False
    video: bool = False
    muted: bool


@attrs.frozen(kw_only=True)
class LockChat:
    """Let only moderators chat."""


@attrs.frozen(kw_only=True)
class UnlockChat:
    """Let everybody chat."""


@attrs.frozen(kw_only=True)
class SetRoomMetadata:
    """Show the app's own keys in the room's metadata.

    Attributes:
        metadata: All of them.
    """

    metadata: Mapping[str, Any] = attrs.field(hash=False)


@attrs.frozen(kw_only=True)
class SetupSeats:
    """Change the grid; None stays."""

    seat_count: int | None = None
    seat_mode: SeatMode | None = None
    mode_id: str | None = None


@attrs.frozen(kw_only=True)
class TakeSeat:
    """Sit down."""

    index: int


@attrs.frozen(kw_only=True)
class LeaveSeat:
    """Stand up."""


@attrs.frozen(kw_only=True)
class MoveSeat:
    """Sit down elsewhere."""

    target: int


@attrs.frozen(kw_only=True)
class SwapSeats:
    """Exchange two occupants."""

    a: int
    b: int


@attrs.frozen(kw_only=True)
class KickFromSeat:
    """Unseat the occupant."""

    index: int


@attrs.frozen(kw_only=True)
class LockSeat:
    """Unseat the occupant and close the seat."""

    index: int


@attrs.frozen(kw_only=True)
class UnlockSeat:
    """Open the seat."""

    index: int


@attrs.frozen(kw_only=True)
class MuteSeat:
    """Take the right to speak from the seat."""

    index: int


@attrs.frozen(kw_only=True)
class UnmuteSeat:
    """Give it back."""

    index: int


@attrs.frozen(kw_only=True)
class RequestToSpeak:
    """Ask for a seat."""


@attrs.frozen(kw_only=True)
class CancelRequest:
    """Ask no more."""


@attrs.frozen(kw_only=True)
class ApproveSpeaker:
    """Seat the requester."""

    request_id: int


@attrs.frozen(kw_only=True)
class RejectSpeaker:
    """Refuse the requester."""

    request_id: int


@attrs.frozen(kw_only=True)
class InviteToSpeak:
    """Ask *identity* to sit down."""

    identity: str
    seat_index: int | None = None


@attrs.frozen(kw_only=True)
class AcceptInvitation:
    """Sit down as invited."""

    invitation_id: int


@attrs.frozen(kw_only=True)
class DeclineInvitation:
    """Stay where one is."""

    invitation_id: int


@attrs.frozen(kw_only=True)
class CreateCall:
    """Call somebody.

    Attributes:
        request: What was asked.
        device: Which client calls, by its `party_id`; empty if it named none.
    """

    request: CallRequest
    device: str = ""


@attrs.frozen(kw_only=True)
class RingCall:
    """Say that the call rings at a device of the callee."""


@attrs.frozen(kw_only=True)
class AcceptCall:
    """Answer a call.

    Attributes:
        device: Which client answers, by its `party_id`; empty if it named none.
    """

    device: str = ""


@attrs.frozen(kw_only=True)
class RejectCall:
    """Decline a call, on all devices."""


@attrs.frozen(kw_only=True)
class SayCallBusy:
    """Say that the callee is busy, on all devices."""


@attrs.frozen(kw_only=True)
class EndCall:
    """Hang up.

    Attributes:
        is_lost: For the connection was lost.
    """

    is_lost: bool = False


# Facts.


@attrs.frozen(kw_only=True)
class MemberJoined:
    """The SFU saw somebody connect."""

    participant: SfuParticipant


@attrs.frozen(kw_only=True)
class MemberLeft:
    """The SFU saw a connection of somebody end."""

    identity: str
    sid: str
    reason: DisconnectReason


@attrs.frozen(kw_only=True)
class MembersListed:
    """The SFU listed a room that exists: how the list differs from what is known.

    Attributes:
        participants: Those who are there otherwise than known.
        vanished: Those who are known to be there, and are not.
        asked_at: When it was asked: who came later is not missing.
        metadata_rev: The revision of itself that the room's metadata shows; None
            for none.
        is_last: No other part of this listing follows: graces are judged now, and
            whether the room has been empty for too long.
    """

    participants: tuple[SfuParticipant, ...] = ()
    vanished: tuple[str, ...] = ()
    asked_at: datetime
    metadata_rev: int | None = None
    is_last: bool = True


@attrs.frozen(kw_only=True)
class RoomGone:
    """The SFU listed its rooms, and this one does not exist."""

    asked_at: datetime


@attrs.frozen(kw_only=True)
class RoomOpened:
    """The SFU has a room of this name that it may have opened by itself.

    A restarted SFU has forgotten the metadata, and a token that is still good
    opens a room that has ended.

    Attributes:
        metadata_rev: The revision of itself that the room's metadata shows; None
            for none.
    """

    metadata_rev: int | None = None


@attrs.frozen(kw_only=True)
class TimePassed:
    """Something was due: requests and invitations expire by it."""


Order: TypeAlias = (
    EndRoom
    | KickMember
    | SetRole
    | MuteParticipant
    | MuteRoom
    | LockChat
    | UnlockChat
    | SetRoomMetadata
    | SetupSeats
    | TakeSeat
    | LeaveSeat
    | MoveSeat
    | SwapSeats
    | KickFromSeat
    | LockSeat
    | UnlockSeat
    | MuteSeat
    | UnmuteSeat
    | RequestToSpeak
    | CancelRequest
    | ApproveSpeaker
    | RejectSpeaker
    | InviteToSpeak
    | AcceptInvitation
    | DeclineInvitation
)
# Whoever is no party of the call learns nothing of it.
CallCommand: TypeAlias = RingCall | AcceptCall | RejectCall | SayCallBusy | EndCall
Fact: TypeAlias = (
    MemberJoined | MemberLeft | MembersListed | RoomGone | RoomOpened | TimePassed
)
Command: TypeAlias = Enter | LeaveRoom | Order | CallCommand | CreateCall | Fact
