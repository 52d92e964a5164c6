"""P5 and P6: requests per second of the engine, against bare handlers."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from tests.bench.report import Figure
from tests.bench.servers import APP

__all__ = ["measure_load"]

_CLIENTS = 32
_ROUNDS = 6
_SECONDS = 1.5


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

    async def ask(self, path: str, body: object, **headers: str) -> bytes:
        """Send one request and return the body of its answer, which must be 200."""
        text = json.dumps(body).encode()
        lines = [
            f"POST {path} HTTP/1.1",
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


_Ask = Callable[[Line, int], Awaitable[object]]


async def measure_load() -> list[Figure]:
    """Return P5 and P6."""
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        async with (
            _serving("engine", here / "engine.db") as ours,
            _serving("bare", here / "bare.db") as bare,
        ):
            mints = await _rates(ours, bare, mint, sign)
            bearers = await _sit_ready(ours)
            seats = await _rates(ours, bare, _seat_writer(bearers), commit)
    return [
        Figure(
            name="P5",
            what="token mints, one process",
            unit="/s",
            ours=mints[0],
            bare=mints[1],
            goal=0.6,
            at_least=True,
        ),
        Figure(
            name="P6",
            what=f"durable seat writes, {_CLIENTS} rooms",
            unit="/s",
            ours=seats[0],
            bare=seats[1],
            goal=1.5,
            at_least=True,
        ),
    ]


async def mint(line: Line, number: int) -> object:
    """Mint a token with the app's key."""
    body = {
        "type": "audio_room",
        "room_name": f"mints-{number}",
        "identity": f"member-{number}",
    }
    return await line.ask("/api/v1/token", body, X_App_Id=APP.id, X_App_Key=APP.key)


async def sign(line: Line, number: int) -> object:
    """Have the same token signed, and nothing else."""
    body = {"room_name": f"mints-{number}", "identity": f"member-{number}"}
    return await line.ask("/sign", body)


async def commit(line: Line, number: int) -> object:
    """Have one row committed."""
    return await line.ask("/commit", {"room": f"room-{number}", "seat": 1})


def _seat_writer(bearers: list[str]) -> _Ask:
    keys: Iterator[int] = count()
    turns = [0] * len(bearers)

    async def write(line: Line, number: int) -> object:
        turns[number] += 1
        act = "1/take" if turns[number] % 2 else "leave"
        return await line.ask(
            f"/api/v1/rooms/room-{number}/seats/{act}",
            {},
            X_App_Id=APP.id,
            Authorization=f"Bearer {bearers[number]}",
            Idempotency_Key=f"key-{next(keys)}",
        )

    return write


async def _sit_ready(port: int) -> list[str]:
    line = await Line.open(port)
    bearers: list[str] = []
    for number in range(_CLIENTS):
        body = {
            "type": "audio_room",
            "room_name": f"room-{number}",
            "identity": f"member-{number}",
        }
        answer = await line.ask(
            "/api/v1/token", body, X_App_Id=APP.id, X_App_Key=APP.key
        )
        bearers.append(json.loads(answer)["user_token"])
    line.close()
    return bearers


async def _rates(
    ours: int, bare: int, ask: _Ask, ask_bare: _Ask
) -> tuple[float, float]:
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(_ROUNDS):
        mine.append(await _rate(ours, ask))
        theirs.append(await _rate(bare, ask_bare))
    return statistics.median(mine), statistics.median(theirs)


async def _rate(port: int, ask: _Ask) -> float:
    lines = [await Line.open(port) for _ in range(_CLIENTS)]
    begun = time.perf_counter()
    ends = begun + _SECONDS

    async def work(number: int) -> int:
        asked = 0
        while time.perf_counter() < ends:
            await ask(lines[number], number)
            asked += 1
        return asked

    asked = sum(await asyncio.gather(*map(work, range(_CLIENTS))))
    spent = time.perf_counter() - begun
    for line in lines:
        line.close()
    return asked / spent


@asynccontextmanager
async def _serving(kind: str, database: Path) -> AsyncIterator[int]:
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.servers", kind, str(database)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert server.stdout is not None
    try:
        yield int(await server.stdout.readline())
    finally:
        await server.communicate(b"")
