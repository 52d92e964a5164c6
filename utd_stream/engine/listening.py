"""Running an engine's application on sockets, with a bound on connections.

asyncio's own server accepts a hundred connections in one go, and where no
descriptor is left it tries again without pause.  So connections are accepted
here one at a time: one too many takes the place of the one that has kept the
engine waiting longest, and is refused where there is none.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from utd_stream.engine.connections import Connections, Refuse
from utd_stream.engine.services import SERVICES
from utd_stream.errors import UnavailableError

__all__ = ["REFUSE", "EngineRunner", "most_connections", "open_sockets"]

REFUSE: web.AppKey[Refuse] = web.AppKey("refuse")

# For the database, LiveKit's hundred connections, and what else a process holds.
_RESERVE = 192
_MOST = 65_536
# Between two tries to accept where no descriptor is left, in seconds.
_PAUSE = 0.1
_BACKLOG = 1_024


def most_connections(descriptors: int | None) -> int:
    """Return how many connections may be open.

    Args:
        descriptors: How many files and sockets the process may have; None
            where nothing limits them.
    """
    if descriptors is None:
        return _MOST
    return min(max(descriptors - _RESERVE, descriptors // 2), _MOST)


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen at each address of *host*.

    Args:
        host: A name or an address; empty for every interface.
        port: 0 for a free one.

    Raises:
        OSError: If an address cannot be had.
    """
    found = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    sockets: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((each[0], each[4]) for each in found):
            sockets.append(
                socket.create_server(address, family=family, backlog=_BACKLOG)
            )
    except BaseException:
        for made in sockets:
            made.close()
        raise
    return sockets


class EngineRunner(web.AppRunner):
    """Runs an engine's application, made by `make_app`; see `Connections`.

    Args:
        app: The application.
        shutdown_timeout: What a request under way may take once a stop was
            asked for, in seconds.
        most: How many connections may be open; None for what the limit of
            descriptors allows.
    """

    def __init__(
        self,
        app: web.Application,
        *,
        shutdown_timeout: float = 60.0,
        most: int | None = None,
    ) -> None:
        super().__init__(app, shutdown_timeout=shutdown_timeout)
        self._most = most_connections(_descriptors()) if most is None else most
        self._connections: Connections
        self._tasks: list[asyncio.Task[None]] = []
        self._sockets: list[socket.socket] = []

    @property
    def addresses(self) -> list[Any]:
        """Where it listens."""
        return [each.getsockname() for each in self._sockets]

    def listen(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections from *sockets*, which are closed with the runner."""
        for each in sockets:
            each.setblocking(False)  # noqa: FBT003 -- the library's own
            self._sockets.append(each)
            self._tasks.append(asyncio.create_task(self._accept(each)))

    async def deafen(self) -> None:
        """Accept no more connections; those that are open stay."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while self._sockets:
            self._sockets.pop().close()

    async def cleanup(self) -> None:
        """Stop; idempotent."""
        await self.deafen()
        await super().cleanup()

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        self._connections = Connections(
            server, clock=self.app[SERVICES].clock, refuse=self.app[REFUSE]
        )
        self._tasks.append(asyncio.create_task(self._connections.watch()))
        return self._connections

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(listener)
            except ConnectionError:
                continue  # it has gone already
            except OSError as error:
                self._connections.log.note(f"not accepted: {type(error).__name__}")
                self._connections.close_longest_wait()
                await self.app[SERVICES].clock.sleep(_PAUSE)
                continue
            await self._take(client)

    async def _take(self, client: socket.socket) -> None:
        connections = self._connections
        if connections.count >= self._most and not connections.close_longest_wait():
            connections.log.note("more connections than may be open")
            error = UnavailableError("too many connections are open; try again")
            _send_and_close(client, connections.refuse(error))
            return
        try:
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(connections, client)
        except OSError:
            client.close()  # it has gone already


def _send_and_close(client: socket.socket, answer: web.Response) -> None:
    head = [f"HTTP/1.1 {answer.status} {answer.reason}", "Connection: close"]
    head += [f"{name}: {value}" for name, value in answer.headers.items()]
    body = answer.body
    assert isinstance(body, bytes)  # noqa: S101 -- JSON
    head += [f"Content-Length: {len(body)}", "", ""]
    try:
        client.setblocking(False)  # noqa: FBT003 -- the library's own
        client.send("\r\n".join(head).encode() + body)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it does not listen
    finally:
        client.close()


def _descriptors() -> int | None:
    if sys.platform == "win32":  # handles are not limited like this there
        return None
    import resource  # noqa: PLC0415 -- not on Windows

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft
