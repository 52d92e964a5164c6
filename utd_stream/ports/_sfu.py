"""A media plane, seen by the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import attrs

from utd_stream.models.participants import Permission, TrackSource
from utd_stream.models.rooms import DisconnectReason

__all__ = [
    "OtherNotice",
    "ParticipantJoined",
    "ParticipantLeft",
    "RoomFinished",
    "RoomStarted",
    "Sfu",
    "SfuNotice",
    "SfuParticipant",
    "SfuRoom",
]


@attrs.frozen(kw_only=True)
class SfuParticipant:
    """Somebody in a room, as the SFU lists them.

    Attributes:
        identity: Of the participant.
        sid: Of this connection.
        joined_at: When this connection came, UTC.
        permission: In force now; None where the SFU does not say.
        metadata: In force now.
        track_sources: Of the tracks published now.
    """

    identity: str
    sid: str
    joined_at: datetime
    permission: Permission | None = None
    metadata: str = ""
    track_sources: tuple[TrackSource, ...] = ()


@attrs.frozen(kw_only=True)
class SfuRoom:
    """A room that exists at the SFU."""

    name: str
    sid: str
    metadata: str = ""
    num_participants: int = 0


@attrs.frozen(kw_only=True)
class RoomStarted:
    """The SFU opened a room."""

    room: SfuRoom


@attrs.frozen(kw_only=True)
class RoomFinished:
    """The SFU closed a room; may be told long after its end."""

    room: SfuRoom


@attrs.frozen(kw_only=True)
class ParticipantJoined:
    """Somebody connected."""

    room: SfuRoom
    participant: SfuParticipant


@attrs.frozen(kw_only=True)
class ParticipantLeft:
    """A connection of somebody ended; a newer one may exist."""

    room: SfuRoom
    participant: SfuParticipant
    reason: DisconnectReason


@attrs.frozen(kw_only=True)
class OtherNotice:
    """Anything else the SFU tells."""

    event: str
    room: SfuRoom | None = None


SfuNotice: TypeAlias = (
    RoomStarted | RoomFinished | ParticipantJoined | ParticipantLeft | OtherNotice
)


class Sfu(Protocol):
    """A media plane, seen by the engine.  Every call is idempotent.

    Every call that awaits raises `SfuNotFoundError` when the room or the
    participant is not there, `SfuRefusedError` when the SFU will never
    take it, and `TransportError` for everything that may pass.
    """

    async def create_room(
        self,
        name: str,
        *,
        metadata: str,
        empty_timeout: float,
        max_participants: int = 0,
    ) -> SfuRoom:
        """Open a room, or return the one that exists, unchanged.

        The room outlives its last participant by *empty_timeout* seconds.  It lets in
        *max_participants*, 0 for as many as come.
        """
        ...

    async def delete_room(self, name: str) -> None:
        """Close a room and remove everybody."""
        ...

    async def update_room_metadata(self, name: str, metadata: str) -> None:
        """Replace a room's metadata."""
        ...

    async def update_participant(
        self, name: str, identity: str, *, permission: Permission, metadata: str
    ) -> None:
        """Replace somebody's metadata, then the whole of their permission."""
        ...

    async def remove_participant(self, name: str, identity: str) -> None:
        """End somebody's connection; their token stays valid."""
        ...

    async def send_data(self, name: str, data: bytes, *, to: Sequence[str]) -> None:
        """Send a reliable data message without a sender."""
        ...

    async def list_rooms(self, names: Sequence[str] = ()) -> tuple[SfuRoom, ...]:
        """Return those of the rooms *names* that exist; without names, every room."""
        ...

    async def list_participants(self, name: str) -> tuple[SfuParticipant, ...]:
        """Return everybody in a room."""
        ...

    def sign_token(self, claims: Mapping[str, Any]) -> str:
        """Sign a token that the SFU takes; *claims* hold everything but ``iss``."""
        ...

    def check_notice(self, authorization: str, now: datetime) -> None:
        """Check what a webhook's signature shows before its body is read.

        Raises:
            SfuSignatureError: If the signature is missing, expired or
                another's, or is not of a webhook.
        """
        ...

    def read_notice(self, body: bytes, authorization: str, now: datetime) -> SfuNotice:
        """Check a webhook's signature and return what it tells.

        Raises:
            SfuSignatureError: If the signature is missing, expired or
                another's, or the body is not the one that was signed.
            RemoteProtocolError: If it cannot be read.
        """
        ...

    async def aclose(self) -> None:
        """Free connections; idempotent."""
        ...
