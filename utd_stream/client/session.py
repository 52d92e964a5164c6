"""What every session is: a connection machine, a snapshot, a room.

Facts go through one mailbox: the machine takes them first, then the snapshot,
then observers hear of it, then effects begin.  Effects are tasks the session
owns; they report back by posting facts, never otherwise.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import cached_property
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from utd_stream._border import HomeLoop, border
from utd_stream.client._connector import Connector, Link
from utd_stream.client._facts import (
    EventTold,
    OwnMuteRead,
    RoleTold,
    RoomRead,
    TokenMinted,
)
from utd_stream.client._grid import naming_arguments
from utd_stream.client._journal import COMMANDS, Journal
from utd_stream.client._mailbox import Mailbox
from utd_stream.client._owner import Owner
from utd_stream.client.room import UTDRoom
from utd_stream.errors import (
    ClosedError,
    DisconnectedError,
    InvalidTransitionError,
    UTDStreamException,
)
from utd_stream.machines import connection as c
from utd_stream.models import room_events as e
from utd_stream.models.participants import LocalParticipant, RemoteParticipant
from utd_stream.models.rooms import UTDConnectionState, UTDRole, UTDStreamType
from utd_stream.reactive import ClockScheduler, Events, Latest, LatestSource
from utd_stream.snapshots import session as fold
from utd_stream.snapshots.session import SessionSnapshot

__all__ = ["UTDSession"]

_S = TypeVar("_S", bound=SessionSnapshot)

logger: logging.Logger = logging.getLogger("utd_stream.client")


@border
class UTDSession(Generic[_S]):
    """One client's session in one room.

    Sessions come from a `UTDStreamClient`.  Everything that changes is a
    `Latest` derived from one frozen `snapshot`.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        border(cls)

    def __init__(self, link: Link, snapshot: _S) -> None:
        self._link = link
        self._home = HomeLoop()
        self._snapshot = LatestSource(snapshot, link.clock, self._home)
        self._mailbox: Mailbox[Any] = Mailbox(self._handle)
        self._owner = Owner()
        self._journal = Journal(link.log, f"{link.identity} in {link.room_name}")
        self._connector = Connector(link, self._owner, self._post, self._read_engine)
        self._disposing: asyncio.Task[None] | None = None

    # What is seen.

    @property
    def type(self) -> UTDStreamType:
        """What kind of session it is."""
        return self._link.type

    @property
    def room(self) -> UTDRoom:
        """The room at the SFU."""
        return self._link.room

    @property
    def room_name(self) -> str:
        """The room, as the app names it."""
        return self._link.room_name

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
        """Whether the SFU lets this client publish its microphone."""
        return self.snapshot.derive(fold.can_publish_microphone)

    @cached_property
    def remote_participants(self) -> Latest[tuple[RemoteParticipant, ...]]:
        """The others, as far as the SFU announced them.

        The SFU announces newcomers up to three seconds late; the engine's own
        roster is `api.list_participants`.
        """
        return self.snapshot.derive(lambda s: s.remotes)

    @cached_property
    def muted(self) -> Latest[bool]:
        """Whether nobody can hear this client: no microphone up, or it is muted.

        A microphone whose source ends or fails is muted, and the log says why.
        Turning it on opens the source again.
        """
        return self.snapshot.derive(fold.microphone_is_muted)

    @cached_property
    def role(self) -> Latest[UTDRole]:
        """The role the engine granted for this life of the room."""
        return self.snapshot.derive(lambda s: s.role)

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

    async def kick(self, identity: str) -> None:
        """Remove somebody until their next mint; hosts and admins.

        Raises:
            InvalidArgumentError: If *identity* can be nobody's.
            PermissionDeniedError: If this role may not, or not act on them.
            NotFoundError: If there is no such member.
        """
        with naming_arguments():
            await self._link.api.kick_participant(self.room_name, identity)

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
        self._post(c.Connect())
        try:
            now = await self._until_joined_or_gone()
        except asyncio.CancelledError:
            self._post(c.Leave())
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

    # What a kind of session adds.

    def _take(self, snapshot: _S, fact: Any) -> tuple[_S, Sequence[Any]]:
        """Return the snapshot after a fact, and the effects it calls for."""
        match fact:
            case EventTold(_, event):
                return fold.fold_event(snapshot, event), ()
            case RoomRead(_, state):
                return fold.fold_room_state(snapshot, state), ()
            case OwnMuteRead(publication):
                return fold.fold_own_mute(snapshot, publication), ()
            case TokenMinted(_, answer):
                owner = answer.owner_identity
                return fold.changed(
                    snapshot, role=answer.role, owner_identity=owner
                ), ()
            case RoleTold(role):
                return fold.changed(snapshot, role=role), ()
            case _:
                return self._step_connection(snapshot, fact)

    def _derive(
        self,
        before: _S,  # noqa: ARG002 -- for those that override it
        after: _S,  # noqa: ARG002 -- likewise
        fact: Any,  # noqa: ARG002 -- likewise
    ) -> Sequence[Any]:
        """Return the facts that a change means for other machines."""
        return ()

    def _begin(self, effect: Any) -> None:
        """Begin an effect."""
        self._connector.begin(effect)

    async def _settle(self) -> None:
        """Wait until nothing is half done, for a limited time."""

    async def _read_engine(self) -> None:
        """Ask the engine what an outage may have hidden."""
        me = await self._link.api.get_participant(self.room_name, self._link.identity)
        self._post(RoleTold(me.role))

    # The shell.

    def _post(self, fact: Any) -> None:
        self._mailbox.post(fact)

    def _handle(self, fact: Any) -> None:
        if self._connector.is_late(fact):
            logger.debug("late: %r", fact)
            return
        self._journal.take(fact)
        before = self._snapshot.value
        try:
            after, effects = self._take(before, fact)
        except UTDStreamException as error:
            self._journal.refuse(error)
            is_command = type(fact) in COMMANDS
            if is_command or not isinstance(error, InvalidTransitionError):
                raise
            logger.debug("late: %s", error)
            return
        self._journal.change(before, after)
        for derived in self._derive(before, after, fact):
            self._mailbox.post(derived)
        self._snapshot.set(after)
        for effect in effects:
            self._journal.begin(effect)
            self._begin(effect)

    def _step_connection(self, snapshot: _S, fact: Any) -> tuple[_S, Sequence[Any]]:
        connector = self._connector
        effects = connector.fire(fact)
        if isinstance(fact, c.Connect | c.Rejoined) or connector.state in fold.GONE:
            snapshot = fold.fold_replacement(snapshot)
        after = fold.changed(
            snapshot, connection_state=connector.state, reason=connector.reason
        )
        return after, effects

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

    async def _leave(self) -> None:
        await self._settle()
        self._post(c.Leave())
        await self._connector.released()

    async def _dispose(self) -> None:
        await self._leave()
        self._snapshot.close()
        try:
            await self.room.aclose()
        finally:
            await self._owner.aclose()
