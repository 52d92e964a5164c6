"""HTTP over memory: aiohttp on both ends, and no socket between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from utd_stream.adapters.http import AiohttpHttp
from utd_stream.adapters.memory_http import MemoryConnector
from utd_stream.errors import ConnectError, TransportError
from utd_stream.testing import run

_URL = "http://engine"


async def echo(request: web.Request) -> web.Response:
    """Answer with what was sent."""
    return web.Response(body=await request.read())


async def never(_: web.Request) -> web.Response:
    """Answer never."""
    await asyncio.sleep(1e6)
    raise AssertionError


async def talk(request: web.Request) -> web.WebSocketResponse:
    """Answer each frame with itself, twice."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data * 2)
    return socket


@asynccontextmanager
async def served(
    more: Handler = echo,
) -> AsyncIterator[tuple[MemoryConnector, aiohttp.ClientSession]]:
    """An application, with *more* of a test's own, and a pool that reaches it."""
    app = web.Application(client_max_size=0)
    app.router.add_post("/echo", echo)
    app.router.add_route("*", "/never", never)
    app.router.add_get("/talk", talk)
    app.router.add_get("/more", more)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    connector = MemoryConnector()
    connector.server = runner.server
    async with aiohttp.ClientSession(connector=connector) as pool:
        yield connector, pool
    await runner.cleanup()


@pytest.mark.parametrize("size", [0, 1, 65_536, 1_000_000])
def test_bodies_arrive_whole(size: int) -> None:
    """Whatever is sent comes back, byte for byte."""
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    async def program() -> bytes:
        async with (
            served() as (_, pool),
            pool.post(f"{_URL}/echo", data=body) as answer,
        ):
            return await answer.read()

    assert run(program()) == body


def test_requests_do_not_mix() -> None:
    """A hundred requests at once get a hundred answers of their own."""

    async def program() -> list[bytes]:
        async with served() as (_, pool):

            async def ask(number: int) -> bytes:
                async with pool.post(f"{_URL}/echo", data=b"%d" % number) as answer:
                    return await answer.read()

            return await asyncio.gather(*map(ask, range(100)))

    assert run(program()) == [b"%d" % number for number in range(100)]


def test_connections_are_kept_and_let_go() -> None:
    """One after the other uses one connection, until the server tires of it."""

    async def program() -> tuple[int, int]:
        async with served() as (connector, pool):
            opened = 0
            serve = connector.server
            assert serve is not None

            def count() -> asyncio.Protocol:
                nonlocal opened
                opened += 1
                return serve()

            connector.server = count
            for _ in range(5):
                async with pool.post(f"{_URL}/echo", data=b"x") as answer:
                    await answer.read()
            soon = opened
            await asyncio.sleep(7_200)
            async with pool.post(f"{_URL}/echo", data=b"x") as answer:
                await answer.read()
            return soon, opened

    assert run(program()) == (1, 2)


def test_websockets_work() -> None:
    """An upgraded connection carries frames both ways, and closes clean."""

    async def program() -> list[str]:
        async with served() as (_, pool), pool.ws_connect(f"{_URL}/talk") as socket:
            heard: list[str] = []
            for text in ("a", "b" * 100_000):
                await socket.send_str(text)
                heard.append(await socket.receive_str())
            await socket.close()
            return heard

    assert run(program()) == ["aa", "b" * 200_000]


def test_without_a_server_no_connection_is_made() -> None:
    """It is the same error as with nobody behind a port."""

    async def program() -> None:
        async with served() as (connector, pool):
            connector.server = None
            with pytest.raises(ConnectError):
                await AiohttpHttp(session=pool).request("GET", _URL, headers={})

    run(program())


def reset(connector: MemoryConnector) -> None:
    """Break every connection, as a server that is killed does."""
    assert isinstance(connector.server, web.Server)
    for connection in connector.server.connections:
        assert connection.transport is not None
        connection.transport.abort()


def test_a_cut_wire_is_a_broken_connection() -> None:
    """Whoever waits for an answer hears at once that it broke."""

    async def program() -> float:
        async with served() as (connector, pool):
            http = AiohttpHttp(session=pool)
            asking = asyncio.create_task(
                http.request("POST", f"{_URL}/never", headers={})
            )
            loop = asyncio.get_running_loop()
            loop.call_later(2, reset, connector)
            with pytest.raises(TransportError):
                await asking
            return loop.time()

    assert run(program()) == 2


def test_a_request_times_out_in_virtual_time() -> None:
    """The limits of aiohttp's client run on the loop's time."""

    async def program() -> float:
        async with served() as (_, pool):
            http = AiohttpHttp(session=pool, timeout=15)
            with pytest.raises(TransportError):
                await http.request("POST", f"{_URL}/never", headers={})
            return asyncio.get_running_loop().time()

    assert 15 <= run(program()) <= 16  # aiohttp rounds long limits up


def test_an_answer_is_read_to_its_end_after_the_server_has_closed() -> None:
    """Closing does not overtake what the reader has been too slow for."""
    parts = [bytes([number]) * 16_384 for number in range(64)]

    async def pour(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.force_close()
        await answer.prepare(request)
        for part in parts:
            await answer.write(part)
        await answer.write_eof()
        return answer

    async def program() -> bytes:
        async with (
            served(pour) as (_, pool),
            pool.get(f"{_URL}/more") as answer,
        ):
            body = bytearray()
            async for part in answer.content.iter_chunked(10_000):
                await asyncio.sleep(0.1)
                body += part
            return bytes(body)

    assert run(program()) == b"".join(parts)
