"""Everything the core needs of the world, and what each part must promise.

A port is a contract: order, idempotence, cancellation, and which of our
errors it raises.  Adapters translate foreign exceptions at this border and
nowhere else; no foreign text that may hold a token gets past it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import attrs

from utd_stream.models.media import AudioFrame
from utd_stream.models.participants import (
    LocalParticipant,
    Permission,
    RemoteParticipant,
    TrackPublication,
    TrackSource,
)
from utd_stream.models.room_events import RoomEvent
from utd_stream.models.rooms import DisconnectReason

__all__ = [
    "AudioSource",
    "Clock",
    "Http",
    "HttpAnswer",
    "Luck",
    "Media",
    "MediaRoom",
    "OtherNotice",
    "ParticipantJoined",
    "ParticipantLeft",
    "RoomFinished",
    "RoomStarted",
    "RoomState",
    "Sfu",
    "SfuNotice",
    "SfuParticipant",
    "SfuRoom",
]


class Clock(Protocol):
    """Time; everything that waits, waits here."""

    def now(self) -> datetime:
        """Return the date and time, UTC and aware."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary start."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait *seconds*; cancelling ends it at once."""
        ...

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[object]:
        """Bound the body: after *seconds* it is cancelled and TimeoutError raised.

        None bounds nothing.
        """
        ...


class Luck(Protocol):
    """Chance; whatever draws, draws here."""

    def fraction(self) -> float:
        """Return a number in [0, 1)."""
        ...

    def token(self) -> str:
        """Return a text nobody can guess and nobody drew before."""
        ...


@attrs.frozen(kw_only=True)
class HttpAnswer:
    """What a server answered, whatever its status.

    Attributes:
        status: HTTP status.
        headers: Names in lower case.
        body: As it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http(Protocol):
    """Requests to the engine."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> HttpAnswer:
        """Send one request and return the whole answer.

        It is tried once.  Cancelling closes the connection; the server may
        have served the request all the same.

        Raises:
            ConnectError: If no connection could be made: nothing was asked.
            TransportError: If it broke afterwards: it may have been served.
            RemoteProtocolError: If the answer is far longer than any of ours.
            InvalidArgumentError: If *url* is none.
        """
        ...

    async def aclose(self) -> None:
        """Close connections of our own; those of a pool given stay."""
        ...


class AudioSource(Protocol):
    """Description of a sound; opened anew for each publication."""

    def open(self) -> AsyncIterator[AudioFrame]:
        """Return frames, 48 kHz and mono, for as long as they are asked for.

        Whoever publishes them sets the pace; the iterator never waits for
        real time by itself.  It is closed, if it can be, when the publication
        ends.
        """
        ...


@attrs.frozen(kw_only=True)
class RoomState:
    """All that a connected room knows, read at once.

    Attributes:
        metadata: Of the room, as text; empty when the SFU forgot it.
        local: This client.
        remotes: The others announced, in order of announcement.
    """

    metadata: str
    local: LocalParticipant
    remotes: tuple[RemoteParticipant, ...]


class MediaRoom(Protocol):
    """One connection to one SFU room; never connected twice.

    The calls that await must not be cancelled: their effect at the SFU could
    not be undone, and LiveKit's native client may end the process.  A keeper
    owns them; see `utd_stream.client._keeper`.
    """

    @property
    def native(self) -> Any:
        """The plane's own room object."""
        ...

    def watch(self, observer: Callable[[RoomEvent], None]) -> None:
        """Tell *observer* of every event, in order, on the loop's thread.

        Called once, before `connect`.  Events of the room may come before
        `connect` returns, and none comes after `disconnect` returned.
        """
        ...

    async def connect(self, url: str, token: str, *, auto_subscribe: bool) -> None:
        """Enter the room the token names; `Connected` is told before it returns.

        Raises:
            ConnectError: If the SFU is not there, or refuses.  The code is
                ``unauthenticated`` for a token it does not take (not
                retryable by the same token), ``invalid`` for names it does
                not take, ``room_full``, or ``connect``.
            DescriptorLimitError: If too few descriptors are left.
            ClosedError: If `disconnect` was called before or meanwhile; then
                nobody is left in the room.
        """
        ...

    def state(self) -> RoomState:
        """Return what the room knows now.

        A local track that the SFU removed, with the right to publish it, stays
        listed until it is unpublished.

        Raises:
            DisconnectedError: If it is not connected, or no more.
        """
        ...

    async def publish_audio(
        self, source: AudioSource, *, name: str, track_source: TrackSource
    ) -> TrackPublication:
        """Announce a track fed from *source*, in place of what was published.

        Raises:
            PublishError: If the SFU did not take it, within its own 10 s.
            DisconnectedError: If the room is not connected, or no more.
        """
        ...

    async def unpublish(self, track_source: TrackSource) -> None:
        """Withdraw what is published of *track_source* and stop its feed.

        Nothing published is not an error, nor is a track that the SFU
        removed first.
        """
        ...

    def set_muted(self, track_source: TrackSource, *, muted: bool) -> None:
        """Stop or start sending what is published of *track_source*."""
        ...

    async def send_data(
        self, data: bytes, *, reliable: bool, to: Sequence[str], topic: str
    ) -> None:
        """Send a data message; to everybody when *to* is empty.

        Raises:
            TransportError: If it could not be sent; `DisconnectedError` if
                the room is not connected, or no more.
        """
        ...

    def audio(self, identity: str) -> AsyncIterator[AudioFrame]:
        """Return the sound of *identity* while its microphone is subscribed.

        Frames are 10 ms, 48 kHz, mono.  It waits for a track, goes on with
        the next one, and ends with the connection.  At most 100 frames wait
        for a slow reader; then the oldest are dropped.
        """
        ...

    async def disconnect(self) -> None:
        """Leave and free everything; idempotent, also never connected."""
        ...


class Media(Protocol):
    """A media plane, seen by clients."""

    def open(self, *, adaptive_stream: bool, dynacast: bool) -> MediaRoom:
        """Return a room that can be connected once."""
        ...


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

    Every call that awaits raises `NotFoundError` when the room or the
    participant is not there, `InvalidRequestError` when the SFU will never
    take it, and `TransportError` for everything that may pass.
    """

    async def create_room(
        self, name: str, *, metadata: str, empty_timeout: float
    ) -> SfuRoom:
        """Open a room, or return the one that exists, unchanged.

        The room outlives its last participant by *empty_timeout* seconds.
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

    async def list_rooms(self) -> tuple[SfuRoom, ...]:
        """Return every room that exists."""
        ...

    async def list_participants(self, name: str) -> tuple[SfuParticipant, ...]:
        """Return everybody in a room."""
        ...

    def sign_token(self, claims: Mapping[str, Any]) -> str:
        """Sign a token that the SFU takes; *claims* hold everything but ``iss``."""
        ...

    def read_notice(self, body: bytes, authorization: str, now: datetime) -> SfuNotice:
        """Check a webhook's signature and return what it tells.

        Raises:
            UnauthenticatedError: If the signature is missing, expired or
                another's, or the body is not the one that was signed.
            RemoteProtocolError: If it cannot be read.
        """
        ...

    async def aclose(self) -> None:
        """Free connections; idempotent."""
        ...
