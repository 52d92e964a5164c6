"""Raw HTTP over a socket, for what no well-meaning client sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from email.message import Message
from email.parser import BytesParser
from typing import Any
from urllib.parse import urlsplit

import attrs
import orjson

__all__ = ["RawAnswer", "Wire", "dial", "exchange"]


@attrs.frozen
class RawAnswer:
    """An answer, read byte by byte."""

    status: int
    headers: Message
    raw: bytes

    @property
    def body(self) -> Any:
        """The body, which must be JSON."""
        assert self.headers.get_content_type() == "application/json", self.raw
        return orjson.loads(self.raw)


@attrs.frozen
class Wire:
    """One connection to an engine."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Write *data*."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, *, with_body: bool = True) -> RawAnswer:
        """Read one answer; *with_body* False for that to a HEAD."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, _, rest = head.partition(b"\r\n")
        headers = BytesParser().parsebytes(rest)
        length = int(headers["Content-Length"] or 0) if with_body else 0
        raw = await self.reader.readexactly(length)
        return RawAnswer(int(first.split()[1]), headers, raw)

    async def is_closed(self) -> bool:
        """Wait for the engine to close; False if it says something first."""
        try:
            return await self.reader.read(1) == b""
        except ConnectionError:
            return True

    async def rest(self) -> bytes:
        """Read until the engine closes."""
        read = bytearray()
        try:
            while part := await self.reader.read(65_536):
                read += part
        except ConnectionError:
            pass
        return bytes(read)

    def close(self) -> None:
        """Close this end."""
        self.writer.close()


@asynccontextmanager
async def dial(url: str) -> AsyncGenerator[Wire]:
    """Connect to the engine at *url*."""
    place = urlsplit(url)
    wire = Wire(*await asyncio.open_connection(place.hostname, place.port))
    try:
        yield wire
    finally:
        wire.close()


async def exchange(url: str, data: bytes, *, with_body: bool = True) -> RawAnswer:
    """Send *data* on a connection of its own and return the first answer."""
    async with dial(url) as wire:
        await wire.send(data)
        return await wire.answer(with_body=with_body)
