"""An engine under siege: what callers without credentials can do to it.

A real engine process on loopback.  During each attack ``/health`` is asked, one
request after the other, and the process's memory, CPU and log are read.  The
figures are printed, never asserted; asserted is only that no line of log holds
what was sent.  Needs Linux, whose ``/proc`` it reads.

Run it with ``make siege``.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import aiohttp
import attrs
from rich.console import Console
from rich.table import Table

from tests.bench.report import median_ms
from tests.engine.house import OPEN

_SENT = "hush-this-was-sent"
_ATTACK = 8.0  # how long each attack is watched, in seconds
_REST = 12.0  # until an engine has let go of what an attack left, in seconds
_MEGABYTE = 2**20

Dial: TypeAlias = Callable[
    [], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
]
Attack: TypeAlias = Callable[[Dial], Awaitable[None]]


@attrs.frozen(kw_only=True)
class Figures:
    """What one attack did.

    Attributes:
        attack: Its name.
        p50: Of ``/health`` meanwhile, in ms.
        p99: Likewise.
        failed: Requests for ``/health`` that failed, of how many.
        rss: Memory of the engine before, at its peak and afterwards, in MB.
        cpu: Of one core meanwhile.
        log: Lines and bytes that the engine logged.
    """

    attack: str
    p50: float
    p99: float
    failed: str
    rss: str
    cpu: str
    log: str


async def _never(_: Dial) -> None:
    await asyncio.Event().wait()


async def _deflated(dial: Dial) -> None:
    packer = zlib.compressobj(9)
    begin = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    # What follows a full flush stands for itself, so it can be repeated.
    ten_megabytes = packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    body = begin + ten_megabytes * 50
    head = (
        f"POST /api/v1/token HTTP/1.1\r\nHost: x\r\nX-App-Secret: {_SENT}\r\n"
        "Content-Type: application/json\r\nContent-Encoding: deflate\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    await _send_and_read(dial, head.encode() + body)


async def _silent(dial: Dial) -> None:
    await _send_and_read(dial, b"")


async def _half_head(dial: Dial) -> None:
    await _send_and_read(dial, f"GET /health HTTP/1.1\r\nX-Key: {_SENT}".encode())


async def _slow_head(dial: Dial) -> None:
    reader, writer = await dial()
    for byte in b"GET /" + _SENT.encode() * 100:
        writer.write(bytes((byte,)))
        await writer.drain()
        with suppress(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.2)


async def _webhook(dial: Dial) -> None:
    head = (
        f"POST /livekit/webhook HTTP/1.1\r\nHost: x\r\nAuthorization: {_SENT}\r\n"
        f"Content-Length: {2 * _MEGABYTE}\r\n\r\n"
    )
    await _send_and_read(dial, head.encode() + bytes(2 * _MEGABYTE - 1))


async def _malformed(dial: Dial) -> None:
    head = f"GET /health HTTP/1.1\r\nX-Key : {_SENT}\x01\r\n\r\n"
    await _send_and_read(dial, head.encode())


async def _chunks(dial: Dial) -> None:
    head = (
        f"POST /api/v1/auth/session HTTP/1.1\r\nHost: x\r\nX-App-Id: {OPEN.id}\r\n"
        f"X-App-Key: {OPEN.key}\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    await _send_and_read(dial, head.encode() + b"1\r\n \r\n" * 60_000)


async def _dropped(dial: Dial) -> None:
    head = (
        "POST /livekit/webhook HTTP/1.1\r\nHost: x\r\n"
        f"Content-Length: 999\r\n\r\n{_SENT}"
    )
    _, writer = await dial()
    writer.write(head.encode())
    await writer.drain()
    writer.transport.abort()


async def _deaf(dial: Dial) -> None:
    _, writer = await dial()
    writer.write(b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
    await asyncio.sleep(_ATTACK)


async def _send_and_read(dial: Dial, sent: bytes) -> None:
    reader, writer = await dial()
    writer.write(sent)
    await writer.drain()
    await reader.read()  # until the engine closes
    writer.close()


@attrs.frozen(kw_only=True)
class _Plan:
    """How an attack is made.

    Attributes:
        attack: By one connection.
        count: How many connections.
        descriptors: What the engine may have.
        again: Whether one that was closed comes back at once.
    """

    attack: Attack
    count: int
    descriptors: int = 1_024
    again: bool = False


_PLANS: Mapping[str, _Plan] = {
    "none": _Plan(attack=_never, count=0),
    "4 deflated bodies, again and again": _Plan(attack=_deflated, count=4, again=True),
    "300 silent": _Plan(attack=_silent, count=300),
    "300 silent, 256 descriptors": _Plan(attack=_silent, count=300, descriptors=256),
    "300 silent, 256 descriptors, again": _Plan(
        attack=_silent, count=300, descriptors=256, again=True
    ),
    "300 half heads, 256 descriptors": _Plan(
        attack=_half_head, count=300, descriptors=256
    ),
    "300 heads byte by byte": _Plan(attack=_slow_head, count=300),
    "300 half-sent webhooks of 2 MiB": _Plan(attack=_webhook, count=300),
    "300 webhooks, 256 descriptors, again": _Plan(
        attack=_webhook, count=300, descriptors=256, again=True
    ),
    "8 send malformed headers, again": _Plan(attack=_malformed, count=8, again=True),
    "8 drop in the body, again": _Plan(attack=_dropped, count=8, again=True),
    "8 with the key send tiny chunks, again": _Plan(
        attack=_chunks, count=8, again=True
    ),
    "50 read no answer": _Plan(attack=_deaf, count=50),
}


async def attack(url: str, plan: _Plan) -> None:
    """Attack the engine at *url* until killed."""
    place = urlsplit(url)

    async def dial() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(place.hostname, place.port)

    async def one() -> None:
        while True:
            with suppress(OSError):
                await plan.attack(dial)
            if not plan.again:
                return
            await asyncio.sleep(0.001)

    await asyncio.gather(*(one() for _ in range(plan.count)))
    await asyncio.Event().wait()


@attrs.frozen
class _Engine:
    """A running engine."""

    url: str
    pid: int
    log: Path

    def rss(self) -> float:
        """Return its memory, in MB."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE

    def cpu(self) -> float:
        """Return what it has used, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def _engine(folder: Path, descriptors: int) -> AsyncGenerator[_Engine]:
    log = folder / "log"
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh"),
            *(sys.executable, "-m", "tests.engine.engine_process"),
            str(folder / "engine.db"),
            stdout=asyncio.subprocess.PIPE,
            stderr=written,
        )
        assert process.stdout is not None
        try:
            url = json.loads(await process.stdout.readline())
            yield _Engine(url, process.pid, log)
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def _attacked(name: str, url: str) -> AsyncGenerator[None]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.siege", name, url)
    )
    try:
        await asyncio.sleep(1.0)  # until it has begun
        yield
    finally:
        process.kill()
        await process.wait()


async def _asked(engine: _Engine, seconds: float) -> tuple[list[float], int, float]:
    """Ask ``/health``; return durations, failures and the engine's peak memory."""
    durations: list[float] = []
    failed, peak = 0, 0.0
    ends_at = time.monotonic() + seconds
    # A connection each, as a health check has it.
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as pool:
        while time.monotonic() < ends_at:
            began = time.perf_counter()
            try:
                async with pool.get(f"{engine.url}/health") as answer:
                    failed += answer.status != 200
            except aiohttp.ClientError:
                failed += 1
            durations.append(time.perf_counter() - began)
            peak = max(peak, engine.rss())
            await asyncio.sleep(0.01)
    return durations, failed, peak


async def measure(name: str) -> Figures:
    """Return what the attack *name* does to an engine of its own."""
    plan = _PLANS[name]
    with tempfile.TemporaryDirectory() as folder:
        async with _engine(Path(folder), plan.descriptors) as engine:
            await _asked(engine, 1.0)
            before, cpu = engine.rss(), engine.cpu()
            async with _attacked(name, engine.url):
                durations, failed, peak = await _asked(engine, _ATTACK)
                used = (engine.cpu() - cpu) / (_ATTACK + 1)
            await asyncio.sleep(_REST if plan.count else 0)
            after = engine.rss()
            logged = engine.log.read_text()
    assert _SENT not in logged, f"what was sent is in the log: {name}"
    durations.sort()
    return Figures(
        attack=name,
        p50=median_ms(durations),
        p99=durations[len(durations) * 99 // 100] * 1_000,
        failed=f"{failed} of {len(durations)}",
        rss=f"{before:.0f} / {peak:.0f} / {after:.0f}",
        cpu=f"{used:.0%}",
        log=f"{logged.count(chr(10))} / {len(logged)}",
    )


async def main() -> None:
    """Measure one attack after the other, and show the table."""
    table = Table(
        *("attack", "/health p50", "p99", "failed", "MB before / peak / after"),
        *("CPU", "log lines / bytes"),
    )
    for name in _PLANS:
        figures = await measure(name)
        table.add_row(
            figures.attack,
            f"{figures.p50:.1f} ms",
            f"{figures.p99:.0f} ms",
            *(figures.failed, figures.rss, figures.cpu, figures.log),
        )
        Console(stderr=True).print(f"{name}: p50 {figures.p50:.1f} ms")
    Console(width=140).print(table)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(attack(sys.argv[2], _PLANS[sys.argv[1]]))
    else:
        asyncio.run(main())
