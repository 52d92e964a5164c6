"""The shell around the connection machine: it opens, repairs and releases.

Every effect is a task of the session's owner and reports back by a fact.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import attrs

from utd_stream.client._facts import EventTold, RoomRead, TokenMinted
from utd_stream.client._owner import Owner
from utd_stream.client.api import UTDApi
from utd_stream.client.room import UTDRoom
from utd_stream.client.timeouts import Timeouts
from utd_stream.contract.answers import UTDTokenResponse
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
from utd_stream.machines import Run
from utd_stream.machines import connection as c
from utd_stream.models import room_events as e
from utd_stream.models.rooms import (
    DisconnectReason,
    UTDConnectionState,
    UTDStreamType,
)
from utd_stream.ports import AudioSource, Clock, FactLog

__all__ = ["Connector", "Link"]

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
    """What a session is made of.

    Attributes:
        type: Of the session.
        identity: Who this client is.
        room_name: Which room.
        api: The engine.
        room: The SFU.
        clock: Time.
        timeouts: Limits of waiting.
        microphone: What is heard of this client; None without one.
        mint: Asks the engine for a token; True marks a reconnect's.
        new_key: Draws an idempotency key.
        client_is_closed: Whether nothing can be asked of the engine any more.
        log: Told what happens; None for nobody.
    """

    type: UTDStreamType
    identity: str
    room_name: str
    api: UTDApi
    room: UTDRoom
    clock: Clock
    timeouts: Timeouts
    microphone: AudioSource | None
    mint: Callable[[bool], Awaitable[UTDTokenResponse]]
    new_key: Callable[[], str]
    client_is_closed: Callable[[], bool]
    log: FactLog | None = None


class Connector:
    """One session's way to the SFU and back.

    Args:
        link: What the session is made of.
        owner: Of the tasks.
        post: Takes facts.
        read_engine: Asks the engine what an outage may have hidden.
    """

    def __init__(
        self,
        link: Link,
        owner: Owner,
        post: Callable[[Any], None],
        read_engine: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._link = link
        self._owner = owner
        self._post = post
        self._read_engine = read_engine
        self._run = Run(c.CONNECTION, c.ConnectionData())
        self._exit: asyncio.Task[None] | None = None
        self._goodbye: asyncio.Task[None] | None = None
        self._releasing: asyncio.Task[None] | None = None
        # The room counts its connections, the machine its own: a pair of them.
        self._numbers = (0, 0)
        self._minted = 0
        self._minting: dict[asyncio.Future[None], None] = {}
        # Earliest time of the next mint, on the monotonic clock.
        self._not_before = -math.inf
        # Why the last try to connect did not last; None if nobody tries.
        self.failure: UTDStreamException | None = None
        link.room.watch(self._hear)

    @property
    def state(self) -> UTDConnectionState:
        """Of the machine."""
        return self._run.state

    @property
    def reason(self) -> str:
        """Why the last connection ended."""
        return self._run.data.reason

    def is_late(self, fact: object) -> bool:
        """Whether *fact* belongs to a connection that is gone."""
        return c.is_late(self._run.data, fact)

    def fire(self, fact: c.ConnectionEvent) -> Sequence[c.ConnectionEffect]:
        """Let the machine take *fact*."""
        if isinstance(fact, c.Connect | c.Leave):
            self.failure = None
            self._not_before = -math.inf
        return self._run.fire(fact)

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
                self._owner.start(self._read_engine())

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
            answer = await self._link.mint(resume)
            self._minted = max(self._minted, answer.connection)
        finally:
            del self._minting[minted]
            minted.set_result(None)
        if self._is_past(number):
            return  # left meanwhile: what is posted next is late
        self._post(TokenMinted(number, answer))
        self._numbers = (self._link.room.connection + 1, number)
        await self._link.room.connect(answer.url, answer.token)

    def _is_past(self, number: int) -> bool:
        return number != self._run.data.number

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
                await self._link.api.leave_room(
                    self._link.room_name, connection=self._minted or None
                )
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
        self._post(RoomRead(self._run.data.number, state))

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
