"""The signaling sockets of one client of a world, and what may become of them."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import aiohttp

from utd_stream.adapters.http import AiohttpHttp
from utd_stream.adapters.memory_http import MemoryConnector
from utd_stream.adapters.memory_wire import MemoryWire
from utd_stream.adapters.websockets import AiohttpWebsocket

__all__ = ["SignalLine"]


class SignalLine:
    """`Websockets` of one client, over memory, with faults for tests.

    Args:
        engine: What the clients' requests go to.

    Attributes:
        is_down: No socket can be opened.
    """

    def __init__(self, engine: MemoryConnector) -> None:
        self.is_down: bool = False
        self._delay = 0.0
        self._engine = engine
        self._connector: MemoryConnector | None = None
        self._http: AiohttpHttp | None = None
        self._pool: aiohttp.ClientSession | None = None
        self._wires: list[MemoryWire] = []
        self._cut_after: int | None = None

    @property
    def wires(self) -> list[MemoryWire]:
        """The wires that are open, oldest first."""
        self._wires = [wire for wire in self._wires if wire.is_open]
        return self._wires

    def cut(self) -> None:
        """Break what is open; the client opens another socket."""
        for wire in list(self.wires):
            wire.cut()

    def cut_after(self, pieces: int | None) -> None:
        """Break the next socket after *pieces* have arrived at either end.

        The first two open it; each frame is another.  None breaks none.
        """
        self._cut_after = pieces

    def delay_by(self, seconds: float) -> None:
        """Let each frame be *seconds* under way, on all sockets."""
        self._delay = seconds
        for wire in self.wires:
            wire.delay = seconds

    def silence(self) -> None:
        """Let nothing arrive any more on what is open, and tell neither end."""
        for wire in self.wires:
            wire.silence()

    async def connect(self, url: str) -> AiohttpWebsocket:
        """Open a websocket."""
        if self._pool is None or self._http is None or self._connector is None:
            self._connector = MemoryConnector()
            self._connector.opened = self._take
            self._pool = aiohttp.ClientSession(
                connector=self._connector, cookie_jar=aiohttp.DummyCookieJar()
            )
            self._http = AiohttpHttp(session=self._pool)
        self._connector.server = None if self.is_down else self._engine.server
        return await self._http.connect(url)

    async def aclose(self) -> None:
        """Close it; idempotent."""
        if self._pool is not None:
            await self._pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _take(self, wire: MemoryWire) -> None:
        wire.delay = self._delay
        pieces, self._cut_after = self._cut_after, None
        if pieces is not None:
            wire.cut_after(pieces)
        self._wires.append(wire)
