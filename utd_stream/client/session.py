"""What every session is: a connection machine, a snapshot, a room.

What a session does is decided by the pure rules of its kind (`client.rules`), which
`client._runner` runs.  Effects are tasks that the session owns; they report back by
posting facts, never otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from types import TracebackType
from typing import ClassVar, Generic, Protocol, Self, TypeVar

from utd_stream._border import HomeLoop, border
from utd_stream.client._chat import Chat
from utd_stream.client._connector import Connector, Link
from utd_stream.client._grid import naming_arguments
from utd_stream.client._owner import Owner
from utd_stream.client._roles import set_role
from utd_stream.client.room import UTDRoom
from utd_stream.errors import ClosedError, DisconnectedError
from utd_stream.machines import connection as c
from utd_stream.models import room_events as e
from utd_stream.models.chat import ChatMessage
from utd_stream.models.media import AudioFrame, VideoFrame, VideoQuality
from utd_stream.models.participants import (
    LocalParticipant,
    Quality,
    RemoteParticipant,
    TrackSource,
)
from utd_stream.models.rooms import UTDConnectionState, UTDRole, UTDStreamType
from utd_stream.reactive import ClockScheduler, Events, Latest, LatestSource
from utd_stream.snapshots import session as fold
from utd_stream.snapshots.session import SessionSnapshot

__all__ = ["UTDSession"]

_S = TypeVar("_S", bound=SessionSnapshot)
_F = TypeVar("_F", AudioFrame, VideoFrame)


class SessionRun(Protocol[_S]):
    """What every session needs of the runner of its facts."""

    @property
    def home(self) -> HomeLoop:
        """The event loop of the session."""
        ...

    @property
    def snapshot(self) -> LatestSource[_S]:
        """What observers see."""
        ...

    def post(self, fact: c.Connect | c.Leave, /) -> None:
        """Take a command."""
        ...


@border
class UTDSession(Generic[_S]):
    """One client's session in one room.

    Sessions come from a `UTDStreamClient`.  Everything that changes is a
    `Latest` derived from one frozen `snapshot`.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        border(cls)

    _type: ClassVar[UTDStreamType]

    def __init__(
        self,
        link: Link,
        room_name: str,
        run: SessionRun[_S],
        connector: Connector,
        owner: Owner,
    ) -> None:
        self._link = link
        self._room_name = room_name
        self._home = run.home
        self._snapshot = run.snapshot
        self._command = run.post
        self._connector = connector
        self._owner = owner
        self._disposing: asyncio.Task[None] | None = None
        self._chat = Chat(link.room, lambda: run.snapshot.value, link.clock, self._home)

    # What is seen.

    @property
    def type(self) -> UTDStreamType:
        """What kind of session it is."""
        return self._type

    @property
    def room(self) -> UTDRoom:
        """The room at the SFU."""
        return self._link.room

    @property
    def room_name(self) -> str:
        """The room, as the app names it."""
        return self._room_name

    @property
    def events(self) -> Events[e.RoomEvent]:
        """What happens in the room, as the SFU tells it."""
        return self._link.room.events

    @property
    def scheduler(self) -> ClockScheduler:
        """A scheduler on this session's clock, for ``reactivex.interval`` and the like.

        Pipes of this session's values follow that clock by themselves.
        """
        return self.snapshot.scheduler

    @property
    def local_participant(self) -> LocalParticipant:
        """This client, as the SFU knows it now."""
        return self._snapshot.value.local

    @property
    def snapshot(self) -> Latest[_S]:
        """All that is known, at once; every other value is derived from it.

        Completes:
            With `aclose`.
        """
        return self._snapshot.latest

    @cached_property
    def connection_state(self) -> Latest[UTDConnectionState]:
        """Where the connection stands."""
        return self.snapshot.derive(lambda s: s.connection_state)

    @cached_property
    def connected(self) -> Latest[bool]:
        """Whether media can flow."""
        return self.snapshot.derive(fold.is_connected)

    @cached_property
    def can_publish(self) -> Latest[bool]:
        """Whether the SFU lets this client publish from any source."""
        return self.snapshot.derive(lambda s: bool(fold.publishable_sources(s)))

    @cached_property
    def publishable(self) -> Latest[frozenset[TrackSource]]:
        """The sources that the SFU lets this client publish from."""
        return self.snapshot.derive(fold.publishable_sources)

    @cached_property
    def connection_quality(self) -> Latest[Quality]:
        """How well this client is connected, as the SFU judges every few seconds."""
        return self.snapshot.derive(fold.quality_of_mine)

    @cached_property
    def qualities(self) -> Latest[Mapping[str, Quality]]:
        """How well people are connected, by identity.

        The SFU tells it of this client and of those whose tracks it receives.
        """
        return self.snapshot.derive(lambda s: s.qualities)

    @cached_property
    def remote_participants(self) -> Latest[tuple[RemoteParticipant, ...]]:
        """The others, as far as the SFU announced them.

        The SFU announces newcomers up to three seconds late; the engine's own
        roster is `api.list_participants`.
        """
        return self.snapshot.derive(lambda s: s.remotes)

    @cached_property
    def microphone_muted(self) -> Latest[bool]:
        """Whether nobody can hear this client: no microphone up, or it is muted.

        A microphone whose source ends or fails is muted, and the log says why.
        Turning it on opens the source again.
        """
        return self.snapshot.derive(fold.microphone_is_muted)

    @property
    def chat(self) -> Events[ChatMessage]:
        """What people write, one's own messages when they are sent.

        A message comes once, and at most 20 in 10 s of one sender.  While the chat is
        locked only those of hosts and admins come, as far as their role is known.
        Whoever comes later has none of before.

        Completes:
            With `aclose`.
        """
        return self._chat.messages

    @cached_property
    def chat_locked(self) -> Latest[bool]:
        """Whether only hosts and admins may chat."""
        return self.snapshot.derive(lambda s: s.chat_locked)

    @cached_property
    def muted(self) -> Latest[frozenset[TrackSource]]:
        """The sources that a mute of this member, or of the room, withdraws."""
        return self.snapshot.derive(fold.muted_sources)

    @cached_property
    def role(self) -> Latest[UTDRole]:
        """The role the engine granted for this life of the room."""
        return self.snapshot.derive(lambda s: s.role)

    def audio(
        self, identity: str, source: TrackSource = TrackSource.MICROPHONE
    ) -> AsyncIterator[AudioFrame]:
        """Return the sound of *identity*; see `UTDRoom.audio`.

        It goes on with the connection that takes the place of one that was lost,
        and ends once the room is left.
        """
        return self._read(lambda: self.room.audio(identity, source))

    def video(
        self,
        identity: str,
        source: TrackSource = TrackSource.CAMERA,
        quality: VideoQuality = VideoQuality.HIGH,
    ) -> AsyncIterator[VideoFrame]:
        """Return the pictures of *identity*; see `UTDRoom.video`.

        They go on with the connection that takes the place of one that was lost,
        and end once the room is left.
        """
        return self._read(lambda: self.room.video(identity, source, quality))

    # What is asked.

    async def send_data(
        self,
        data: bytes,
        reliable: bool = True,  # noqa: FBT001, FBT002 -- as in the other SDKs
        to: Sequence[str] | None = None,
        topic: str | None = None,
    ) -> None:
        """Send a data message; see `UTDRoom.send_data`."""
        await self.room.send_data(data, reliable, to, topic)

    async def send_chat(self, text: str) -> ChatMessage:
        """Write to everybody in the room; it is told in `chat` here as well.

        Ten at once, then one a second; hosts and admins twice that.

        Args:
            text: 1 to 4,000 bytes; blanks around it are taken away.

        Raises:
            InvalidArgumentError: If it is no text, blank or too long.
            RefusedError: If the chat is locked, for all but hosts and admins.
            RateLimitedError: If it comes too soon; `retry_after` says how long to wait.
            DisconnectedError: If the room is not connected.
            TransportError: If it could not be sent.
            ClosedError: If the session is disposed.
        """
        self._check_open()
        return await self._chat.send(text)

    async def kick(self, identity: str) -> None:
        """Remove somebody until their next mint; hosts and admins.

        Raises:
            InvalidArgumentError: If *identity* can be nobody's.
            PermissionDeniedError: If this role may not, or not act on them.
            NotFoundError: If there is no such member.
        """
        with naming_arguments():
            await self._link.api.kick_participant(self.room_name, identity)

    async def set_role(self, identity: str, role: UTDRole) -> None:
        """Give somebody another role until the room ends; its owner.

        It does nothing if they have it already.  Somebody who is about to enter is
        waited for, three seconds at most.

        Raises:
            InvalidArgumentError: If *identity* can be nobody's, or *role* is no role.
            PermissionDeniedError: If this member does not own the room, or asks for
                themselves.
            NotFoundError: If there is no such member.
        """
        await set_role(self._link.api, self._link.clock, self.room_name, identity, role)

    async def mute_participant(
        self, identity: str, *, audio: bool = True, video: bool = True
    ) -> None:
        """Take somebody's sources until the room ends; hosts and admins.

        It is hard: LiveKit refuses what is taken.  It holds through leaving and
        entering again, and outranks `unmute_all`.

        Args:
            identity: Whose.
            audio: The microphone and the sound of a shared screen.
            video: The camera and the shared screen.

        Raises:
            InvalidArgumentError: If *identity* can be nobody's, or neither is true.
            PermissionDeniedError: If this role may not, or not act on them.
            NotFoundError: If there is no such member.
        """
        await self._mute(identity, audio=audio, video=video, muted=True)

    async def unmute_participant(
        self, identity: str, *, audio: bool = True, video: bool = True
    ) -> None:
        """Give somebody's sources back; it opens nothing.

        What is given back stays off until they turn it on.  It outranks `mute_all`.

        Args:
            identity: Whose.
            audio: The microphone and the sound of a shared screen.
            video: The camera and the shared screen.

        Raises:
            InvalidArgumentError: If *identity* can be nobody's, or neither is true.
            PermissionDeniedError: If this role may not, or not act on them.
            NotFoundError: If there is no such member.
        """
        await self._mute(identity, audio=audio, video=video, muted=False)

    async def mute_all(self, *, audio: bool = True, video: bool = True) -> None:
        """Take the sources of everybody below admin, late joiners too.

        Those are spared whom a moderator has muted or unmuted by name.

        Args:
            audio: Microphones and the sound of shared screens.
            video: Cameras and shared screens.

        Raises:
            InvalidArgumentError: If neither is true.
            PermissionDeniedError: If this role may not.
        """
        await self._mute_all(audio=audio, video=video, muted=True)

    async def unmute_all(self, *, audio: bool = True, video: bool = True) -> None:
        """Give the sources of everybody back; it opens nothing.

        Args:
            audio: Microphones and the sound of shared screens.
            video: Cameras and shared screens.

        Raises:
            InvalidArgumentError: If neither is true.
            PermissionDeniedError: If this role may not.
        """
        await self._mute_all(audio=audio, video=video, muted=False)

    async def lock_chat(self) -> None:
        """Let only hosts and admins chat, until the room ends; by one of them.

        Raises:
            PermissionDeniedError: If this role may not.
            NotFoundError: If the room has ended.
        """
        await self._link.api.lock_chat(self.room_name)

    async def unlock_chat(self) -> None:
        """Let everybody chat; hosts and admins.

        Raises:
            PermissionDeniedError: If this role may not.
            NotFoundError: If the room has ended.
        """
        await self._link.api.unlock_chat(self.room_name)

    async def end_room(self) -> None:
        """End the room for everybody; its hosts and its owner.

        Raises:
            PermissionDeniedError: If this role may not.
            NotFoundError: If it has ended already.
        """
        await self._link.api.end_room(self.room_name)

    async def leave(self) -> None:
        """Leave the room; the session stays usable, see `rejoin`.

        Tells the engine first, so that a seat is free at once.  Does nothing if
        you are not connected.  Cancelling ends the waiting, not the leaving.
        """
        await asyncio.wait([self._owner.task(self._leave())])

    async def rejoin(self) -> None:
        """Mint anew and connect again; a live connection is ended first.

        It returns once media can flow.  Cancelling leaves the room.

        Raises:
            EngineError: If the engine says no.
            TransportError: If it cannot be reached, after three tries.
            ConnectError: If the SFU cannot, likewise, or refuses.
            DisconnectedError: If the room was left meanwhile, or the SFU ended
                the connection, and why.
            ClosedError: If the session is disposed.
        """
        self._check_open()
        self._connector.forget()
        self._command(c.Connect())
        try:
            now = await self._until_joined_or_gone()
        except asyncio.CancelledError:
            self._say_leave()
            raise
        if not fold.is_connected(now):
            message = "the room was left while it connected"
            raise self._connector.failure or DisconnectedError(message)

    async def aclose(self) -> None:
        """Leave for good and complete every value; idempotent.

        Safe during any other call: what waits ends with `ClosedError` or the
        error of its own interruption.  Cancelling ends the waiting only.
        """
        if self._disposing is None:
            self._disposing = asyncio.create_task(self._dispose())
        await asyncio.shield(self._disposing)

    async def dispose(self) -> None:
        """Do the same as `aclose`, by the name that the other SDKs use."""
        await self.aclose()

    def __repr__(self) -> str:
        where = f"{self._link.identity!r} in {self.room_name!r}"
        disposed = ", disposed" if self._disposing is not None else ""
        standing = self._snapshot.value.standing
        return f"<{type(self).__name__} {where}: {standing}{disposed}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: object,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _mute(self, identity: str, **asked: bool) -> None:
        with naming_arguments():
            await self._link.api.mute_participant(self.room_name, identity, **asked)

    async def _mute_all(self, **asked: bool) -> None:
        with naming_arguments():
            await self._link.api.mute_room(self.room_name, **asked)

    def _read(self, open: Callable[[], AsyncIterator[_F]]) -> AsyncIterator[_F]:  # noqa: A002 -- as of sources
        # At once: an argument that is wrong is refused where it is given.
        return self._read_on(open(), open)

    async def _read_on(
        self, frames: AsyncIterator[_F], again: Callable[[], AsyncIterator[_F]]
    ) -> AsyncIterator[_F]:
        while True:
            read = self.room.connection
            async for frame in frames:
                yield frame
            try:
                now = await self.snapshot.until(
                    lambda s: (
                        s.connection_state in fold.GONE
                        or (fold.is_connected(s) and self.room.connection != read)  # noqa: B023 -- until it returns
                    )
                )
            except ClosedError:
                return
            if now.connection_state in fold.GONE:
                return
            with suppress(DisconnectedError):  # lost again already
                frames = again()

    async def _settle(self) -> None:
        """Wait until nothing is half done, for a limited time."""

    def _check_open(self) -> None:
        if self._disposing is not None:
            message = "the session is disposed; join again"
            raise ClosedError(message)

    async def _until_joined_or_gone(self) -> _S:
        return await self.snapshot.until(
            lambda s: fold.is_connected(s) or s.connection_state in fold.GONE
        )

    async def _until_connected(self) -> None:
        now = await self._until_joined_or_gone()
        if fold.is_connected(now):
            return
        if self._link.client_is_closed():
            message = "the client is closed; make a new one, and join again"
            raise ClosedError(message)
        message = f"the room is {now.connection_state.value}; rejoin first"
        raise DisconnectedError(message)

    def _say_leave(self) -> None:
        self._connector.forget()
        self._command(c.Leave())

    async def _leave(self) -> None:
        await self._settle()
        self._say_leave()
        await self._connector.released()

    async def _dispose(self) -> None:
        await self._leave()
        self._snapshot.close()
        self._chat.close()
        try:
            await self.room.aclose()
        finally:
            await self._owner.aclose()
