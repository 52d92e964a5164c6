"""Requests to the engine: what comes back, and how they fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NoReturn

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from utd_stream.adapters.http import MAX_BODY_BYTES, AiohttpHttp
from utd_stream.errors import (
    ClosedError,
    ConnectError,
    InvalidArgumentError,
    RemoteProtocolError,
    TransportError,
    TransportTimeoutError,
)

BODY = b'{"a": 1}'


async def echo(request: web.Request) -> web.Response:
    """Say what came."""
    return web.json_response(
        {
            "method": request.method,
            "path": request.raw_path,
            "key": request.headers.get("X-App-Key"),
            "body": (await request.read()).decode(),
        },
        status=409,
        headers={"X-Request-Id": "r1"},
    )


async def cookies(request: web.Request) -> web.Response:
    """Say which cookies came, and set one."""
    answer = web.json_response(dict(request.cookies))
    answer.set_cookie("kept", "1")
    return answer


async def redirect(request: web.Request) -> web.Response:
    """Point elsewhere."""
    return web.Response(status=302, headers={"Location": "/echo"})


async def long(request: web.Request) -> web.StreamResponse:
    """Send more than anybody wants."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    part = bytes(1_000_000)
    for _ in range(MAX_BODY_BYTES // len(part) + 1):
        await answer.write(part)
    return answer


async def broken(request: web.Request) -> web.StreamResponse:
    """Promise a body and hang up."""
    answer = web.StreamResponse(headers={"Content-Length": "100"})
    await answer.prepare(request)
    assert request.transport is not None
    request.transport.close()
    return answer


async def silent(request: web.Request) -> web.Response:
    """Never answer."""
    await asyncio.Event().wait()
    return web.Response()


@pytest_asyncio.fixture
async def base() -> AsyncIterator[str]:
    """The URL of a server that behaves in every way."""
    app = web.Application()
    for handler in (echo, cookies, redirect, long, broken, silent):
        app.router.add_route("*", f"/{handler.__name__}{{rest:.*}}", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


@pytest_asyncio.fixture
async def http() -> AsyncIterator[AiohttpHttp]:
    """The adapter, with a pool of its own."""
    made = AiohttpHttp()
    yield made
    await made.aclose()


async def test_any_status_is_an_answer(http: AiohttpHttp, base: str) -> None:
    """Status, headers in lower case and the whole body come back as they are."""
    answer = await http.request(
        "POST", f"{base}echo?a=b", headers={"X-App-Key": "k"}, body=BODY
    )

    assert answer.status == 409
    assert answer.headers["x-request-id"] == "r1"
    assert b'"key": "k"' in answer.body
    assert b'"method": "POST"' in answer.body


async def test_encoded_path_segments_arrive_encoded(
    http: AiohttpHttp, base: str
) -> None:
    """A slash or a space in a name stays part of the name (L24)."""
    answer = await http.request("GET", f"{base}echo/a%2Fb%20c", headers={})

    assert b"/echo/a%2Fb%20c" in answer.body


async def test_redirects_are_not_followed(http: AiohttpHttp, base: str) -> None:
    """Credentials go where they were sent, and nowhere else."""
    assert (await http.request("GET", f"{base}redirect", headers={})).status == 302


async def test_endless_answer_is_refused(http: AiohttpHttp, base: str) -> None:
    """A body over the limit is the peer's fault, before it fills the memory."""
    with pytest.raises(RemoteProtocolError, match="8000000"):
        await http.request("GET", f"{base}long", headers={})


async def test_broken_answer_may_have_been_served(http: AiohttpHttp, base: str) -> None:
    """A connection that breaks after the request is no `ConnectError`."""
    with pytest.raises(TransportError) as raised:
        await http.request("POST", f"{base}broken", headers={}, body=BODY)

    assert not isinstance(raised.value, ConnectError)
    assert raised.value.retryable


async def test_silence_is_a_timeout(base: str) -> None:
    """No answer within the limit is a timeout, also for `except TimeoutError`."""
    http = AiohttpHttp(timeout=0.05)
    with pytest.raises(TransportTimeoutError, match=r"within 0\.05 s"):
        await http.request("GET", f"{base}silent", headers={})
    await http.aclose()


async def test_nobody_there_was_asked_nothing(http: AiohttpHttp) -> None:
    """A refused connection says where, with the remedy, without what is secret."""
    url = "http://user:secret@127.0.0.1:1/api?token=eyJ"
    with pytest.raises(ConnectError, match="is the engine running there") as raised:
        await http.request("GET", url, headers={})

    assert "http://127.0.0.1:1:" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "eyJ" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["nonsense", "", "http://", "ftp://host/x", "/api", "http://a..b/"]
)
async def test_no_url_is_an_argument_error(http: AiohttpHttp, url: str) -> None:
    """What is no URL of an engine is the caller's to mend."""
    with pytest.raises(InvalidArgumentError, match="http://"):
        await http.request("GET", url, headers={})


async def test_given_pool_stays_open(base: str) -> None:
    """Closing frees what is ours; a session that was given is its giver's."""
    async with aiohttp.ClientSession() as session:
        http = AiohttpHttp(session)
        await http.request("GET", f"{base}echo", headers={})
        await http.aclose()
        await http.aclose()
        with pytest.raises(ClosedError):
            await http.request("GET", f"{base}echo", headers={})

        assert not session.closed


async def test_closed_pool_is_told() -> None:
    """A given session that its giver has closed is the giver's to mend."""
    async with aiohttp.ClientSession() as session:
        http = AiohttpHttp(session)

    with pytest.raises(ClosedError, match="session that was given"):
        await http.request("GET", "http://127.0.0.1:1/", headers={})


@pytest.mark.parametrize("value", ["key\n", "a\r\nb: c", "a\0", "\ud800"])
async def test_unsendable_header_is_an_argument_error(
    http: AiohttpHttp, base: str, value: str
) -> None:
    """A line break, as of a file, is the caller's to mend; the value is not told."""
    with pytest.raises(InvalidArgumentError, match="X-App-Key must be one line") as no:
        await http.request("GET", f"{base}echo", headers={"X-App-Key": value})

    assert value not in str(no.value)


async def test_cookies_are_not_kept(http: AiohttpHttp, base: str) -> None:
    """What an answer sets is not sent with the next request."""
    url = base.replace("127.0.0.1", "localhost") + "cookies"  # jars take no numbers
    first = await http.request("GET", url, headers={})
    again = await http.request("GET", url, headers={})

    assert "kept=1" in first.headers["set-cookie"]
    assert again.body == b"{}"


async def everything(request: web.Request) -> web.Response:
    """Say all that came with a request."""
    return web.json_response(
        {"path": request.raw_path, "headers": dict(request.headers)}, status=404
    )


async def refuse(*_: object) -> None:
    """Fail, as a hook of an app's own may."""
    raise OSError


async def modify(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Add what nobody asked for."""
    request.headers["X-Added"] = "1"
    return await handler(request)


def traces() -> list[aiohttp.TraceConfig]:
    """Traces that fail."""
    config = aiohttp.TraceConfig()
    config.on_request_start.append(refuse)
    return [config]


class Loose(aiohttp.ClientResponse):
    """An answer of an app's own."""

    async def start(self, _: object) -> NoReturn:
        """Fail."""
        raise OSError


SETTINGS: dict[str, Callable[[], object]] = {
    "auth": lambda: aiohttp.BasicAuth("user", "password"),
    "auto_decompress": lambda: False,
    "base_url": lambda: "http://elsewhere.example/api/",
    "cookies": lambda: {"a": "1"},
    "headers": lambda: {"X-Default": "1", "Authorization": "Bearer other"},
    "json_serialize": lambda: refuse,
    "max_field_size": lambda: 1,
    "max_line_size": lambda: 1,
    "middlewares": lambda: [modify],
    "proxy": lambda: "http://127.0.0.1:1",
    "raise_for_status": lambda: True,
    "raise_for_status by a function": lambda: refuse,
    "read_bufsize": lambda: 1,
    "response_class": lambda: Loose,
    "skip_auto_headers": lambda: ["Host", "User-Agent"],
    "timeout": lambda: aiohttp.ClientTimeout(total=1e-9),
    "trace_configs": traces,
    "version": lambda: aiohttp.HttpVersion10,
}


@pytest.mark.filterwarnings("ignore:.*auth:DeprecationWarning")
@pytest.mark.parametrize("name", SETTINGS)
async def test_settings_of_a_given_pool_do_not_count(name: str) -> None:
    """A request is sent and answered as by a pool of our own."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", everything)
    option: dict[str, Any] = {name.partition(" ")[0]: SETTINGS[name]()}
    async with TestServer(app) as server:
        url = f"http://localhost:{server.port}/path"
        pool = aiohttp.ClientSession(**option)
        ours, theirs = AiohttpHttp(), AiohttpHttp(session=pool)

        answers = [
            await each.request("POST", url, headers={"X-App-Key": "k"}, body=BODY)
            for each in (ours, theirs)
        ]

        assert answers[0].status == answers[1].status == 404
        assert answers[0].body == answers[1].body
        await ours.aclose()
        await pool.close()


async def test_a_pool_that_trusts_the_environment_brings_its_proxy_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The proxy is used, and no credentials of .netrc are sent."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login user password secret\n")
    netrc.chmod(0o600)
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", everything)
    async with TestServer(app) as server:
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
        monkeypatch.setenv("no_proxy", "")
        async with aiohttp.ClientSession(trust_env=True) as pool:
            http = AiohttpHttp(session=pool)
            answer = await http.request("GET", "http://engine.example/a", headers={})

    assert b"http://engine.example/a" in answer.body
    assert b"Authorization" not in answer.body.replace(b"Proxy-Authorization", b"")


async def test_the_connector_of_a_given_pool_is_used(base: str) -> None:
    """Its connections are those of the app."""
    async with aiohttp.ClientSession() as pool:
        assert pool.connector is not None
        for http in (AiohttpHttp(session=pool), AiohttpHttp(session=pool)):
            await http.request("GET", f"{base}cookies", headers={})
            await http.aclose()

        assert len(pool.connector._conns) == 1
