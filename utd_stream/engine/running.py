"""Running an engine: started, stopped or killed, and started again.

There is one way, whoever runs it: `utd_stream.engine.serve`, ``utd-stream dev``,
`utd_stream.embedded`, tests and benchmarks.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from aiohttp import web

from utd_stream.engine.app import ENGINE, make_app
from utd_stream.engine.config import Config
from utd_stream.engine.listening import EngineRunner, base_url, open_sockets
from utd_stream.engine.services import SERVICES, Services
from utd_stream.engine.signaling import Signaling
from utd_stream.engine.store import Store
from utd_stream.errors import ClosedError, InvalidArgumentError
from utd_stream.ports import Clock, FactLog, Luck, Sfu

__all__ = ["RunningEngine", "running"]


def running(  # noqa: PLR0913 -- its ports
    config: Config,
    *,
    sfu: Sfu,
    clock: Clock,
    luck: Luck,
    store: Store | None = None,
    sockets: Iterable[socket.socket] | None = None,
    threaded: bool = True,
    log: FactLog | None = None,
    shutdown_timeout: float = 5.0,
    most_connections: int | None = None,
) -> RunningEngine:
    """Return an engine to be run, an async context manager.

    ::

        async with running(config, sfu=sfu, clock=clock, luck=luck) as engine:
            print(engine.base_url)

    Args:
        config: In force; complete.
        sfu: The media plane; closed by whoever made it.
        clock: Of the engine.
        luck: Of the engine.
        store: The engine's own from now on; opened at the start if not given.
        sockets: Where it listens at its first start, closed with it: those of the
            config's address if not given, and nowhere if there are none.
        threaded: False to write on the loop itself, as virtual time and `kill`
            need.
        log: Told what happens; None for nobody.
        shutdown_timeout: What a request under way may take once a stop was
            asked for, in seconds.
        most_connections: How many may be open; None for what the limit of
            descriptors allows.
    """
    return RunningEngine(
        config,
        lambda store: EngineRunner(
            make_app(
                config,
                sfu=sfu,
                clock=clock,
                luck=luck,
                store=store,
                threaded=threaded,
                log=log,
            ),
            shutdown_timeout=shutdown_timeout,
            most=most_connections,
        ),
        store=store,
        sockets=sockets,
    )


class RunningEngine:
    """An engine that runs, or did, or will; made by `running`.

    `start` and `aclose` do what ``async with`` does.

    Attributes:
        base_url: Where it is reached; empty before the first start, and where it
            listens nowhere.
    """

    def __init__(
        self,
        config: Config,
        make: Callable[[Store], EngineRunner],
        *,
        store: Store | None,
        sockets: Iterable[socket.socket] | None,
    ) -> None:
        self.base_url: str = ""
        self._host, self._port = config.host, config.port
        self._database = config.database
        self._make = make
        self._store = store
        # Those that are given, until it listens on them.
        self._sockets = list(sockets or ())
        self._listens = sockets is None or bool(self._sockets)
        # The one that runs, and one that does not and is still to be freed.
        self._runner: EngineRunner | None = None
        self._ended: EngineRunner | None = None

    @property
    def is_running(self) -> bool:
        """Whether it serves."""
        return self._runner is not None

    @property
    def services(self) -> Services:
        """Its parts.

        Raises:
            ClosedError: If it does not run.
        """
        return self._present().app[SERVICES]

    @property
    def signaling(self) -> Signaling:
        """Its signaling sockets.

        Raises:
            ClosedError: If it does not run.
        """
        return self._present().app[ENGINE].signaling

    @property
    def server(self) -> web.Server:
        """What takes connections, for those that come by no socket.

        Raises:
            ClosedError: If it does not run.
        """
        server = self._present().server
        assert server is not None  # noqa: S101 -- made by the start
        return server

    async def start(self) -> Self:
        """Start it, if it does not run; it knows what its database knows.

        It listens on the port that it had before, if it had one.

        Raises:
            InvalidArgumentError: If the database cannot be opened or is another
                engine's, or the address is taken.
        """
        if self._runner is not None:
            return self
        await self._free()
        # A killed engine leaves its store behind, as it was committed.
        self._store = self._store or Store(self._database)
        self._ended = runner = self._make(self._store)
        try:
            await runner.setup()
            if self._listens:
                self._listen(runner)
        except BaseException:
            await self.aclose()
            raise
        self._ended, self._runner = None, runner
        return self

    async def deafen(self) -> None:
        """Accept no more connections; those that are open stay, still bounded."""
        await self._present().deafen()

    async def kill(self) -> None:
        """End it as a killed process ends; idempotent.

        Connections are reset, and what is committed is all that is left: `start`
        finds it again, in memory too.  Not for one that writes on a thread.
        """
        runner, self._runner = self._runner, None
        if runner is not None:
            self._ended = runner
            await runner.deafen()
            assert runner.server is not None  # noqa: S101 -- made by the start
            for connection in runner.server.connections:
                if connection.transport is not None:
                    connection.transport.abort()
            runner.app[ENGINE].kill()
        await self._free()

    async def stop(self) -> None:
        """Stop it clean, if it runs; a database in memory is lost with it.

        Where this is cancelled, the next call that starts or ends it goes on.
        """
        if self._runner is not None:
            self._ended, self._runner = self._runner, None
            self._store = None  # closed with the engine
        await self._free()

    async def aclose(self) -> None:
        """Stop it clean, and let go of what a killed one left; idempotent."""
        await self.stop()
        if self._store is not None:
            self._store.close()
            self._store = None
        while self._sockets:
            self._sockets.pop().close()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _listen(self, runner: EngineRunner) -> None:
        sockets, self._sockets = self._sockets, []
        try:
            runner.listen(sockets or open_sockets(self._host, self._port))
        except OSError as error:
            message = f"cannot listen on {self._host}:{self._port}: {error.strerror}"
            raise InvalidArgumentError(message) from error
        self._port = runner.addresses[0][1]
        self.base_url = base_url(self._host, self._port)

    async def _free(self) -> None:
        # Kept until it is done, so that where this is cancelled the next one goes on.
        if self._ended is not None:
            await self._ended.cleanup()
            self._ended = None

    def _present(self) -> EngineRunner:
        if self._runner is None:
            message = "no engine runs; start it first"
            raise ClosedError(message)
        return self._runner
