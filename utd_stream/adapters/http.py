"""Requests and websockets to the engine, over aiohttp."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from weakref import WeakKeyDictionary, finalize

import aiohttp
from aiohttp.helpers import get_env_proxy_for_url
from yarl import URL

from utd_stream.adapters.websockets import AiohttpWebsocket
from utd_stream.contract.signaling import CLIENT_PING_PERIOD, MAX_FRAME_BYTES
from utd_stream.errors import (
    ClosedError,
    ConnectError,
    InvalidArgumentError,
    RemoteProtocolError,
    TransportError,
    TransportTimeoutError,
    UsageError,
    UTDStreamException,
)
from utd_stream.ports import HttpAnswer

__all__ = ["MAX_BODY_BYTES", "AiohttpHttp"]

# Far more than any answer of the engine; a peer cannot fill the memory.
MAX_BODY_BYTES = 8_000_000

# For the other end to close a websocket, too, in seconds.
# pyright does not see the fields of its old kind of attrs class.
_CLOSED_WITHIN = aiohttp.ClientWSTimeout(
    ws_close=1.0  # pyright: ignore[reportCallIssue]
)
_NO_URL = "this is no URL of an engine: one begins with http:// or https://"

# Control characters but the tab, and halves of characters.
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


# What sends over the connector of a session that was given, by that session.
_senders: WeakKeyDictionary[aiohttp.ClientSession, aiohttp.ClientSession] = (
    WeakKeyDictionary()
)


class AiohttpHttp:
    """`Http` and `Websockets` over a pool of connections of aiohttp.

    Of a session that is given only the connector is used (connections, TLS,
    names, limits), and with its `trust_env` the proxy that the environment
    names.  Its settings of requests do not count: headers, auth, cookies,
    `raise_for_status`, timeouts, `base_url`, `proxy`, middlewares, traces.

    Args:
        session: A pool to use; without one it has its own, made when first
            needed.
        timeout: For a request and its whole answer, in seconds.
        connect_timeout: For the connection alone, in seconds.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession | None = None,
        *,
        timeout: float = 15.0,
        connect_timeout: float = 5.0,
    ) -> None:
        self._session = session
        self._owns_session = session is None
        self._is_closed = False
        self._timeout = aiohttp.ClientTimeout(
            total=timeout, sock_connect=connect_timeout
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> HttpAnswer:
        """Send one request and return the whole answer."""
        where = _origin(url)
        _check_headers(headers)
        try:
            pool = self._pool()
            proxy, proxy_headers = _proxy_of(pool, url)
            async with self._sender(pool).request(
                method,
                url,
                headers=headers,
                data=body,
                proxy=proxy,
                proxy_headers=proxy_headers,
                timeout=self._timeout,
                allow_redirects=False,  # credentials go nowhere else
            ) as response:
                return HttpAnswer(
                    status=response.status,
                    headers={
                        name.lower(): value for name, value in response.headers.items()
                    },
                    body=await _read(response, where),
                )
        except _FAILURES as error:
            raise _translated(error, where, self._timeout.total) from error

    async def connect(self, url: str) -> AiohttpWebsocket:
        """Open a websocket."""
        where = _origin(url)
        try:
            pool = self._pool()
            proxy, proxy_headers = _proxy_of(pool, url)
            opened = await self._sender(pool).ws_connect(
                url,
                proxy=proxy,
                proxy_headers=proxy_headers,
                timeout=_CLOSED_WITHIN,
                heartbeat=CLIENT_PING_PERIOD,
                max_msg_size=MAX_FRAME_BYTES,
            )
        except aiohttp.WSServerHandshakeError as error:
            message = f"{where} opens no signaling socket: it answered {error.status}"
            raise TransportError(message) from error
        except _FAILURES as error:
            raise _translated(error, where, self._timeout.total) from error
        return AiohttpWebsocket(opened)

    async def aclose(self) -> None:
        """Close connections of our own; idempotent."""
        self._is_closed = True
        session, self._session = self._session, None
        if self._owns_session and session is not None:
            await session.close()

    def _pool(self) -> aiohttp.ClientSession:
        if self._is_closed:
            message = "the client is closed; make a new one"
            raise ClosedError(message)
        # In here, since a session is made inside its loop.
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        if self._session.closed:
            message = "the aiohttp session that was given is closed; give an open one"
            raise ClosedError(message)
        # Its public name is deprecated; without it aiohttp fails in riddles.
        loop: object = getattr(self._session, "_loop", None)
        if loop not in {None, asyncio.get_running_loop()}:
            message = (
                "the aiohttp session that was given belongs to another event loop; "
                "make it in the loop that uses it, or call this by "
                "asyncio.run_coroutine_threadsafe(coroutine, loop)"
            )
            raise UsageError(message)
        return self._session

    def _sender(self, pool: aiohttp.ClientSession) -> aiohttp.ClientSession:
        return pool if self._owns_session else _sender_over(pool)


# The last one: a host's name that the rules of names do not allow.
_FAILURES = (aiohttp.ClientError, OSError, UnicodeError)


def _translated(
    error: Exception, where: str, limit: float | None
) -> UTDStreamException:
    """Return what *error* is to whoever asked for something at *where*."""
    match error:
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError() | UnicodeError():
            return InvalidArgumentError(_NO_URL)
        case aiohttp.ClientSSLError():
            message = f"no connection to {where}: its TLS certificate is not taken"
            return ConnectError(message)
        case aiohttp.ConnectionTimeoutError() | aiohttp.ClientConnectorError():
            message = f"no connection to {where}: is the engine running there?"
            return ConnectError(message)
        case TimeoutError():
            message = f"{where} did not answer within {limit or 0:g} s"
            return TransportTimeoutError(message)
        case _:
            message = f"the connection to {where} broke: {type(error).__name__}"
            return TransportError(message)


def _sender_over(pool: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """Return the session without settings that uses the connector of *pool*."""
    sender = _senders.get(pool)
    if sender is None:
        sender = aiohttp.ClientSession(
            connector=pool.connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        _senders[pool] = sender
        # It owns nothing that would have to be closed.
        finalize(pool, sender.detach).atexit = False
    return sender


def _proxy_of(
    pool: aiohttp.ClientSession, url: str
) -> tuple[URL | None, Mapping[str, str]]:
    # Not by the sender's own trust_env, which would also read .netrc and send
    # its credentials.
    if not pool.trust_env:
        return None, {}
    try:
        proxy, auth = get_env_proxy_for_url(URL(url))
    except LookupError:
        return None, {}
    return proxy, {} if auth is None else {"Proxy-Authorization": auth.encode()}


def _origin(url: str) -> str:
    """Return the part of *url* that holds no secrets."""
    with suppress(ValueError):
        return str(URL(url).origin())
    raise InvalidArgumentError(_NO_URL)


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if _UNSENDABLE.search(value):
            message = f"{name} must be one line of text; strip what was read of a file"
            raise InvalidArgumentError(message)


async def _read(response: aiohttp.ClientResponse, where: str) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > MAX_BODY_BYTES:
            message = f"{where} answered with more than {MAX_BODY_BYTES} bytes"
            raise RemoteProtocolError(message)
    return bytes(body)
