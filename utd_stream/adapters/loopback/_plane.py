"""The loopback plane from its two sides, and how it can be made to fail."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NoReturn

import attrs

from utd_stream.adapters._livekit_notices import notice, signed_digest
from utd_stream.adapters.loopback._lines import Lines
from utd_stream.adapters.loopback._people import Member, Room
from utd_stream.adapters.loopback._room import LoopbackRoom
from utd_stream.adapters.loopback._server import URL, Server
from utd_stream.adapters.loopback._tokens import KEY, MAX_NAME_BYTES, SECRET, signed
from utd_stream.errors import (
    ConnectError,
    SfuNotFoundError,
    SfuRefusedError,
    TransportError,
)
from utd_stream.models.participants import Permission
from utd_stream.models.rooms import DisconnectReason
from utd_stream.ports import Clock, SfuNotice, SfuParticipant, SfuRoom

__all__ = ["Loopback", "Message"]

_MAX_METADATA_BYTES = 524_288
# How much is remembered for tests; a plane may run for months.
_KEPT = 1_000


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


class Loopback:
    """`Sfu` and `Media` in memory.

    What happens is told to clients in later turns of the loop, in order;
    whatever waits, waits on the clock.  Nothing is drawn by chance.

    Args:
        clock: Of the world it is in.
        delay: How long each request takes, in seconds.

    Attributes:
        URL: Where clients connect to it.
        delay: Likewise; may be changed at any time.
        grant_delay: How long an update of somebody is held back after it was
            confirmed, in seconds; None loses it (T9).
        lines: Of the clients, to be broken.
        asked: The newest 1,000 requests that were served, oldest first, as
            (operation, room, identity).
        messages: The newest 1,000 data messages of the engine, oldest first.
    """

    URL = URL

    def __init__(self, clock: Clock, *, delay: float = 0.0) -> None:
        self.delay = delay
        self.grant_delay: float | None = 0.0
        self.asked: deque[tuple[str, str, str]] = deque(maxlen=_KEPT)
        self.messages: deque[Message] = deque(maxlen=_KEPT)
        self._server = Server(clock)
        self.lines: Lines = Lines(self._server)
        self._outages = 0
        self._missing: Counter[str] = Counter()
        self._failing: Counter[str] = Counter()

    # What people and the network do.

    def watch(self, listener: Callable[[bytes, str], None]) -> None:
        """Give *listener* the body and signature of every notice."""
        self._server.notices.watch(listener)

    def enter(self, token: str) -> SfuParticipant:
        """Connect whom *token* names, without a client; the newest wins (T10).

        Raises:
            ConnectError: If the token is not taken.
        """
        member = self._server.join(self._server.admit(token), None)
        self._server.activate(member)
        return member.shown()

    def leave(
        self,
        name: str,
        identity: str,
        reason: DisconnectReason = DisconnectReason.CLIENT_INITIATED,
    ) -> None:
        """End somebody's connection, for *reason*.

        Raises:
            SfuNotFoundError: If they are not there.
        """
        member = self._present(name, identity)
        self._server.leave(member, reason)
        if reason is DisconnectReason.CLIENT_INITIATED and member.client is not None:
            member.send(member.client.told_left, reason)

    def restart(self) -> None:
        """Forget everything at once, and tell nobody (T39).

        Clients notice, and are back after 1 s by what their newest token says.
        """
        self._die()

    def kill(self) -> None:
        """Die at once, and tell nobody; nothing is served until `start`.

        Clients notice at once, and give up after 23 s (T41).
        """
        self._server.url = ""
        self._die()

    def start(self) -> None:
        """Live again after `kill`, with everything forgotten (T39).

        Clients are back at their next attempt, within 1 s.
        """
        self._server.url = URL

    def participant(self, name: str, identity: str) -> SfuParticipant | None:
        """Return somebody as they are now, or None."""
        room = self._server.rooms.get(name)
        member = room.people.get(identity) if room else None
        return member.shown() if member else None

    def participants(self, name: str) -> tuple[SfuParticipant, ...]:
        """Return everybody in a room as they are now."""
        room = self._server.rooms.get(name)
        return tuple(each.shown() for each in room.people.values()) if room else ()

    def metadata(self, name: str) -> str | None:
        """Return a room's metadata, or None if it does not exist."""
        room = self._server.rooms.get(name)
        return room.metadata if room else None

    # Faults of the server API.

    @asynccontextmanager
    async def outage(self) -> AsyncGenerator[None]:
        """Refuse every request while the body runs."""
        self._outages += 1
        try:
            yield
        finally:
            self._outages -= 1

    @asynccontextmanager
    async def failing(self, name: str) -> AsyncGenerator[None]:
        """Fail every request about one room while the body runs."""
        self._failing[name] += 1
        try:
            yield
        finally:
            self._failing[name] -= 1

    def lose_sight_of(self, identity: str, *, times: int) -> None:
        """Say "not found" to the next updates of somebody who is there (T6)."""
        self._missing[identity] = times

    # The Media port.

    def open(
        self,
        *,
        adaptive_stream: bool,
        dynacast: bool,  # noqa: ARG002 -- no picture is made that nobody reads
    ) -> LoopbackRoom:
        """Return a room that can be connected once."""
        return LoopbackRoom(self._server, self.lines, is_adaptive=adaptive_stream)

    # The Sfu port.

    async def create_room(
        self,
        name: str,
        *,
        metadata: str,
        empty_timeout: float,
        max_participants: int = 0,
    ) -> SfuRoom:
        """Open a room, or return the one that exists, unchanged."""
        await self._served("create_room", name)
        if _size(name) > MAX_NAME_BYTES:
            message = "the room's name is too long"
            raise SfuRefusedError(message)
        room = self._server.rooms.get(name)
        if room is None:
            _check_metadata(metadata)
            given: dict[str, Any] = {"metadata": metadata}
            given["departureTimeout"] = empty_timeout
            given["maxParticipants"] = max_participants
            room = self._server.open(
                self._server.new_room(name, **given), empty_timeout
            )
        return room.shown()

    async def delete_room(self, name: str) -> None:
        """Close a room and remove everybody."""
        await self._served("delete_room", name)
        self._server.close(self._existing(name))

    async def update_room_metadata(self, name: str, metadata: str) -> None:
        """Replace a room's metadata."""
        await self._served("update_room_metadata", name)
        _size(metadata)
        room = self._existing(name)
        _check_metadata(metadata)
        self._server.write_metadata(room, metadata)

    async def update_participant(
        self, name: str, identity: str, *, permission: Permission, metadata: str
    ) -> None:
        """Replace somebody's metadata, then the whole of their permission."""
        await self._served("update_participant", name, identity)
        _size(metadata)
        member = self._present(name, identity)
        if self._missing[identity] > 0:
            self._missing[identity] -= 1
            _fail_to_find("participant")
        _check_metadata(metadata)
        if self.grant_delay == 0:
            self._server.update(member, permission, metadata)
        elif self.grant_delay is not None:
            self._server.timers.after(
                self.grant_delay, self._server.update, member, permission, metadata
            )

    async def remove_participant(self, name: str, identity: str) -> None:
        """End somebody's connection; their token stays valid."""
        await self._served("remove_participant", name, identity)
        member = self._present(name, identity)
        self._server.leave(member, DisconnectReason.PARTICIPANT_REMOVED)

    async def send_data(self, name: str, data: bytes, *, to: Sequence[str]) -> None:
        """Send a reliable data message without a sender."""
        await self._served("send_data", name)
        _size(*to)
        room = self._existing(name)
        self.messages.append(Message(name, data, tuple(to)))
        self._server.send_data(room, data=data, sender=None, to=to)

    async def list_rooms(self, names: Sequence[str] = ()) -> tuple[SfuRoom, ...]:
        """Return those of the rooms *names* that exist; without names, every room."""
        await self._served("list_rooms", "")
        now = self._server.clock.monotonic()
        rooms = self._server.rooms
        found = [room for name, room in rooms.items() if not names or name in names]
        for room in found:
            room.count(now)
        return tuple(room.shown() for room in found)

    async def list_participants(self, name: str) -> tuple[SfuParticipant, ...]:
        """Return everybody in a room."""
        await self._served("list_participants", name)
        return self.participants(name)

    def sign_token(self, claims: Mapping[str, Any]) -> str:
        """Sign a token that this plane takes."""
        return signed(claims)

    def check_notice(self, authorization: str, now: datetime) -> None:
        """Check what a notice's signature shows before its body is read."""
        signed_digest(authorization, now, key=KEY, secret=SECRET)

    def read_notice(self, body: bytes, authorization: str, now: datetime) -> SfuNotice:
        """Check a notice's signature and return what it tells."""
        return notice(body, authorization, now, key=KEY, secret=SECRET)

    async def aclose(self) -> None:
        """End everything; whoever is connected is told no more.

        Whoever is on the way in is refused.
        """
        self._server.url = ""
        self._server.forget()
        await self.lines.aclose()
        await self._server.timers.aclose()

    # Inside.

    def _die(self) -> None:
        self._server.forget()
        for client in self.lines.all():
            client.repair.lose_server()

    async def _served(self, operation: str, name: str, identity: str = "") -> None:
        if self.delay:
            await self._server.clock.sleep(self.delay)
        else:
            await asyncio.sleep(0)  # others have their turn, as over a network
        if self._outages or not self._server.url:
            message = "the media plane is down"
            raise ConnectError(message)
        if self._failing[name]:
            message = "the room fails"
            raise TransportError(message)
        _size(name, identity)
        self.asked.append((operation, name, identity))

    def _existing(self, name: str) -> Room:
        room = self._server.rooms.get(name)
        if room is None:
            _fail_to_find("room")
        return room

    def _present(self, name: str, identity: str) -> Member:
        member = self._existing(name).people.get(identity)
        if member is None:
            _fail_to_find("participant")
        return member


def _fail_to_find(what: str) -> NoReturn:
    message = f"{what} not found"
    raise SfuNotFoundError(message)


def _check_metadata(metadata: str) -> None:
    if _size(metadata) > _MAX_METADATA_BYTES:
        message = "metadata is too large"
        raise SfuRefusedError(message)


def _size(*texts: str) -> int:
    """Return the length of *texts* in bytes.

    Raises:
        SfuRefusedError: If one is not valid Unicode.
    """
    try:
        return sum(len(text.encode()) for text in texts)
    except UnicodeEncodeError:
        message = "a text must be valid Unicode"
        raise SfuRefusedError(message) from None
