"""What the occupancy machine hears, asks for and remembers."""

from __future__ import annotations

from typing import TypeAlias

import attrs

__all__ = [
    "ArmTakeTimeout",
    "AskFailed",
    "AskLeave",
    "AskSeat",
    "Cancelled",
    "ConnectionEnded",
    "ConnectionReplaced",
    "GiveBack",
    "GiveBackFailed",
    "LeaveSeat",
    "MicrophoneOff",
    "MicrophoneOn",
    "MuteTrack",
    "OccupancyData",
    "OccupancyEffect",
    "OccupancyEvent",
    "PublishFailed",
    "PublishMicrophone",
    "Published",
    "Refused",
    "RightGranted",
    "RightRevoked",
    "SeatConfirmed",
    "SeatFreed",
    "SeatLost",
    "SeatMoved",
    "SeatMuted",
    "TakeSeat",
    "TakeTimedOut",
    "UnmuteTrack",
    "UnpublishMicrophone",
]


# Commands: the application asks.


@attrs.frozen
class TakeSeat:
    """Sit down and speak.

    Attributes:
        seat_index: Where; None lets the engine choose.
        invitation_id: The invitation that is accepted by it, or None.
        is_mine: The engine says that I sit there already.
        speaks: Whether the right comes with my seat: it is not muted.
    """

    seat_index: int | None = None
    invitation_id: int | None = None
    is_mine: bool = False
    speaks: bool = True


@attrs.frozen
class LeaveSeat:
    """Stand up."""


@attrs.frozen
class MicrophoneOn:
    """Send sound from now on."""


@attrs.frozen
class MicrophoneOff:
    """Send none; a track that is up stays and is muted."""


# Facts.  Those with `op` belong to one take, leave or give-back, those with
# `publication` to one publication.


@attrs.frozen
class Cancelled:
    """Nobody waits for the take any more."""

    op: int


@attrs.frozen
class TakeTimedOut:
    """The time for a take, or for a right to come, is over."""

    op: int


@attrs.frozen
class SeatConfirmed:
    """The engine says that I sit.

    Attributes:
        speaks: Whether the right comes with it: neither seat nor person muted.
    """

    speaks: bool = True


@attrs.frozen
class Refused:
    """The engine said no: I do not sit."""

    op: int


@attrs.frozen
class AskFailed:
    """Nobody knows whether the engine heard the take."""

    op: int


@attrs.frozen
class RightGranted:
    """The SFU lets me publish a microphone."""


@attrs.frozen
class RightRevoked:
    """The SFU lets me publish it no more."""


@attrs.frozen
class SeatMuted:
    """The engine muted my seat or me."""


@attrs.frozen
class SeatMoved:
    """I sit on another seat now."""


@attrs.frozen
class SeatLost:
    """The engine says that I sit no more."""


@attrs.frozen
class SeatFreed:
    """The engine answered what gave the seat back."""

    op: int


@attrs.frozen
class GiveBackFailed:
    """Nobody knows whether the engine heard it."""

    op: int


@attrs.frozen
class Published:
    """The SFU took the microphone."""

    publication: int


@attrs.frozen
class PublishFailed:
    """The SFU did not."""

    publication: int


@attrs.frozen
class ConnectionReplaced:
    """A new connection took the place of one that was given up."""


@attrs.frozen
class ConnectionEnded:
    """There is no connection any more."""


OccupancyEvent: TypeAlias = (
    TakeSeat
    | LeaveSeat
    | MicrophoneOn
    | MicrophoneOff
    | Cancelled
    | TakeTimedOut
    | SeatConfirmed
    | Refused
    | AskFailed
    | RightGranted
    | RightRevoked
    | SeatMuted
    | SeatMoved
    | SeatLost
    | SeatFreed
    | GiveBackFailed
    | Published
    | PublishFailed
    | ConnectionReplaced
    | ConnectionEnded
)


# Effects.


@attrs.frozen
class AskSeat:
    """Ask the engine for the seat and post what it says, as operation *op*."""

    op: int
    seat_index: int | None
    invitation_id: int | None


@attrs.frozen
class ArmTakeTimeout:
    """Post TakeTimedOut of operation *op* when the time for a take is over."""

    op: int


@attrs.frozen
class AskLeave:
    """Ask the engine to free the seat, as operation *op*."""

    op: int


@attrs.frozen
class GiveBack:
    """Learn how the take ended, then free what it took, as operation *op*."""

    op: int


@attrs.frozen
class PublishMicrophone:
    """Publish the microphone, as publication number *publication*."""

    publication: int


@attrs.frozen
class UnpublishMicrophone:
    """Withdraw the microphone, published or on its way."""


@attrs.frozen
class MuteTrack:
    """Mute what is published."""


@attrs.frozen
class UnmuteTrack:
    """Unmute what is published."""


OccupancyEffect: TypeAlias = (
    AskSeat
    | ArmTakeTimeout
    | AskLeave
    | GiveBack
    | PublishMicrophone
    | UnpublishMicrophone
    | MuteTrack
    | UnmuteTrack
)


@attrs.frozen(kw_only=True)
class OccupancyData:
    """What the machine remembers beside its state.

    Attributes:
        op: Number of the take, leave or give-back under way or last ended.
        publication: Number of the publication under way or last ended.
        wanted: The microphone is wanted: a source is set and it is not off.
        right: The SFU lets me publish it.
        waits: A `take_seat` waits for this seat.
    """

    op: int = 0
    publication: int = 0
    wanted: bool = True
    right: bool = False
    waits: bool = False
