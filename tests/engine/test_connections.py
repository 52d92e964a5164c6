"""No client keeps the engine waiting for long, nor keeps others out."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.engine.house import OPEN, House, app_of, open_house
from tests.engine.wire import Wire, dial, exchange
from utd_stream.engine.listening import most_connections, open_sockets

HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
AUTH = "".join(
    f"{name}: {value}\r\n" for name, value in app_of(OPEN, secret=True).items()
)
LEAVE = (
    "POST /api/v1/rooms/lounge/leave HTTP/1.1\r\nHost: x\r\n"
    f"Content-Type: application/json\r\n{AUTH}"
).encode()
TOLERANCE = 1.0  # what the steps of the clock and the wire may add, in seconds


async def seconds_until_closed(house: House, wire: Wire) -> float:
    """Move the engine's clock until it closes *wire*; return how far."""
    began = house.clock.monotonic()
    closed = asyncio.ensure_future(wire.is_closed())
    while not closed.done():
        assert house.clock.monotonic() < began + 600, "it is never closed"
        await house.clock.advance(0.25)
    assert closed.result(), "it was answered"
    return house.clock.monotonic() - began


STARTS = {
    "nothing": b"",
    "half a request line": b"GET /hea",
    "half a head": b"GET /health HTTP/1.1\r\nHost: x\r\n",
    "a body that never comes": LEAVE + b"Content-Length: 20\r\n\r\n",
    "half a body": LEAVE + b'Content-Length: 20\r\n\r\n{"identity"',
    "half a chunk": LEAVE + b"Transfer-Encoding: chunked\r\n\r\nA\r\n{",
    "no last chunk": LEAVE + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS.keys())
async def test_what_is_not_sent_is_waited_for_ten_seconds(
    house: House, start: bytes
) -> None:
    """A head that does not come within 10 s, or a body of its head, is the end."""
    async with dial(house.url) as wire:
        await wire.send(start)

        waited = await seconds_until_closed(house, wire)

    assert waited == pytest.approx(10.0, abs=TOLERANCE)


async def test_a_stop_waits_no_longer(house: House) -> None:
    """An engine that takes no new connections still bounds those that are open."""
    async with dial(house.url) as wire:
        await wire.send(STARTS["half a body"])
        await house.deafen()

        waited = await seconds_until_closed(house, wire)

    assert waited == pytest.approx(10.0, abs=TOLERANCE)


@pytest.mark.parametrize(
    "head", [HEALTH, LEAVE + b"Content-Length: 1000\r\n\r\n"], ids=["head", "body"]
)
async def test_byte_by_byte_is_not_longer(house: House, head: bytes) -> None:
    """Who sends a byte a second has the same ten seconds as who sends nothing."""
    sent = head[:-4] if head is HEALTH else head
    async with dial(house.url) as wire:
        await wire.send(sent)
        closed = asyncio.ensure_future(wire.is_closed())
        seconds = 0
        while not closed.done():
            await house.clock.advance(1.0)
            seconds += 1
            wire.writer.write(b"x")

        assert closed.result()
    assert 10 <= seconds <= 12


@pytest.mark.parametrize("path", ["health", "api/v1/openapi.json"])
async def test_no_body_of_a_stranger_is_waited_for(house: House, path: str) -> None:
    """What needs no credentials is answered before the body that it does not need."""
    head = f"GET /{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{{"

    assert (await exchange(house.url, head.encode())).status == 200


async def test_within_ten_seconds_it_is_served(house: House) -> None:
    """A head and a body that take nine seconds each are served."""
    async with dial(house.url) as wire:
        await house.clock.advance(9.0)
        await wire.send(LEAVE + b"Content-Length: 20\r\n\r\n")
        await house.clock.advance(9.0)
        await wire.send(b'{"identity": "anna"}')

        assert (await wire.answer()).status == 200


async def test_kept_alive_connection_may_rest(house: House) -> None:
    """After an answer a connection may be silent for a minute, not for hours."""
    async with dial(house.url) as wire:
        for _ in range(2):
            await wire.send(HEALTH)
            assert (await wire.answer()).status == 200
            await house.clock.advance(60.0)
        await wire.send(HEALTH)
        assert (await wire.answer()).status == 200

        waited = await seconds_until_closed(house, wire)

    assert waited == pytest.approx(75.0, abs=TOLERANCE)


async def test_next_head_has_ten_seconds_too(house: House) -> None:
    """A further request that is begun must be sent within 10 s."""
    async with dial(house.url) as wire:
        await wire.send(HEALTH)
        assert (await wire.answer()).status == 200
        await house.clock.advance(30.0)
        await wire.send(b"GET /hea")

        waited = await seconds_until_closed(house, wire)

    assert waited == pytest.approx(10.0, abs=TOLERANCE)


async def test_who_reads_no_answer_is_not_waited_for(house: House) -> None:
    """Answers that are not read for 10 s end the connection."""
    asked = 200
    async with dial(house.url) as wire:
        wire.writer.write(
            b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * asked
        )
        for _ in range(60):
            await house.clock.advance(1.0)
        read = 0
        try:
            while read < asked:
                assert (await wire.answer()).status == 200
                read += 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass

    assert read < asked


async def test_one_too_many_takes_the_longest_wait() -> None:
    """Where all places are taken, who has waited longest without asking goes."""
    async with open_house(connections=3) as house, AsyncExitStack() as opened:
        wires = [await opened.enter_async_context(dial(house.url)) for _ in range(3)]
        await wires[0].send(HEALTH)
        assert (await wires[0].answer()).status == 200

        assert (await exchange(house.url, HEALTH)).status == 200

        assert await wires[1].is_closed()
        for wire in (wires[0], wires[2]):
            await wire.send(HEALTH)
            assert (await wire.answer()).status == 200


async def test_one_that_fits_nowhere_is_told() -> None:
    """Where nobody can be sent away, a new connection is answered 503 and closed."""
    async with open_house(connections=0) as house, dial(house.url) as wire:
        answer = await wire.answer()

        assert (answer.status, answer.body["code"]) == (503, "unavailable")
        assert answer.body["request_id"] == answer.headers["X-Request-Id"]
        assert answer.headers["Retry-After"]
        assert await wire.is_closed()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", ""])
def test_every_address_of_a_host_is_listened_at(host: str) -> None:
    """A name is listened at wherever it is this machine's, nothing at every place."""
    sockets = open_sockets(host, 0)
    try:
        assert sockets
        for each in sockets:
            assert each.getsockname()[1] > 0
    finally:
        for each in sockets:
            each.close()


def test_taken_port_leaves_no_socket_behind() -> None:
    """A port that is taken is an error, and nothing stays open."""
    (taken,) = open_sockets("127.0.0.1", 0)
    with taken, pytest.raises(OSError, match="in use"):
        open_sockets("127.0.0.1", taken.getsockname()[1])


async def test_connection_that_arrives_with_a_stop_is_no_error() -> None:
    """A connection that came in the turn of the loop that stops accepting is reset."""
    loop = asyncio.get_running_loop()
    told: list[dict[str, Any]] = []
    async with open_house() as house:
        loop.set_exception_handler(lambda _, context: told.append(context))
        assert (await exchange(house.url, HEALTH)).status == 200
        host, port = house.url.strip("/").removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            await asyncio.sleep(0)  # this turn sees the connection, and then stops

            await house.deafen()
            await asyncio.sleep(0)

            assert not told
            with pytest.raises(ConnectionError):
                client.recv(1)


@pytest.mark.parametrize("descriptors", [64, 256, 1_024, 20_000, 1_048_576])
def test_connections_leave_descriptors_for_the_rest(descriptors: int) -> None:
    """The cap is below the limit of descriptors, by enough for all else."""
    most = most_connections(descriptors)

    assert 0 < most <= descriptors - min(192, descriptors // 2)
    assert most <= 65_536


@pytest.mark.real_time
async def test_descriptors_never_run_out(tmp_path: Path) -> None:
    """With more silent callers than descriptors an engine serves, and logs little."""
    log = tmp_path / "log"
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", 'ulimit -n 64; exec "$@"', "sh"),
            *(sys.executable, "-m", "tests.engine.engine_process"),
            str(tmp_path / "engine.db"),
            stdout=asyncio.subprocess.PIPE,
            stderr=written,
        )
    assert process.stdout is not None
    try:
        url = json.loads(await process.stdout.readline())
        async with AsyncExitStack() as opened:
            for _ in range(150):
                await opened.enter_async_context(dial(url))
                assert (await exchange(url, HEALTH)).status == 200
    finally:
        process.terminate()
        status = await process.wait()

    assert status == 0
    assert log.read_text().count("\n") < 10
