"""aiohttp's client speaks to aiohttp's server in one process, without a socket.

Parsers, routing, middlewares, limits and time-outs are the real ones; only the
wire is memory.
"""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

__all__ = ["MemoryConnector", "MemoryTransport"]


class MemoryTransport(asyncio.Transport):
    """One end of a wire.

    What is written here arrives at the other end in the loop's next turn, in
    order; closing arrives after it, when all of it was read.

    Args:
        name: Of the other end, as ``get_extra_info("peername")`` tells it.
    """

    def __init__(self, name: str) -> None:
        super().__init__({"peername": (name, 0), "sockname": ("memory", 0)})
        self._loop = asyncio.get_running_loop()
        self._protocol: asyncio.Protocol | None = None
        self._peer: MemoryTransport
        self._is_closing = False
        self._is_paused = False
        self._arrived: deque[bytes | None] = deque()

    @classmethod
    def pair(cls) -> tuple[MemoryTransport, MemoryTransport]:
        """Return both ends: the client's, the server's."""
        here, there = cls("engine"), cls("client")
        here._peer, there._peer = there, here
        return here, there

    def attach(self, protocol: asyncio.Protocol) -> None:
        """Begin to tell *protocol* what happens here."""
        self._protocol = protocol
        protocol.connection_made(self)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who is told."""
        assert self._protocol is not None  # noqa: S101 -- attached by whoever made it
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Tell another protocol from now on."""
        assert isinstance(protocol, asyncio.Protocol)  # noqa: S101 -- no buffered ones here
        self._protocol = protocol

    def is_closing(self) -> bool:
        """Whether this end is closed, or about to be."""
        return self._is_closing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data*; after closing it is lost, as on any wire."""
        if data and not self._is_closing:
            self._loop.call_soon(self._peer.arrive, bytes(data))

    def writelines(
        self, list_of_data: Iterable[bytes | bytearray | memoryview]
    ) -> None:
        """Send all of it as one."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """Whether the other end can be told that no more comes."""
        return True

    def write_eof(self) -> None:
        """Tell the other end that no more comes."""
        if not self._is_closing:
            self._loop.call_soon(self._peer.arrive, None)

    def get_write_buffer_size(self) -> int:
        """Return 0: what is written is the other end's at once."""
        return 0

    def set_write_buffer_limits(
        self, high: int | None = None, low: int | None = None
    ) -> None:
        """Ignore them: nothing is buffered."""

    def is_reading(self) -> bool:
        """Whether what arrives is told."""
        return not self._is_paused

    def pause_reading(self) -> None:
        """Keep what arrives."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Tell what was kept, in the next turn, and what arrives."""
        self._is_paused = False
        self._loop.call_soon(self._tell)

    def close(self) -> None:
        """Close both ends."""
        if not self._is_closing:
            self._is_closing = True
            self._loop.call_soon(self.lose, None)
            self._loop.call_soon(self._peer.arrive, None)

    def abort(self) -> None:
        """Break the wire: both ends are reset, what is under way is lost."""
        for end in (self, self._peer):
            end.reset()

    def reset(self) -> None:
        """Lose this end at once."""
        if not self._is_closing:
            self._is_closing = True
            error = ConnectionResetError(errno.ECONNRESET, "the wire was cut")
            self._loop.call_soon(self.lose, error)

    def arrive(self, data: bytes | None) -> None:
        """Take what the other end wrote; None is its end."""
        self._arrived.append(data)
        self._tell()

    def _tell(self) -> None:
        while self._arrived and not self._is_paused and not self._is_closing:
            data = self._arrived.popleft()
            assert self._protocol is not None  # noqa: S101 -- attached before any write
            if data is not None:
                self._protocol.data_received(data)
            elif not self._protocol.eof_received():
                self.close()

    def lose(self, error: Exception | None) -> None:
        """Tell the protocol that this end is closed."""
        protocol, self._protocol = self._protocol, None
        self._arrived.clear()
        if protocol is not None:
            protocol.connection_lost(error)


class MemoryConnector(aiohttp.BaseConnector):
    """Opens every connection to one server, whatever the URL's host is.

    Attributes:
        server: An `aiohttp.web.Server`; None refuses, as if none were there.
    """

    def __init__(self) -> None:
        super().__init__(limit=0)
        self.server: Callable[[], asyncio.Protocol] | None = None

    # The one private name of aiohttp that is used; its major version is pinned.
    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],  # noqa: ARG002 -- the base's
        timeout: aiohttp.ClientTimeout,  # noqa: ARG002 -- the base's
    ) -> ResponseHandler:
        if self.server is None:
            refused = ConnectionRefusedError(errno.ECONNREFUSED, "no engine runs here")
            raise aiohttp.ClientConnectorError(req.connection_key, refused)
        here, there = MemoryTransport.pair()
        there.attach(self.server())
        protocol: ResponseHandler = self._factory()
        here.attach(protocol)
        return protocol
