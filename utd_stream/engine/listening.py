"""Running an engine's application on sockets, with a bound on connections.

Where no descriptor is left, asyncio's own server tries again without pause.  So
connections are accepted and counted here.  At the limit a new one takes the place
of the connection that the engine has waited for longest; where the engine waits for
none, it answers 503 and closes the new one.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from typing import Any

from aiohttp import web

from utd_stream.engine.border_log import log_failure
from utd_stream.engine.connections import Connections, Refuse
from utd_stream.engine.services import SERVICES
from utd_stream.errors import UnavailableError

__all__ = [
    "REFUSE",
    "EngineRunner",
    "base_url",
    "most_connections",
    "open_sockets",
]

REFUSE: web.AppKey[Refuse] = web.AppKey("refuse")

# For the database, LiveKit's hundred connections, and what else a process holds.
_RESERVE = 192
_MOST = 65_536
# Between two tries to accept where no descriptor is left, in seconds.
_PAUSE = 0.1
_BACKLOG = 128
# At most so many are accepted before those who are in have their turn.
_BURST = 128
_NOT_HERE = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


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
    missing: OSError | None = None
    with ExitStack() as opened:
        for family, address in dict.fromkeys((each[0], each[4]) for each in found):
            try:
                made = socket.create_server(address, family=family, backlog=_BACKLOG)
            except OSError as error:
                # As "localhost" is ::1, too, where a machine has no IPv6.
                if error.errno not in _NOT_HERE:
                    raise
                missing = error
            else:
                sockets.append(opened.enter_context(made))
        opened.pop_all()
    if missing is not None and not sockets:
        raise missing
    return sockets


def base_url(host: str, port: int) -> str:
    """Return the URL of what listens there."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


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
        self._accepting: list[asyncio.Task[None]] = []
        self._watching: asyncio.Task[None] | None = None
        # Accepted, and not yet one of the connections.
        self._arriving: set[asyncio.Task[None]] = set()
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
            self._accepting.append(asyncio.create_task(self._accept(each)))

    async def deafen(self) -> None:
        """Accept no more connections; those that are open stay, still bounded."""
        accepting, self._accepting = self._accepting, []
        loop = asyncio.get_running_loop()
        for each in self._sockets:
            # asyncio accepts for a cancelled wait, too, if this turn has seen a
            # connection, and fails.  Windows' loop has no readers, nor the fault.
            with suppress(NotImplementedError):
                loop.remove_reader(each)
        for task in accepting:
            task.cancel()
        await asyncio.gather(*accepting, *self._arriving, return_exceptions=True)
        while self._sockets:
            self._sockets.pop().close()

    async def cleanup(self) -> None:
        """Stop; idempotent."""
        try:
            await self.deafen()
            await super().cleanup()
        finally:
            if self._watching is not None:
                self._watching.cancel()
                await asyncio.gather(self._watching, return_exceptions=True)

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        self._connections = Connections(
            server, clock=self.app[SERVICES].clock, refuse=self.app[REFUSE]
        )
        self._watching = asyncio.create_task(self._connections.watch())
        return self._connections

    @property
    def _is_full(self) -> bool:
        return self._connections.count + len(self._arriving) >= self._most

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(listener)
                self._take(client)
                for _ in range(_BURST):
                    if self._is_full:
                        break  # the one that was closed for it has yet to go
                    client, _ = listener.accept()
                    self._take(client)
            except (BlockingIOError, ConnectionError):
                pass  # nobody else waits, or it has gone already
            except OSError as error:
                self._connections.log.note(f"not accepted: {type(error).__name__}")
                self._connections.close_longest_wait()
                await self.app[SERVICES].clock.sleep(_PAUSE)
            await asyncio.sleep(0)  # those who are in have their turn

    def _take(self, client: socket.socket) -> None:
        connections = self._connections
        if self._is_full and not connections.close_longest_wait():
            connections.log.note("more connections than may be open")
            error = UnavailableError("too many connections are open; try again")
            _send_and_close(client, connections.refuse(error))
            return
        client.setblocking(False)  # noqa: FBT003 -- the library's own
        arriving = asyncio.create_task(self._connect(client))
        self._arriving.add(arriving)
        arriving.add_done_callback(self._arriving.discard)

    async def _connect(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(self._connections, client)
        except OSError:
            client.close()  # it has gone already
        except Exception as error:  # noqa: BLE001 -- others must be let in
            log_failure("a connection could not be taken", error)
            client.close()


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
