"""An engine below a path of a proxy can be called as it describes itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urljoin

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from tests.engine.house import House

PREFIX = "/stream/v2"
DOCUMENT = "api/v1/openapi.json"


@asynccontextmanager
async def proxy(house: House, *, decodes: bool = False) -> AsyncIterator[str]:
    """Serve the engine below a path; yield the URL of that path."""

    async def pass_on(request: web.Request) -> web.Response:
        raw = request.path if decodes else request.rel_url.raw_path
        path = raw.removeprefix(PREFIX + "/")
        answer = await house.ask(request.method, path, by=dict(request.headers))
        return web.Response(
            body=answer.raw, status=answer.status, content_type="application/json"
        )

    app = web.Application()
    app.router.add_route("*", PREFIX + "/{path:.*}", pass_on)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url(f"{PREFIX}/"))
    finally:
        await server.close()


async def get(url: str, by: dict[str, str]) -> tuple[int, Any]:
    """Return status and body of a GET."""
    async with (
        aiohttp.ClientSession() as pool,
        pool.get(URL(url, encoded=True), headers=by) as response,
    ):
        return response.status, orjson.loads(await response.read())


async def test_document_names_its_server_below_a_proxy(house: House) -> None:
    """Paths of the document, put behind its server, are served below any path."""
    await house.enter("ana", role="host")
    async with proxy(house) as base:
        for url in (house.url + DOCUMENT, base + DOCUMENT):
            _, document = await get(url, {})
            (server,) = document["servers"]
            root = urljoin(url, server["url"]).rstrip("/")
            path = "/api/v1/rooms/{room}/seats"
            assert path in document["paths"]
            assert "/health" in document["paths"]

            seats = root + path.replace("{room}", "lounge")
            assert (await get(seats, house.bearer("ana")))[0] == 200
            assert (await get(f"{root}/health", {}))[0] == 200


@pytest.mark.parametrize(
    "path", ["rooms/a%2Fb/seats", "rooms/lounge/participants/a%2Fb"]
)
async def test_decoded_name_is_hinted_at(house: House, path: str) -> None:
    """A slash that a proxy has decoded leads nowhere, and the 404 says why."""
    await house.enter("ana", role="host")
    await house.mint("a/b", room_name="a/b")
    for decodes in (False, True):
        async with proxy(house, decodes=decodes) as base:
            status, body = await get(f"{base}api/v1/{path}", house.bearer("ana"))
        hint = "%2F" in body["message"]

        assert hint is decodes
        assert not decodes or (status, body["code"]) == (404, "not_found")


async def test_prefix_that_is_still_there_is_hinted_at(house: House) -> None:
    """A proxy that passes its own path on is told to take it off."""
    answer = await house.ask("GET", f"{PREFIX[1:]}/{DOCUMENT}")

    assert (answer.status, answer.code) == (404, "not_found")
    assert f"take {PREFIX} off the path" in answer.body["message"]


async def test_other_paths_hint_at_nothing(house: House) -> None:
    """A path that is merely wrong is only said to be."""
    answer = await house.ask("GET", "nowhere")

    assert answer.body["message"] == "there is nothing at /nowhere"
