"""Engine, store, SFU and clients in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import count
from types import TracebackType
from typing import Self

import aiohttp

from utd_stream._border import HomeLoop, border, shortening
from utd_stream._embedded.lines import SignalLine
from utd_stream._embedded.webhooks import Webhooks
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.http import AiohttpHttp
from utd_stream.adapters.loopback import Loopback
from utd_stream.adapters.luck import SystemLuck
from utd_stream.adapters.memory_http import MemoryConnector
from utd_stream.client._sign_in import SessionProvider
from utd_stream.client.timeouts import Timeouts
from utd_stream.compose import Ports, UTDStreamClient
from utd_stream.engine.config import App, Config
from utd_stream.engine.notes import CommittedRoom, committed_room
from utd_stream.engine.running import RunningEngine, running
from utd_stream.errors import ClosedError, InvalidArgumentError, UsageError
from utd_stream.models.names import sfu_room_name
from utd_stream.ports import AudioSource, Clock, FactLog, Luck, VideoSource

__all__ = ["EmbeddedWorld", "embedded"]

_BASE_URL = "http://embedded"
# What a request under way may take once the engine is stopped, in seconds.
_SHUTDOWN_TIMEOUT = 1.0
_ALL = 2**31  # members of a room, at most
_NOT_OPEN = "the world is not started, or closed: async with embedded()"


@shortening
def embedded(  # noqa: PLR0913 -- the settings of a world
    *,
    database: str = "sqlite://",
    clock: Clock | None = None,
    luck: Luck | None = None,
    fact_log: FactLog | None = None,
    engine_clock: Clock | None = None,
    seat_grace: float = 15.0,
    request_expiry: float = 60.0,
    ring_timeout: float = 30.0,
    max_call: float = 3_600.0,
    call_grace: float = 15.0,
    room_empty: float = 300.0,
    reconcile_period: float = 5.0,
) -> EmbeddedWorld:
    """Return a world of its own: an engine, an SFU in memory, and their clients.

    Nothing is listened on and nothing is installed; the engine, the client
    and the HTTP between them are those of production.  Sound that nobody reads
    is sampled at least every ten seconds: it costs next to nothing, and the
    active speakers change at most that late.

    ::

        async with embedded() as world:
            ana = await world.client().join_audio_room("ana", "lounge")

    Args:
        database: Where the engine keeps its rooms, as ``sqlite:///file``; by
            default in memory.
        clock: Time; a `utd_stream.testing.VirtualClock` makes hours pass in
            milliseconds.
        luck: Chance; a seeded one makes a run repeatable.
        fact_log: Told all that happens in engine and clients, such as a
            `utd_stream.testing.JsonLines`.
        engine_clock: Another time for the engine alone: a clock that is wrong.
        seat_grace: How long a seat waits for somebody who is lost, in seconds.
        request_expiry: How long a request or invitation waits, in seconds.
        ring_timeout: How long a call rings, in seconds, from 10 to 120.
        max_call: How long an answered call may last, in seconds, from 60 to 14,400.
        call_grace: How long a call waits for a party that is not in its media room,
            in seconds.
        room_empty: How long a room lives with nobody in it, in seconds.
        reconcile_period: How often the engine looks at the SFU, in seconds.

    Raises:
        InvalidArgumentError: If a setting is out of range.
    """
    app = App(
        id="embedded",
        key="embedded-key",
        secret="embedded-secret",  # noqa: S106 -- nobody else can reach this engine
        allow_appkey_identity_mint=True,
    )
    config = Config(
        database=database,
        secret="signs the bearers of an embedded engine",  # noqa: S106 -- likewise
        apps=(app,),
        livekit_url=Loopback.URL,
        livekit_api_key="loopback",
        livekit_api_secret="loopback",  # noqa: S106 -- likewise
        seat_grace=seat_grace,
        request_expiry=request_expiry,
        ring_timeout=ring_timeout,
        max_call=max_call,
        call_grace=call_grace,
        room_empty=room_empty,
        reconcile_period=reconcile_period,
        rate_app=0,  # nobody else can reach this engine
        rate_identity=0,
        rate_pair=0,
    )
    clock = clock or AsyncioClock()
    return EmbeddedWorld(
        config,
        clock=clock,
        engine_clock=engine_clock or clock,
        luck=luck or SystemLuck(),
        fact_log=fact_log,
    )


class _Line(AiohttpHttp):
    """A client's way to the engine; whoever made it is told of its end."""

    def __init__(
        self,
        pool: aiohttp.ClientSession,
        line: SignalLine,
        ended: Callable[[], object],
    ) -> None:
        super().__init__(session=pool)
        self._signals = line
        self._ended = ended

    async def aclose(self) -> None:
        """End it; idempotent."""
        await super().aclose()
        await self._signals.aclose()
        self._ended()


@border
class EmbeddedWorld:
    """One engine, one SFU and as many clients as you like, in this process.

    An async context manager; in notebooks, `start` and `aclose` do the same.
    Clients are closed with it; sessions are yours to leave.

    Attributes:
        app: The one app; its key and its secret.
        base_url: Of the engine, for clients of this world.
        sfu: The SFU, with its faults: lines to cut, restarts, outages; it
            calls rooms by names of its own, see `sfu_room`.
        clock: Of everything in it.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock,
        engine_clock: Clock,
        luck: Luck,
        fact_log: FactLog | None,
    ) -> None:
        self._home = HomeLoop()
        self.app: App = config.apps[0]
        self.base_url = _BASE_URL
        self.clock = clock
        self.sfu: Loopback = Loopback(clock)
        self._config = config
        self._engine_clock = engine_clock
        self._luck = luck
        self._log = fact_log
        self._connector: MemoryConnector
        self._webhooks: Webhooks
        self._engine: RunningEngine
        self._pool: aiohttp.ClientSession | None = None
        # Of whoever starts or ends the engine.
        self._turn = asyncio.Lock()
        # Those that are open, by number.
        self._clients: dict[int, UTDStreamClient] = {}
        self._lines: dict[UTDStreamClient, SignalLine] = {}
        self._numbers = count()
        self._closing: asyncio.Task[None] | None = None

    @property
    def webhooks(self) -> Webhooks:
        """From the SFU to the engine; to drop, delay, hold.

        Raises:
            ClosedError: If the world is not started.
        """
        if self._pool is None:
            raise ClosedError(_NOT_OPEN)
        return self._webhooks

    async def start(self) -> Self:
        """Start the engine; return the world.

        Raises:
            UsageError: If it was started before, or the clock is virtual and
                another loop runs.
            InvalidArgumentError: If the database cannot be opened, or another
                engine has it open.
        """
        await self.clock.sleep(0)  # a clock of another loop says so here
        if self._pool is not None:
            message = "this world was started before; make another one"
            raise UsageError(message)
        self._connector = MemoryConnector()
        self._pool = aiohttp.ClientSession(
            connector=self._connector, cookie_jar=aiohttp.DummyCookieJar()
        )
        webhook_url = f"{self.base_url}/livekit/webhook"
        http = AiohttpHttp(session=self._pool)
        self._webhooks = Webhooks(http, webhook_url, self.clock)
        self.sfu.watch(self._webhooks.take)
        self._engine = running(
            self._config,
            sfu=self.sfu,
            clock=self._engine_clock,
            luck=self._luck,
            sockets=(),
            threaded=False,
            log=self._log,
            shutdown_timeout=_SHUTDOWN_TIMEOUT,
        )
        try:
            await self.start_engine()
        except BaseException:
            await self.aclose()
            raise
        return self

    def client(
        self,
        *,
        microphone: AudioSource | None = None,
        camera: VideoSource | None = None,
        screen: VideoSource | None = None,
        session_provider: SessionProvider | None = None,
        timeouts: Timeouts | None = None,
    ) -> UTDStreamClient:
        """Return a client of this world, for one user; closed with it.

        Args:
            microphone: What is heard of it, such as ``Tone(440)``.
            camera: What is seen of it in video calls, such as ``TestPattern()``.
            screen: What `UTDCallSession.set_screen_share` shows.
            session_provider: Mints in place of the app's key.
            timeouts: Limits of waiting.

        Raises:
            ClosedError: If the world is not started, or closed.
            InvalidArgumentError: If a source cannot be opened.
        """
        number = next(self._numbers)
        pool = self._check_open()
        line = SignalLine(self._connector)
        ports = Ports(
            http=_Line(pool, line, lambda: self._lose(number)),
            websockets=line,
            media=self.sfu,
            clock=self.clock,
            luck=self._luck,
            log=self._log,
            home=self._home,
        )
        client = UTDStreamClient(
            self.app.id,
            self.app.key,
            base_url=self.base_url,
            microphone=microphone,
            camera=camera,
            screen=screen,
            session_provider=session_provider,
            timeouts=timeouts,
            ports=ports,
        )
        self._clients[number] = client
        self._lines[client] = line
        return client

    def signal_line(self, client: UTDStreamClient) -> SignalLine:
        """Return the signaling sockets of *client*: to cut, delay, silence.

        Raises:
            InvalidArgumentError: If the client is not of this world, or closed.
        """
        if client not in self._lines:
            message = "this client is not of this world, or is closed"
            raise InvalidArgumentError(message)
        return self._lines[client]

    def signal_lines(self, identity: str) -> list[SignalLine]:
        """Return the signaling sockets of every client of somebody."""
        return [
            line for client, line in self._lines.items() if client.identity == identity
        ]

    def _lose(self, number: int) -> None:
        client = self._clients.pop(number, None)
        if client is not None:
            self._lines.pop(client, None)

    def sfu_room(self, name: str) -> str:
        """Return what the SFU calls the room *name*, as `sfu.lines` wants it.

        Raises:
            InvalidArgumentError: If the SFU takes no name that long.
        """
        try:
            return sfu_room_name(self.app.id, name)
        except ValueError as error:
            raise InvalidArgumentError(str(error)) from error

    async def room(self, name: str) -> CommittedRoom | None:
        """Return a room as the engine has it on disk; None if it never was.

        Raises:
            ClosedError: If no engine runs.
        """
        if not self._is_engine_running:
            message = "no engine runs; start_engine first"
            raise ClosedError(message)
        key = (self.app.id, name)
        writer = self._engine.services.writer
        room = await writer.room(key)
        if room is None:
            return None
        life = room.life_key
        members = await writer.transact(lambda store: store.members.page(life, 0, _ALL))
        return committed_room(key, room, members if room.is_live else ())

    async def start_engine(self) -> None:
        """Start the engine, if it does not run; it knows what its database knows.

        Raises:
            ClosedError: If the world is not started, or closed.
            InvalidArgumentError: If the database cannot be opened, or another
                engine has it open.
        """
        async with self._turn:
            self._check_open()
            await self._engine.start()
            self._connector.server = self._engine.server

    async def stop_engine(self) -> None:
        """Stop the engine clean; a database in memory is lost with it."""
        async with self._turn:
            if self._pool is not None:
                self._connector.server = None
                await self._engine.stop()

    async def kill_engine(self) -> None:
        """Kill the engine: requests break, and only what is committed is left.

        `start_engine` finds it again, in memory too.
        """
        async with self._turn:
            if self._pool is not None:
                self._connector.server = None
                await self._engine.kill()

    async def aclose(self) -> None:
        """Close the clients, the engine and the SFU; idempotent.

        Cancelling ends the waiting only.
        """
        if self._pool is None:
            return
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(self._pool))
        await asyncio.shield(self._closing)

    async def _close(self, pool: aiohttp.ClientSession) -> None:
        # The last one first, and each whatever becomes of the others.
        async with AsyncExitStack() as ending:
            ending.push_async_callback(pool.close)
            ending.push_async_callback(self._webhooks.aclose)
            ending.push_async_callback(self.sfu.aclose)
            ending.push_async_callback(self._engine.aclose)
            ending.push_async_callback(self.stop_engine)
            for client in reversed(self._clients.values()):
                ending.push_async_callback(client.aclose)

    @property
    def _is_engine_running(self) -> bool:
        return self._pool is not None and self._engine.is_running

    def _check_open(self) -> aiohttp.ClientSession:
        if self._pool is None or self._closing is not None:
            raise ClosedError(_NOT_OPEN)
        return self._pool

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._standing()}>"

    def _standing(self) -> str:
        if self._pool is None:
            return "not started"
        if self._closing is not None:
            return "closed"
        engine = "running" if self._is_engine_running else "stopped"
        return f"engine {engine}, clients: {len(self._clients)}"

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
