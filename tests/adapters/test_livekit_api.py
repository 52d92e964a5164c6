"""The server API of LiveKit: how it fails, in our words."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from livekit import api
from livekit.protocol import models as server_proto

from utd_stream.adapters._livekit_words import redacted
from utd_stream.adapters.livekit_api import LiveKitSfu
from utd_stream.errors import (
    ConnectError,
    SfuNotFoundError,
    SfuRefusedError,
    TransportError,
    TransportTimeoutError,
)

SECRET = "s" * 32
CODES = {
    code
    for name, code in vars(api.ServerErrorCode).items()
    if name.isupper() and isinstance(code, str)
}
NEVER = {
    "not_found": SfuNotFoundError,
    "invalid_argument": SfuRefusedError,
    "malformed": SfuRefusedError,
    "out_of_range": SfuRefusedError,
}


def livekit(code: str) -> web.Application:
    """A server that answers every call with one error."""

    async def answer(request: web.Request) -> web.Response:
        problem = {"code": code, "msg": "invalid token: eyJhbGciOi.eyJpc3Mi.sig"}
        return web.json_response(problem, status=404 if code == "not_found" else 400)

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    return app


@pytest.mark.parametrize("code", sorted(CODES))
async def test_every_code_is_one_of_our_errors(code: str) -> None:
    """What will never be taken is told apart from what may pass; no token leaks."""
    async with TestServer(livekit(code)) as server:
        sfu = LiveKitSfu(str(server.make_url("/")), "key", SECRET)
        with pytest.raises(NEVER.get(code, TransportError)) as raised:
            await sfu.list_rooms()
        await sfu.aclose()

    assert type(raised.value) is NEVER.get(code, TransportError)
    assert "eyJ" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/html", "<html>a login page</html>"),
        (502, "text/html", "<html>bad gateway</html>"),
        (500, "application/json", "[]"),
        (500, "application/json", "null"),
        (403, "application/json", "<html>"),
    ],
)
async def test_answer_of_something_else_may_pass(
    status: int, kind: str, body: str
) -> None:
    """A proxy that answers in LiveKit's place is an error of the port."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, content_type=kind, text=body)

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with TestServer(app) as server:
        sfu = LiveKitSfu(str(server.make_url("/")), "key", SECRET)
        with pytest.raises(TransportError) as raised:
            await sfu.list_rooms()
        await sfu.aclose()

    assert type(raised.value) is TransportError


def test_every_error_of_livekit_is_known() -> None:
    """A new kind of error in LiveKit's library must be thought about."""
    raised = {
        kind
        for kind in vars(api).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    }

    assert {kind for kind in raised if not issubclass(kind, api.ServerError)} == set()


async def test_dead_server_was_asked_nothing() -> None:
    """Where nobody listens the error says so; it may be tried again."""
    sfu = LiveKitSfu("http://127.0.0.1:1", "key", SECRET)
    with pytest.raises(ConnectError, match="is it running"):
        await sfu.list_rooms()
    await sfu.aclose()


async def test_silent_server_is_given_up() -> None:
    """A request ends at its limit, as a timeout."""
    release = asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/{path:.*}", wait)
    async with TestServer(app) as server:
        sfu = LiveKitSfu(str(server.make_url("/")), "key", SECRET, timeout=0.05)
        with pytest.raises(TransportTimeoutError):
            await sfu.list_rooms()
        release.set()
        await sfu.aclose()


async def test_room_outlives_everybody_as_long_as_an_empty_one() -> None:
    """One time-out holds before the first and after the last participant."""
    asked: list[api.CreateRoomRequest] = []

    async def create(request: web.Request) -> web.Response:
        asked.append(api.CreateRoomRequest.FromString(await request.read()))
        return web.Response(body=server_proto.Room(name="r").SerializeToString())

    app = web.Application()
    app.router.add_post("/{path:.*}", create)
    async with TestServer(app) as server:
        sfu = LiveKitSfu(str(server.make_url("/")), "key", SECRET)
        await sfu.create_room("r", metadata="m", empty_timeout=299.5)
        await sfu.aclose()

    (request,) = asked
    assert (request.empty_timeout, request.departure_timeout) == (300, 300)


async def test_given_pool_stays_open() -> None:
    """Closing frees what is ours; a session that was given is its giver's."""
    async with aiohttp.ClientSession() as session:
        sfu = LiveKitSfu("http://127.0.0.1:1", "key", SECRET, session=session)
        with pytest.raises(ConnectError):
            await sfu.list_rooms()
        await sfu.aclose()
        await sfu.aclose()

        assert not session.closed


def test_tokens_are_taken_out_of_texts() -> None:
    """Whatever looks like a token is not passed on; the rest is."""
    quoted = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.AbC-_9"

    assert redacted(f"invalid token: {quoted}, old") == "invalid token: <token>, old"
    assert redacted("nothing here") == "nothing here"
