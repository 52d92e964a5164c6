"""aiohttp's client speaks to aiohttp's server in one process, without a socket.

Parsers, routing, middlewares, limits and time-outs are the real ones; only the
wire is memory.
"""

from __future__ import annotations

import errno
from asyncio import Protocol
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from utd_stream.adapters.memory_wire import MemoryWire

__all__ = ["MemoryConnector"]


class MemoryConnector(aiohttp.BaseConnector):
    """Opens every connection to one server, whatever the URL's host is.

    Attributes:
        server: Returns the protocol of a new connection, as an
            `aiohttp.web.Server` does; None refuses, as if none were there.
        opened: Called with each new wire, before anything is written on it.
    """

    def __init__(self) -> None:
        super().__init__(limit=0)
        self.server: Callable[[], Protocol] | None = None
        self.opened: Callable[[MemoryWire], object] | None = None

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
        wire = MemoryWire()
        if self.opened is not None:
            self.opened(wire)
        wire.server.attach(self.server())
        protocol: ResponseHandler = self._factory()
        wire.client.attach(protocol)
        return protocol
