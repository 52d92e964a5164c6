"""The shell around the connection machine: it opens, repairs and releases.

Every effect is a task of the session's owner and reports back by a fact.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, assert_never

import attrs

from utd_stream.client._entrance import Entrance
from utd_stream.client._owner import Owner
from utd_stream.client._sources import AnySource
from utd_stream.client.api import UTDApi
from utd_stream.client.room import UTDRoom
from utd_stream.client.rules.facts import EventTold, RoomRead
from utd_stream.client.timeouts import Timeouts
from utd_stream.errors import (
    ConnectError,
    DisconnectedError,
    IntermediaryError,
    LocalProtocolError,
    RateLimitedError,
    RemoteProtocolError,
    UnavailableError,
    UTDStreamException,
)
from utd_stream.machines import connection as c
from utd_stream.models import room_events as e
from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import DisconnectReason
from utd_stream.ports import Clock, FactLog

__all__ = ["Connector", "ConnectorFact", "Link"]

ConnectorFact: TypeAlias = c.ConnectionEvent | EventTold | RoomRead

logger = logging.getLogger("utd_stream.client")

# The longest pause of a reconnect, which has a minute, in seconds.  A gateway may
# ask for an hour while its engine restarts.
_LONGEST_PAUSE = 20.0

_REMOVALS = frozenset(
    {
        DisconnectReason.PARTICIPANT_REMOVED,
        DisconnectReason.ROOM_DELETED,
        DisconnectReason.DUPLICATE_IDENTITY,
    }
)


@attrs.frozen(kw_only=True)
class Link:
    """What every session is made of.

    Attributes:
        identity: Who this client is.
        api: The engine.
        room: The SFU.
        clock: Time.
        timeouts: Limits of waiting.
        sources: What this client has to send, by its kind.
        new_key: Draws an idempotency key.
        client_is_closed: Whether nothing can be asked of the engine any more.
        log: Told what happens; None for nobody.
    """

    identity: str
    api: UTDApi
    room: UTDRoom
    clock: Clock
    timeouts: Timeouts
    sources: Mapping[TrackSource, AnySource]
    new_key: Callable[[], str]
    client_is_closed: Callable[[], bool]
    log: FactLog | None = None


class Connector:
    """One session's way to the SFU and back.

    Args:
        link: What the session is made of.
        entrance: What the engine is asked.
        owner: Of the tasks.
        post: Takes facts.
        number: Of the connection that is current or being made.

    Attributes:
        failure: Why the last try to connect did not last; None if nobody tries.
    """

    def __init__(
        self,
        link: Link,
        entrance: Entrance,
        *,
        owner: Owner,
        post: Callable[[ConnectorFact], None],
        number: Callable[[], int],
    ) -> None:
        self._link = link
        self._entrance = entrance
        self._owner = owner
        self._post = post
        self._number = number
        self._exit: asyncio.Task[None] | None = None
        self._goodbye: asyncio.Task[None] | None = None
        self._releasing: asyncio.Task[None] | None = None
        # The room counts its connections, the machine its own: a pair of them.
        self._numbers = (0, 0)
        self._minted = 0
        self._minting: dict[asyncio.Future[None], None] = {}
        # Earliest time of the next mint, on the monotonic clock.
        self._not_before = -math.inf
        self.failure: UTDStreamException | None = None
        link.room.watch(self._hear)

    def forget(self) -> None:
        """Forget how the last try to connect ended: the application asks anew."""
        self.failure = None
        self._not_before = -math.inf

    def begin(self, effect: c.ConnectionEffect) -> None:
        """Begin what the machine calls for."""
        match effect:
            case c.OpenTransport(number, delay):
                self._owner.start(self._open(number, delay, resume=False))
            case c.ReopenTransport(number, delay):
                self._owner.start(self._open(number, delay, resume=True))
            case c.ReleaseTransport():
                # One after the other, so that whoever waits for the last one
                # has waited for all.
                first, self._goodbye = self._under_way(), None
                self._releasing = self._owner.task(self._release(first))
            case c.TellEngine():
                self._tell_engine()
            case c.ArmExit(delay):
                self._exit = self._owner.task(self._exit_later(delay))
            case c.DisarmExit():
                if self._exit is not None:
                    self._exit.cancel()
            case c.ReadRoom():
                self._read_room()
            case c.ReadState():
                self._read_room()
                self._owner.start(self._entrance.read_state())
            case _:
                assert_never(effect)

    async def released(self) -> None:
        """Wait until all is said and released; cancelling ends the waiting."""
        if under_way := self._under_way():
            await asyncio.wait(under_way)

    def _under_way(self) -> list[asyncio.Task[None]]:
        return [t for t in (self._releasing, self._goodbye) if t is not None]

    async def _open(self, number: int, delay: float, *, resume: bool) -> None:
        delay = max(delay, self._not_before - self._link.clock.monotonic())
        if delay > 0:
            await self._link.clock.sleep(delay)
        await self.released()
        try:
            await self._enter(number, resume=resume)
        except UTDStreamException as error:
            self._report(number, error, resume=resume)
        except Exception as error:
            # Whoever waits must not do so for ever.  Its text may hold a token.
            message = f"a bug ended the connect: {type(error).__name__}; see the log"
            self._report(number, LocalProtocolError(message), resume=resume)
            raise  # to the log
        else:
            self._post(c.Rejoined(number) if resume else c.Admitted(number))

    async def _enter(self, number: int, *, resume: bool) -> None:
        if self._is_past(number):
            return
        minted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._minting[minted] = None
        try:
            ticket = await self._entrance.enter(number, resume=resume)
            self._minted = max(self._minted, ticket.connection)
        finally:
            del self._minting[minted]
            minted.set_result(None)
        if self._is_past(number):
            return  # left meanwhile
        self._numbers = (self._link.room.connection + 1, number)
        await self._link.room.connect(ticket.url, ticket.token)

    def _is_past(self, number: int) -> bool:
        return number != self._number()

    def _report(self, number: int, error: UTDStreamException, *, resume: bool) -> None:
        if not self._is_past(number):
            self.failure = error
            pause = _asked_pause(error) or 0.0
            self._not_before = self._link.clock.monotonic() + min(pause, _LONGEST_PAUSE)
        if _is_final(error, resume=resume):
            self._post(c.ConnectRefused(number))
        elif resume:
            self._post(c.RejoinFailed(number))
        else:
            self._post(c.ConnectFailed(number))

    def _tell_engine(self) -> None:
        # Where no mint was asked for, a member of this name is another client's.
        if self._minted or self._minting:
            self._goodbye = self._owner.task(self._say_goodbye())

    async def _say_goodbye(self) -> None:
        limit = self._link.timeouts.goodbye
        try:
            # Without its number the goodbye would also end a newer connection.
            async with self._link.clock.timeout(limit):
                while self._minting:
                    await asyncio.wait(self._minting)
        except TimeoutError:
            logger.info("the engine has not answered the mint in %g s", limit)
        try:
            async with self._link.clock.timeout(limit):
                await self._entrance.say_goodbye(self._minted or None)
        except (UTDStreamException, TimeoutError) as error:
            # The SFU tells the engine too, only later.
            logger.info("the engine was not told of the leave: %s", error)

    async def _release(self, first: Sequence[asyncio.Task[None]]) -> None:
        if first:
            await asyncio.wait(first)
        await self._link.room.disconnect()

    async def _exit_later(self, delay: float) -> None:
        await self._link.clock.sleep(delay)
        self._post(c.ExitDue())

    def _read_room(self) -> None:
        try:
            state = self._link.room.state()
        except DisconnectedError:
            return  # gone already; its own event follows
        self._post(RoomRead(self._number(), state))

    def _hear(self, connection: int, event: e.RoomEvent) -> None:
        opened, number = self._numbers
        if connection != opened or self._is_past(number):
            return  # of one that is gone
        self._post(EventTold(number, event))
        at = self._link.clock.monotonic()
        match event:
            case e.Reconnecting():
                self._post(c.TransportLost(number, at))
            case e.Reconnected():
                self._post(c.Resumed(number, at))
            case e.Disconnected(reason):
                message = "the SFU ended the connection"
                self.failure = DisconnectedError(message, reason.value)
                if reason in _REMOVALS:
                    self._post(c.Removed(number, reason.value))
                else:
                    self._post(c.GaveUp(number, at))
            case _:
                pass


def _is_final(error: UTDStreamException, *, resume: bool) -> bool:
    # A reconnect goes on for its minute: only the engine's no ends it.
    if resume:
        lasting = not isinstance(error, ConnectError | RemoteProtocolError)
        return lasting and not error.retryable
    if isinstance(error, ConnectError):
        return error.code != ConnectError.code
    # With a Retry-After the request has waited already, as long as it may.
    return not error.retryable or _asked_pause(error) is not None


def _asked_pause(error: UTDStreamException) -> float | None:
    if isinstance(error, RateLimitedError | UnavailableError | IntermediaryError):
        return error.retry_after
    return None
