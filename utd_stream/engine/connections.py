"""The connections of an engine: who waits for whom, and for how long.

The engine waits for a client for a bounded time; see `PATIENCE`.  When another
client needs the place, the engine closes the connection that it has waited for
longest.  It closes no connection whose client waits for the engine.

The phases of a connection, and what begins each:

1. HEAD: it was opened, or the first byte of a next request came.
2. ENGINE: the head of a request is complete and its handler runs.
3. BODY: the handler reads the body; then ENGINE again.
4. ANSWER: the handler has returned and the answer is written.
5. IDLE: the answer is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, nullcontext
from enum import Enum
from operator import itemgetter
from typing import Any

from aiohttp import web

from utd_stream.engine.border_log import BorderLog
from utd_stream.errors import EngineError, InvalidRequestError, UnavailableError
from utd_stream.ports import Clock

__all__ = [
    "PARSING",
    "PATIENCE",
    "Connections",
    "Phase",
    "Refuse",
    "awaiting_body",
    "begin_socket",
    "drop",
]

# Whatever runs the application: nothing is inflated, and no request is logged.
PARSING: Mapping[str, Any] = {"auto_decompress": False, "access_log": None}

# Line ends in what comes at once.  A head has a hundred; a flood of one-byte chunks,
# or of requests behind each other, has tens of thousands, and costs far more to parse
# than to send.
_MOST_LINES = 2_048

Refuse = Callable[[EngineError], web.Response]


class Phase(Enum):
    """Whom a connection waits for."""

    HEAD = "a request's head was not sent in time"
    BODY = "a request's body was not sent in time"
    ANSWER = "an answer was not read in time"
    IDLE = "no further request came"
    ENGINE = "the engine works"


# How long the engine waits for a client in each phase, in seconds.
PATIENCE: Mapping[Phase, float] = {
    Phase.HEAD: 10.0,
    Phase.BODY: 10.0,
    Phase.ANSWER: 10.0,
    Phase.IDLE: 75.0,
}
# Ordinary: browsers open connections which they then do not use.
_UNREMARKABLE = frozenset({Phase.HEAD, Phase.IDLE})


class _Waits:
    """The connections in one phase: all wait equally long, so first in, first out.

    Args:
        phase: In which the engine waits for the client.
        clock: Of the engine.
    """

    def __init__(self, phase: Phase, clock: Clock) -> None:
        self._phase = phase
        self._clock = clock
        self._began: dict[_Connection, float] = {}
        self._some_wait = asyncio.Event()

    def begin(self, connection: _Connection) -> None:
        """Let it wait from now on."""
        self._began[connection] = self._clock.monotonic()
        self._some_wait.set()

    def end(self, connection: _Connection) -> None:
        """Let it wait no more."""
        del self._began[connection]

    def longest(self) -> tuple[float, _Connection] | None:
        """Return since when the first waits, and which that is."""
        for connection, began in self._began.items():
            return began, connection
        return None

    async def watch(self) -> None:
        """Close those that wait too long, until cancelled."""
        while True:
            longest = self.longest()
            if longest is None:
                self._some_wait.clear()
                await self._some_wait.wait()
                continue
            began, connection = longest
            left = began + PATIENCE[self._phase] - self._clock.monotonic()
            if left > 0:
                await self._clock.sleep(left)
                continue
            is_ordinary = self._phase in _UNREMARKABLE
            connection.drop("" if is_ordinary else self._phase.value)


class Connections(web.Server):
    """Makes the connections of an engine and bounds what they wait for.

    Args:
        server: Of the application: serves requests.
        clock: Of the engine.
        refuse: Makes the answer that says an error.

    Attributes:
        log: Of what clients did wrong.
        refuse: As given.
    """

    def __init__(self, server: web.Server, *, clock: Clock, refuse: Refuse) -> None:
        super().__init__(self._serve, request_factory=server.request_factory, **PARSING)
        self.log: BorderLog = BorderLog(clock)
        self.refuse = refuse
        self._inner = server.request_handler
        self._phases: dict[_Connection, Phase] = {}
        self._waits = {phase: _Waits(phase, clock) for phase in PATIENCE}

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return _Connection(self)

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._phases)

    def enter(self, connection: _Connection) -> None:
        """Take a connection that was opened."""
        self._phases[connection] = Phase.ENGINE
        self.put(connection, Phase.HEAD)

    def leave(self, connection: _Connection) -> None:
        """Forget a connection that was closed; idempotent."""
        waits = self._waits.get(self._phases.pop(connection, Phase.ENGINE))
        if waits is not None:
            waits.end(connection)

    def phase(self, connection: _Connection) -> Phase | None:
        """Return the phase of a connection; None if it is closed."""
        return self._phases.get(connection)

    def put(self, connection: _Connection, phase: Phase) -> None:
        """Begin a phase of a connection; nothing if it is closed."""
        if connection not in self._phases:
            return
        self.leave(connection)
        self._phases[connection] = phase
        if phase in self._waits:
            self._waits[phase].begin(connection)

    def close_longest_wait(self) -> bool:
        """Close the connection that has kept the engine waiting longest.

        Returns:
            Whether there was one.
        """
        waiting = [
            longest
            for waits in self._waits.values()
            if (longest := waits.longest()) is not None
        ]
        if not waiting:
            return False
        _, connection = min(waiting, key=itemgetter(0))
        connection.drop()
        return True

    async def watch(self) -> None:
        """Close those that keep the engine waiting too long, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for waits in self._waits.values():
                tasks.create_task(waits.watch())

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, _Connection)  # noqa: S101 -- made above
        self.put(connection, Phase.ENGINE)
        try:
            return await self._inner(request)
        except web.HTTPException:
            # The application answers its own; this one is of the Expect header.
            message = "the engine knows no Expect but 100-continue"
            return self.refuse(InvalidRequestError(message, 400, "malformed"))


class _Connection(web.RequestHandler):
    """One connection; everything it does is told to `Connections`."""

    def __init__(self, connections: Connections) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(connections, loop=loop, **PARSING)
        self._connections = connections
        self._is_socket = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._connections.enter(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wait for nothing any more."""
        self._connections.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; what the parser fails at ends the connection."""
        if not self._is_socket and data.count(b"\r\n") > _MOST_LINES:
            self.drop("far too many chunks or requests came at once")
            return
        if data and self._connections.phase(self) is Phase.IDLE:
            self._connections.put(self, Phase.HEAD)
        try:
            super().data_received(data)
        except Exception as error:  # noqa: BLE001 -- asyncio would log what came
            self.drop(f"unreadable: {type(error).__name__}")

    async def finish_response(
        self,
        request: web.BaseRequest,
        resp: web.StreamResponse,
        start_time: float | None,
    ) -> tuple[web.StreamResponse, bool]:
        """Write an answer."""
        self._connections.put(self, Phase.ANSWER)
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._connections.put(self, Phase.IDLE)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 -- may quote what was sent
    ) -> web.StreamResponse:
        """Return the answer to what is no request, or to a failure."""
        if isinstance(exc, ConnectionError):
            raise exc  # nobody is there to be answered
        kind = type(exc).__name__
        self._connections.log.note(f"{status}: {kind}")
        if request.writer.output_size > 0:
            broken = "the answer is half written"
            raise ConnectionResetError(broken)
        error: EngineError = UnavailableError("the engine failed")
        if status < web.HTTPInternalServerError.status_code:
            text = f"this is not a request of HTTP/1.1: {kind}"
            error = InvalidRequestError(text, 400, "malformed")
        answer = self._connections.refuse(error)
        answer.force_close()
        return answer

    def log_exception(self, *_: Any, **said: Any) -> None:
        """Note that something failed, without what was sent."""
        self._connections.log.note(f"failed: {type(said.get('exc_info')).__name__}")

    def drop(self, why: str = "") -> None:
        """Close at once, whatever is still unread or unsent.

        Args:
            why: A kind of fault to count, in words of ours; empty for none.
        """
        if why:
            self._connections.log.note(why)
        transport = self.transport
        self._connections.leave(self)
        self.force_close()
        if transport is not None:
            transport.abort()

    def begin_socket(self) -> None:
        """From now on frames come, and no requests."""
        self._is_socket = True

    @contextmanager
    def awaiting_body(self) -> Generator[None]:
        """While inside, the engine waits for the client to send a body."""
        self._connections.put(self, Phase.BODY)
        try:
            yield
        finally:
            self._connections.put(self, Phase.ENGINE)


@contextmanager
def awaiting_body(request: web.BaseRequest) -> Generator[None]:
    """While inside, the engine waits for the body of *request*; see `PATIENCE`.

    Nothing bounds that where another runner than `EngineRunner` made the
    connection.
    """
    connection = request.protocol
    waiting = (
        connection.awaiting_body()
        if isinstance(connection, _Connection)
        else nullcontext()
    )
    with waiting:
        yield


def begin_socket(request: web.BaseRequest) -> None:
    """Say that the connection of *request* is a websocket from now on."""
    connection = request.protocol
    if isinstance(connection, _Connection):
        connection.begin_socket()


def drop(connection: web.RequestHandler, why: str) -> None:
    """Close *connection* at once.

    Args:
        connection: Of whichever runner.
        why: A kind of fault to count, in words of ours.
    """
    if isinstance(connection, _Connection):
        connection.drop(why)
    elif connection.transport is not None:
        connection.transport.abort()
