"""A server that answers what a test has written down, and notes what was asked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import attrs
import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.http import AiohttpHttp
from utd_stream.client._rest import Rest
from utd_stream.ports import Clock, Http

__all__ = [
    "HANG_UP",
    "SILENCE",
    "Asked",
    "Engine",
    "Page",
    "PromptClock",
    "refusal",
]

HANG_UP = "hang up"  # close the connection without an answer
SILENCE = "silence"  # never answer


@attrs.frozen
class Page:
    """What something else than the engine answers."""

    status: int
    body: bytes = b"<html>Bad Gateway</html>"
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])


_Line: TypeAlias = "tuple[int, Any] | Page | str"


def refusal(status: int, code: str) -> tuple[int, Any]:
    """An error as the engine answers it."""
    body = {"code": code, "message": f"no: {code}", "request_id": "r1"}
    return status, body


@attrs.frozen
class Asked:
    """One request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def key(self) -> str | None:
        """Its Idempotency-Key."""
        return self.headers.get("Idempotency-Key")


class PromptClock(AsyncioClock):
    """Time as it is, but nobody has to wait for it."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Note how long it would have been."""
        self.slept.append(seconds)
        await asyncio.sleep(0)


class CountingLuck:
    """The `Luck` port, foreseeable."""

    def __init__(self) -> None:
        self.drawn = 0

    def fraction(self) -> float:
        """Return a half."""
        return 0.5

    def token(self) -> str:
        """Return the next key."""
        self.drawn += 1
        return f"key-{self.drawn}"


class Engine:
    """Answers by its script; after its end with the last line again."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.clock = PromptClock()
        self.url = ""
        self.comes: Callable[[], None] = lambda: None
        self._script: deque[_Line] = deque()
        self._http = AiohttpHttp()

    def answers(self, *lines: _Line) -> None:
        """Set what is answered, one line a request."""
        self._script = deque(lines)

    def rest(
        self, *, clock: Clock | None = None, http: Http | None = None, **settings: Any
    ) -> Rest:
        """A client of this engine."""
        given: dict[str, Any] = {
            "base_url": self.url,
            "token_base_url": self.url,
            "app_id": "app",
            "app_key": "key",
            "timeout": 5.0,
            **settings,
        }
        return Rest(
            http=http or self._http,
            clock=clock or self.clock,
            luck=CountingLuck(),
            **given,
        )

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Engine]:
        """Serve on a free port."""
        engine = cls()
        app = web.Application()
        app.router.add_route("*", "/{anything:.*}", engine._serve)
        async with TestServer(app) as server:
            engine.url = str(server.make_url("/"))
            yield engine
            await engine._http.aclose()

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = dict(request.headers)
        self.asked.append(Asked(request.method, request.raw_path, headers, body))
        line = self._script[0] if len(self._script) == 1 else self._script.popleft()
        self.comes()
        if line == SILENCE:
            await asyncio.Event().wait()
        if line == HANG_UP:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if isinstance(line, Page):
            return web.Response(
                status=line.status, body=line.body, headers=line.headers
            )
        assert not isinstance(line, str)
        status, said = line
        text = said if isinstance(said, bytes) else orjson.dumps(said)
        return web.Response(status=status, body=text, headers={"X-Request-Id": "r1"})
