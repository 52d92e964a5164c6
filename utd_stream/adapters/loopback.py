"""A media plane in memory: LiveKit's server side, without LiveKit.

Rooms, connections, rights and notices behave as LiveKit's do, its traps
included; what it does otherwise is a bug here.  Who connects, leaves or fails
is said by calling its methods.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import attrs
import jwt

from utd_stream.adapters._livekit_notices import notice
from utd_stream.adapters._loopback_notices import written_notice
from utd_stream.errors import (
    ConnectError,
    InvalidRequestError,
    NotFoundError,
    TransportError,
)
from utd_stream.models.participants import Permission, TrackSource
from utd_stream.models.rooms import DisconnectReason
from utd_stream.ports import Clock, SfuNotice, SfuParticipant, SfuRoom

__all__ = ["Loopback", "Message"]

_KEY = "loopback"
_SECRET = "the loopback plane trusts whoever runs in its process"  # noqa: S105
_MAX_NAME_BYTES = 256
_MAX_METADATA_BYTES = 524_288
_EMPTY_TIMEOUT = 300.0
_DEPARTURE_TIMEOUT = 20.0


@attrs.frozen
class Message:
    """A data message of the engine.

    Attributes:
        room: The SFU's name of the room.
        data: As it was sent.
        to: Those it was for; empty for everybody.
    """

    room: str
    data: bytes
    to: tuple[str, ...]


@attrs.define
class _Room:
    sid: str
    name: str
    metadata: str
    empty_timeout: float
    departure_timeout: float
    dies_at: datetime | None
    people: dict[str, SfuParticipant] = attrs.field(factory=dict[str, SfuParticipant])

    def shown(self) -> SfuRoom:
        return SfuRoom(
            name=self.name,
            sid=self.sid,
            metadata=self.metadata,
            num_participants=len(self.people),
        )


class Loopback:
    """`Sfu` in memory.

    Args:
        clock: Of the world it is in.
        delay: How long each request takes, in seconds.

    Attributes:
        delay: Likewise; may be changed at any time.
        asked: Every request that was served, as (operation, room, identity).
        messages: Every data message of the engine.
    """

    def __init__(self, clock: Clock, *, delay: float = 0.0) -> None:
        self.delay = delay
        self.asked: list[tuple[str, str, str]] = []
        self.messages: list[Message] = []
        self._clock = clock
        self._rooms: dict[str, _Room] = {}
        self._sids = 0
        self._listeners: list[Callable[[bytes, str], None]] = []
        self._is_down = False
        self._missing: Counter[str] = Counter()
        self._failing: set[str] = set()

    # What people and the network do.

    def watch(self, listener: Callable[[bytes, str], None]) -> None:
        """Give *listener* the body and signature of every notice."""
        self._listeners.append(listener)

    def enter(self, token: str) -> SfuParticipant:
        """Connect whom *token* names; the newest connection wins (T10).

        Raises:
            ConnectError: If the token is not taken.
        """
        claims = self._claims(token)
        grants: Mapping[str, Any] = claims["video"]
        room = self._room_of_guest(grants["room"], claims.get("roomConfig", {}))
        permission = Permission(
            can_subscribe=grants.get("canSubscribe", True),
            can_publish=grants.get("canPublish", True),
            can_publish_sources=tuple(
                TrackSource(name) for name in grants.get("canPublishSources", ())
            ),
            can_publish_data=grants.get("canPublishData", True),
            can_update_metadata=grants.get("canUpdateOwnMetadata", False),
        )
        identity = claims["sub"]
        if identity in room.people:
            self.leave(room.name, identity, DisconnectReason.DUPLICATE_IDENTITY)
        participant = SfuParticipant(
            identity=identity,
            sid=self._sid("PA"),
            joined_at=_whole_ms(self._clock.now()),
            permission=permission,
            metadata=claims.get("metadata", ""),
        )
        room.people[identity] = participant
        room.dies_at = None
        self._notify("participant_joined", room, participant)
        return participant

    def leave(
        self,
        name: str,
        identity: str,
        reason: DisconnectReason = DisconnectReason.CLIENT_INITIATED,
    ) -> None:
        """End somebody's connection, for *reason*."""
        room = self._rooms[name]
        participant = room.people.pop(identity)
        if not room.people:
            room.dies_at = self._clock.now() + timedelta(seconds=room.departure_timeout)
        self._notify("participant_left", room, participant, reason)

    def restart(self) -> None:
        """Forget everything at once, and tell nobody (T39)."""
        self._rooms.clear()

    def participant(self, name: str, identity: str) -> SfuParticipant | None:
        """Return somebody as they are now, or None."""
        room = self._rooms.get(name)
        return room.people.get(identity) if room else None

    def metadata(self, name: str) -> str | None:
        """Return a room's metadata, or None if it does not exist."""
        room = self._rooms.get(name)
        return room.metadata if room else None

    # Faults.

    @asynccontextmanager
    async def outage(self) -> AsyncGenerator[None]:
        """Refuse every request while the body runs."""
        self._is_down = True
        try:
            yield
        finally:
            self._is_down = False

    @asynccontextmanager
    async def failing(self, name: str) -> AsyncGenerator[None]:
        """Fail every request about one room while the body runs."""
        self._failing.add(name)
        try:
            yield
        finally:
            self._failing.discard(name)

    def lose_sight_of(self, identity: str, *, times: int) -> None:
        """Say "not found" to the next updates of somebody who is there (T6)."""
        self._missing[identity] = times

    # The Sfu port.

    async def create_room(
        self, name: str, *, metadata: str, empty_timeout: float
    ) -> SfuRoom:
        """Open a room, or return the one that exists, unchanged."""
        await self._served("create_room", name)
        if not 0 < len(name.encode()) <= _MAX_NAME_BYTES:
            message = "the room's name is too long"
            raise InvalidRequestError(message)
        if name not in self._rooms:
            _check_metadata(metadata)
            self._open(name, metadata, empty_timeout, empty_timeout)
        return self._rooms[name].shown()

    async def delete_room(self, name: str) -> None:
        """Close a room and remove everybody."""
        await self._served("delete_room", name)
        room = self._existing(name)
        for identity in tuple(room.people):
            self.leave(name, identity, DisconnectReason.ROOM_DELETED)
        self._close(room)

    async def update_room_metadata(self, name: str, metadata: str) -> None:
        """Replace a room's metadata."""
        await self._served("update_room_metadata", name)
        room = self._existing(name)
        _check_metadata(metadata)
        room.metadata = metadata

    async def update_participant(
        self, name: str, identity: str, *, permission: Permission, metadata: str
    ) -> None:
        """Replace somebody's metadata, then the whole of their permission."""
        await self._served("update_participant", name, identity)
        participant = self._present(name, identity)
        if self._missing[identity] > 0:
            self._missing[identity] -= 1
            message = "participant not found"
            raise NotFoundError(message)
        kept = participant.track_sources if permission.can_publish else ()
        allowed = tuple(s for s in kept if permission.may_publish(s))
        self._rooms[name].people[identity] = attrs.evolve(
            participant,
            permission=permission,
            # An empty text leaves LiveKit's as it is.
            metadata=metadata or participant.metadata,
            track_sources=allowed,
        )

    async def remove_participant(self, name: str, identity: str) -> None:
        """End somebody's connection; their token stays valid."""
        await self._served("remove_participant", name, identity)
        self._present(name, identity)
        self.leave(name, identity, DisconnectReason.PARTICIPANT_REMOVED)

    async def send_data(self, name: str, data: bytes, *, to: Sequence[str]) -> None:
        """Send a reliable data message without a sender."""
        await self._served("send_data", name)
        self._existing(name)
        self.messages.append(Message(name, data, tuple(to)))

    async def list_rooms(self) -> tuple[SfuRoom, ...]:
        """Return every room that exists."""
        await self._served("list_rooms", "")
        return tuple(room.shown() for room in self._rooms.values())

    async def list_participants(self, name: str) -> tuple[SfuParticipant, ...]:
        """Return everybody in a room."""
        await self._served("list_participants", name)
        room = self._rooms.get(name)
        return tuple(room.people.values()) if room else ()

    def sign_token(self, claims: Mapping[str, Any]) -> str:
        """Sign a token that this plane takes."""
        return jwt.encode(  # pyright: ignore[reportUnknownMemberType]
            {**claims, "iss": _KEY}, _SECRET, "HS256"
        )

    def read_notice(self, body: bytes, authorization: str, now: datetime) -> SfuNotice:
        """Check a notice's signature and return what it tells."""
        return notice(body, authorization, now, key=_KEY, secret=_SECRET)

    async def aclose(self) -> None:
        """Nothing has to be freed."""

    # Inside.

    async def _served(self, operation: str, name: str, identity: str = "") -> None:
        if self.delay:
            await self._clock.sleep(self.delay)
        if self._is_down:
            message = "the media plane is down"
            raise ConnectError(message)
        if name in self._failing:
            message = "the room fails"
            raise TransportError(message)
        self._bury()
        self.asked.append((operation, name, identity))

    def _bury(self) -> None:
        now = self._clock.now()
        for room in tuple(self._rooms.values()):
            if room.dies_at is not None and room.dies_at <= now:
                self._close(room)

    def _existing(self, name: str) -> _Room:
        if name not in self._rooms:
            message = "room not found"
            raise NotFoundError(message)
        return self._rooms[name]

    def _present(self, name: str, identity: str) -> SfuParticipant:
        found = self._existing(name).people.get(identity)
        if found is None:
            message = "participant not found"
            raise NotFoundError(message)
        return found

    def _room_of_guest(self, name: str, config: Mapping[str, Any]) -> _Room:
        self._bury()
        if name not in self._rooms:
            # A token that is still good opens a room again (T39).
            self._open(
                name,
                "",
                config.get("emptyTimeout", _EMPTY_TIMEOUT),
                config.get("departureTimeout", _DEPARTURE_TIMEOUT),
            )
        return self._rooms[name]

    def _open(self, name: str, metadata: str, empty: float, departure: float) -> None:
        room = _Room(
            sid=self._sid("RM"),
            name=name,
            metadata=metadata,
            empty_timeout=empty,
            departure_timeout=departure,
            dies_at=self._clock.now() + timedelta(seconds=empty),
        )
        self._rooms[name] = room
        self._notify("room_started", room)

    def _close(self, room: _Room) -> None:
        del self._rooms[room.name]
        self._notify("room_finished", room)

    def _sid(self, kind: str) -> str:
        self._sids += 1
        return f"{kind}_{self._sids:08d}"

    def _claims(self, token: str) -> dict[str, Any]:
        options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
        now = self._clock.now().timestamp()
        try:
            claims = jwt.decode(  # pyright: ignore[reportUnknownMemberType]
                token, _SECRET, algorithms=["HS256"], issuer=_KEY, options=options
            )
        except jwt.InvalidTokenError:
            claims = None  # the cause may quote the token (T23)
        if claims is None or not claims.get("nbf", 0) <= now < claims["exp"]:
            message = "the token is not one of this plane, or not good now"
            raise ConnectError(message, code="unauthenticated")
        return claims

    def _notify(
        self,
        name: str,
        room: _Room,
        participant: SfuParticipant | None = None,
        reason: DisconnectReason = DisconnectReason.UNKNOWN_REASON,
    ) -> None:
        body, claims = written_notice(
            name, room.shown(), participant, reason, self._clock.now()
        )
        authorization = self.sign_token(claims)
        for listener in self._listeners:
            listener(body, authorization)


def _whole_ms(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _check_metadata(metadata: str) -> None:
    if len(metadata.encode()) > _MAX_METADATA_BYTES:
        message = "metadata is too large"
        raise InvalidRequestError(message)
