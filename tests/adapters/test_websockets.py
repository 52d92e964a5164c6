"""However a websocket breaks, whoever reads it is told that it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from utd_stream.adapters.http import AiohttpHttp
from utd_stream.adapters.websockets import AiohttpWebsocket
from utd_stream.ports import WebsocketEnd


@pytest.fixture
async def socket() -> AsyncIterator[AiohttpWebsocket]:
    """A socket whose server tells one word, and then pings."""
    is_done = asyncio.Event()

    async def serve(request: web.Request) -> web.WebSocketResponse:
        server = web.WebSocketResponse()
        await server.prepare(request)
        await server.send_str("word")
        await server.ping()
        await is_done.wait()
        return server

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    http = AiohttpHttp()
    opened = await http.connect(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    yield opened
    is_done.set()
    await opened.aclose()
    await http.aclose()
    await runner.cleanup()


async def test_a_ping_on_a_line_that_closes_is_an_end(socket: AiohttpWebsocket) -> None:
    """Its answer cannot be sent; whoever reads is told so, and nothing is raised."""
    assert await socket.receive() == "word"
    ws = socket._ws
    while not ws._reader._buffer:  # noqa: ASYNC110 -- aiohttp tells nobody
        await asyncio.sleep(0)
    connection = ws._response.connection
    assert connection is not None
    assert connection.transport is not None
    connection.transport.close()

    assert await socket.receive() == WebsocketEnd(code=1006)
