"""A server in a process of its own, and connections that ask it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

__all__ = ["Line", "Server", "serving"]


class Line:
    """One kept-alive connection that asks and hears; as little work as can be."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Line:
        """Connect to a server here."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(
        self, path: str, body: object = None, *, method: str = "POST", **headers: str
    ) -> bytes:
        """Send one request and return the body of its answer, which must be 200.

        Args:
            path: With its query.
            body: JSON, or the bytes of it; None for none.
            method: Of the request.
            headers: Their names with ``_`` for ``-``.
        """
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        if body is None:
            text = b""
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: 127.0.0.1",
            "Content-Type: application/json",
            f"Content-Length: {len(text)}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + text)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        answer = await self._reader.readexactly(length)
        assert status == 200, (path, answer)
        return answer

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


class Server:
    """A process of `tests.bench.servers`.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.port = port
        self._process = process

    async def tell(self, order: str, **given: Any) -> Mapping[str, Any]:
        """Return what the process says about itself; see `tests.bench.servers`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([order, given]).encode() + b"\n")
        told: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return told

    async def cpu(self) -> float:
        """Return the CPU seconds that it has used."""
        return float((await self.tell("cpu"))["cpu"])


@asynccontextmanager
async def serving(kind: str, **given: Any) -> AsyncGenerator[Server]:
    """Run a server of that kind."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.servers", kind, json.dumps(given)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield Server(process, int(await process.stdout.readline()))
    finally:
        await process.communicate(b"")
