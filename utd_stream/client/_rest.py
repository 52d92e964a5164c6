"""One request to the engine: address, credentials, retries, errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import attrs

from utd_stream.client._answers import read_answer
from utd_stream.client._retries import Tries
from utd_stream.contract.endpoints import Endpoint, Who
from utd_stream.errors import (
    InvalidArgumentError,
    TransportTimeoutError,
    UnauthenticatedError,
    UTDStreamException,
)
from utd_stream.ports import Clock, Http, HttpAnswer, Luck
from utd_stream.wire import encode

__all__ = ["Call", "Rest"]

_R = TypeVar("_R")
_A = TypeVar("_A")

_FOLDED = frozenset({"", ".", ".."})


@attrs.frozen(kw_only=True)
class Call:
    """What one request says beside its body.

    Attributes:
        path: Values of the path's names, not yet encoded.
        query: Of the address.
        if_match: Refuse unless the grid has this revision.
        key: Idempotency-Key; None draws one.
        void: Take back the request with that key.
        as_app: Show the app's key, where there is one, and no bearer.
    """

    path: Mapping[str, str | int] = attrs.field(factory=dict[str, "str | int"])
    query: Mapping[str, str | int] = attrs.field(factory=dict[str, "str | int"])
    if_match: int | None = None
    key: str | None = None
    void: bool = False
    as_app: bool = False


class Rest:
    """Requests of one app to one engine, on behalf of one user.

    Args:
        http: Sends them.
        clock: Waits between tries.
        luck: Draws idempotency keys and jitter.
        base_url: Of the engine.
        token_base_url: Of the engine that mints, where that is another one.
        app_id: Whose requests they are.
        app_key: Publishable; sent only where no bearer is held yet.
        timeout: For one try, and for all pauses between the tries, in seconds.

    Attributes:
        bearer: The user token in use.
        renew: Gets a newer one; says whether it could.
    """

    def __init__(  # noqa: PLR0913 -- ports and addresses
        self,
        *,
        http: Http,
        clock: Clock,
        luck: Luck,
        base_url: str,
        token_base_url: str,
        app_id: str,
        app_key: str | None,
        timeout: float,
    ) -> None:
        self._http = http
        self._clock = clock
        self._luck = luck
        self._base_url = base_url.rstrip("/")
        self._token_base_url = token_base_url.rstrip("/")
        self._app_id = app_id
        self._app_key = app_key
        self._timeout = timeout
        self.bearer: str | None = None
        self.renew: Callable[[], Awaitable[bool]] | None = None

    def new_key(self) -> str:
        """Return an idempotency key nobody used before."""
        return self._luck.token()

    async def call(
        self,
        endpoint: Endpoint[_R, _A],
        body: _R | None = None,
        call: Call | None = None,
    ) -> _A:
        """Ask the engine, and ask again where that may help.

        After a transport fault, or an answer of something else than the engine,
        the same request is sent again with the same key; the engine serves it
        once.  The client waits as long as a Retry-After says, while all pauses
        together stay below the timeout.  An expired bearer is renewed once.

        Raises:
            EngineError: If the engine says no.
            TransportError: If no try got an answer of the engine.
            RemoteProtocolError: If the answer cannot be read.
        """
        call = call or Call()
        request = self._request(endpoint, body, call)
        tries, is_renewed = Tries(), False
        while True:
            try:
                answer = await self._try(request)
                now = self._clock.now()
                return read_answer(endpoint, answer, origin=request.origin, now=now)
            except UTDStreamException as error:
                failed = error
            if isinstance(failed, UnauthenticatedError) and not is_renewed:
                is_renewed = await self._is_renewed(endpoint, call)
                if is_renewed:
                    headers = self._headers(endpoint, call, request.key)
                    request = attrs.evolve(request, headers=headers)
                    continue
            tries = tries.after(failed)
            luck = self._luck.fraction()
            pause = tries.pause(failed, limit=self._timeout, luck=luck)
            if pause is None:
                raise tries.outcome(failed)
            tries = attrs.evolve(tries, waited=tries.waited + pause)
            await self._clock.sleep(pause)

    async def _is_renewed(self, endpoint: Endpoint[Any, Any], call: Call) -> bool:
        # What renews a bearer must not wait for its own renewal.
        if call.as_app or endpoint.who is Who.BEARER:
            return False
        if self.bearer is None or self.renew is None:
            return False
        return await self.renew()

    async def _try(self, request: _Request) -> HttpAnswer:
        try:
            async with self._clock.timeout(self._timeout):
                return await self._http.request(
                    request.method,
                    request.url,
                    headers=request.headers,
                    body=request.body,
                )
        except TransportTimeoutError:
            raise
        except TimeoutError:
            message = (
                f"no answer from the engine within {self._timeout:g} s; "
                "is it running, and is base_url right?"
            )
        raise TransportTimeoutError(message)

    def _request(
        self, endpoint: Endpoint[_R, Any], body: _R | None, call: Call
    ) -> _Request:
        if call.void and call.key is None:
            message = "void takes back a request: give the key that it had"
            raise InvalidArgumentError(message)
        mints = endpoint.who in {Who.APP, Who.BEARER}
        base = self._token_base_url if mints else self._base_url
        path = endpoint.full_path.format_map(
            {name: _segment(name, value) for name, value in call.path.items()}
        )
        query = "?" + urlencode(call.query) if call.query else ""
        key = call.key or self.new_key() if endpoint.is_write else None
        return _Request(
            origin=base,
            method=endpoint.method,
            url=base + path + query,
            headers=self._headers(endpoint, call, key),
            body=None if body is None else _encoded(body),
            key=key,
        )

    def _headers(
        self, endpoint: Endpoint[Any, Any], call: Call, key: str | None
    ) -> dict[str, str]:
        headers = {"X-App-Id": self._app_id, "Accept": "application/json"}
        app_key = self._app_key if endpoint.who is Who.APP else None
        if self.bearer is not None and not (call.as_app and app_key is not None):
            headers["Authorization"] = f"Bearer {self.bearer}"
        elif app_key is not None:
            headers["X-App-Key"] = app_key
        if endpoint.request is not None:
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = key
        if call.void:
            headers["Idempotency-Void"] = "true"
        if call.if_match is not None:
            headers["If-Match"] = str(call.if_match)
        return headers


@attrs.frozen(kw_only=True)
class _Request:
    origin: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    key: str | None


def _segment(name: str, value: str | int) -> str:
    text = str(value)
    if text in _FOLDED:
        message = f"{name} must not be {text!r}: it would change the path"
        raise InvalidArgumentError(message)
    try:
        return quote(text, safe="")
    except UnicodeEncodeError as error:
        message = f"{name} is not valid Unicode"
        raise InvalidArgumentError(message) from error


def _encoded(body: object) -> bytes:
    try:
        return encode(body)
    except TypeError as error:  # halves of characters, numbers beyond 64 bits
        message = f"the request cannot be written as JSON: {error}"
        raise InvalidArgumentError(message) from error
