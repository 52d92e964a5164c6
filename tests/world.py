"""An engine, people with clients, and the SFU between them, for one test.

It stands on one of two grounds, which offer the same faults: a LiveKit server
with an engine on a socket, or all of it in memory and on virtual time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from tests.planes import Guest
from tests.world_ground import (
    APP_KEY,
    ROOM,
    AnySession,
    GrantLine,
    Ground,
    Mortal,
    Webhooks,
)
from utd_stream.adapters.http import AiohttpHttp
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.client.call import UTDCallSession
from utd_stream.client.timeouts import Timeouts
from utd_stream.compose import Ports, UTDStreamClient
from utd_stream.engine.config import App, Config
from utd_stream.engine.rules import Member, Room
from utd_stream.engine.rules.audio_room import seat_index_of
from utd_stream.engine.services import Services
from utd_stream.machines.signal import SignalState
from utd_stream.media import Tone
from utd_stream.models import Permission, UTDCallStatus, UTDStreamType
from utd_stream.models.names import sfu_room_name
from utd_stream.models.room_events import Reconnected
from utd_stream.ports import Clock, Http, Sfu, SfuParticipant

__all__ = ["ROOM", "World"]


class World:
    """One app on one engine over one SFU.

    Args:
        ground: What it stands on.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._stack = AsyncExitStack()

    # What there is.

    @property
    def app(self) -> App:
        """The one app."""
        return self._ground.config.apps[0]

    @property
    def config(self) -> Config:
        """Of the engine."""
        return self._ground.config

    @property
    def base_url(self) -> str:
        """Of the engine."""
        return self._ground.base_url

    @property
    def clock(self) -> Clock:
        """Of everything."""
        return self._ground.clock

    @property
    def timeouts(self) -> Timeouts:
        """Of clients, unless a test says otherwise."""
        return self._ground.timeouts

    @property
    def sfu(self) -> Sfu:
        """The SFU, for engines."""
        return self._ground.sfu

    @property
    def grants(self) -> GrantLine:
        """The engine's way of writing rights."""
        return self._ground.grants

    @property
    def webhooks(self) -> Webhooks:
        """Of the SFU."""
        return self._ground.webhooks

    @property
    def services(self) -> Services:
        """The parts of the running engine."""
        return self._ground.services

    @property
    def sfu_room(self) -> str:
        """The SFU's name of the room."""
        return sfu_room_name(self.app.id, ROOM)

    # People.

    def http(self) -> Http:
        """Return a line to the engine, for one client."""
        return self._ground.http()

    def client(
        self,
        *,
        app_key: str | None = APP_KEY,
        http: Http | None = None,
        clock: Clock | None = None,
        **settings: Any,
    ) -> UTDStreamClient:
        """Return a client that is closed with the world."""
        line = http or self.http()
        ports = Ports(
            http=line,
            # A line of a test's own is for requests only.
            websockets=line if isinstance(line, AiohttpHttp) else None,
            media=self._ground.media,
            clock=clock or self.clock,
            luck=self._ground.luck,
        )
        settings.setdefault("base_url", self.base_url)
        settings.setdefault("timeouts", self.timeouts)
        settings.setdefault("microphone", Tone(440))
        made = UTDStreamClient(self.app.id, app_key, ports=ports, **settings)
        self._stack.push_async_callback(made.aclose)
        return made

    async def caller(
        self, identity: str, tone: float = 440.0, **sources: Any
    ) -> UTDStreamClient:
        """Return a client of *identity*, signed in, which listens to what rings."""
        sources.setdefault("microphone", Tone(tone))
        client = self.client(**sources)
        client.incoming_calls.subscribe()
        await client.authenticate(identity)
        await client.signal_state.until(lambda now: now is SignalState.READY, 20)
        return client

    def call_session(
        self, client: UTDStreamClient, kind: UTDStreamType = UTDStreamType.AUDIO_CALL
    ) -> UTDCallSession:
        """Return a session for calls, which is disposed with the world."""
        session = client.call_session(kind)
        self._stack.push_async_callback(session.dispose)
        return session

    async def talk(
        self,
        caller: UTDStreamClient,
        callee: UTDStreamClient,
        kind: UTDStreamType = UTDStreamType.AUDIO_CALL,
    ) -> tuple[UTDCallSession, UTDCallSession]:
        """Let one call the other, who answers."""
        calling = self.call_session(caller, kind)
        await calling.start(callee.identity or "")
        (incoming,) = await callee.ringing_calls.until(bool, 20)
        answering = await incoming.answer()
        self._stack.push_async_callback(answering.dispose)
        active = UTDCallStatus.ACTIVE
        await calling.status.until(lambda status: status is active, 20)
        return calling, answering

    def hurried_client(self) -> UTDStreamClient:
        """Return a client whose minutes are short, where time is real."""
        clock, haste = self._ground.short_minute()
        # Ten seconds for a take, as everywhere, on a clock that is in a hurry.
        return self.client(clock=clock, timeouts=Timeouts(seat=10 * haste))

    async def join(
        self, identity: str, *, client: UTDStreamClient | None = None, **asked: Any
    ) -> UTDAudioRoomSession:
        """Return a session of *identity* that is disposed with the world."""
        client = client or self.client()
        session = await client.join_audio_room(identity, ROOM, **asked)
        return await self._stack.enter_async_context(session)

    async def intrude(self, token: str) -> Guest:
        """Return somebody who entered without the SDK."""
        guest = Guest(self._ground.media.open(adaptive_stream=True, dynacast=True))
        self._stack.push_async_callback(guest.room.disconnect)
        await guest.room.connect(self._ground.sfu_url, token, auto_subscribe=True)
        return guest

    async def seat_mortal(self, identity: str, *, seat: int) -> Mortal:
        """Return somebody who speaks on *seat*, and may be killed."""
        return await self._ground.seat_mortal(identity, seat=seat)

    # Faults.

    async def start_engine(self) -> None:
        """Start the engine again, where it was."""
        await self._ground.start_engine()

    async def stop_engine(self) -> None:
        """Stop the engine clean; what it has committed stays."""
        await self._ground.stop_engine()

    async def kill_engine(self) -> None:
        """End the engine in the middle of what it does; in mortal worlds only."""
        await self._ground.kill_engine()

    async def start_sfu(self) -> None:
        """Start the SFU again, where it was; it has forgotten everything."""
        await self._ground.start_sfu()

    async def kill_sfu(self) -> None:
        """End the SFU, and tell nobody; in mortal worlds only."""
        await self._ground.kill_sfu()

    async def reconnect(self, session: AnySession, *, fully: bool = True) -> None:
        """Let a client repair its connection, with a new sid or the old one.

        Returns when it is back.
        """
        async with asyncio.TaskGroup() as both:
            back = session.events.until(lambda told: isinstance(told, Reconnected), 20)
            both.create_task(back)
            await asyncio.sleep(0)  # it listens from now on
            await self._ground.reconnect(session, fully=fully)

    # What is seen.

    async def reconcile(self) -> None:
        """Let the engine compare itself with the SFU now."""
        await self.services.reconciler.look()

    async def until(
        self, question: Callable[[], Awaitable[object]], *, timeout: float = 10.0
    ) -> None:
        """Wait until the answer is true."""
        async with self.clock.timeout(timeout):
            while not await question():
                await self.clock.sleep(0.01)

    async def room(self) -> Room:
        """Return the room as the engine has committed it."""
        room = await self.services.writer.room((self.app.id, ROOM))
        assert room is not None
        return room

    async def member(self, identity: str) -> Member:
        """Return a member of the room as the engine has committed it."""
        key = self.app.id, ROOM
        _, member = await self.services.writer.member(key, identity)
        assert member is not None
        return member

    async def seat_of(self, identity: str) -> int | None:
        """Return where the engine has seated somebody."""
        return seat_index_of(await self.room(), identity)

    async def present(self) -> list[str]:
        """Return who the SFU lists."""
        listed = await self.sfu.list_participants(self.sfu_room)
        return [participant.identity for participant in listed]

    async def listed(self, identity: str) -> SfuParticipant | None:
        """Return what the SFU lists of *identity*, or None."""
        for participant in await self.sfu.list_participants(self.sfu_room):
            if participant.identity == identity:
                return participant
        return None

    async def gone(self, identity: str) -> None:
        """Wait until the SFU lists somebody no more; it takes a moment."""

        async def is_gone() -> bool:
            return identity not in await self.present()

        await self.until(is_gone, timeout=20)

    async def permitted(self, identity: str, wanted: Permission) -> None:
        """Wait until the SFU lists just this right."""

        async def is_permitted() -> bool:
            listed = await self.listed(identity)
            return listed is not None and listed.permission == wanted

        await self.until(is_permitted)

    async def nothing_is_left(self, identity: str) -> None:
        """Wait until neither engine nor SFU holds anything for somebody."""
        assert await self.seat_of(identity) is None

        async def is_clean() -> bool:
            listed = await self.listed(identity)
            if listed is None:
                return True
            assert listed.permission is not None
            return not listed.track_sources and not listed.permission.can_publish

        await self.until(is_clean)

    async def __aenter__(self) -> Self:
        # Closed in the reverse order, whatever fails on the way.
        self._stack.push_async_callback(self._ground.aclose)
        await self._ground.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()
