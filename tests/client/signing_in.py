"""Clients that sign in at an engine in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest_asyncio

from tests.engine.house import OPEN, SHUT, House, open_house
from tests.patience import patiently
from utd_stream.adapters.http import AiohttpHttp
from utd_stream.adapters.luck import SystemLuck
from utd_stream.client._rest import Rest
from utd_stream.client._sign_in import SessionProvider, SignIn
from utd_stream.client.api import UTDApi
from utd_stream.engine.config import App
from utd_stream.errors import ConnectError
from utd_stream.ports import HttpAnswer
from utd_stream.wire import bearer_expiry

__all__ = ["HOUR", "Somebody", "ann", "house", "provider_of", "somebody"]


HOUR = 3600.0


class Line(AiohttpHttp):
    """The way to the engine; it can be cut, and notes what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.cut_for: set[str] = set()
        self.emptied: set[str] = set()
        self.asked: list[str] = []

    async def request(self, method: str, url: str, **given: Any) -> HttpAnswer:
        """Ask, unless the line is cut."""
        word = url.partition("?")[0].rpartition("/")[2]
        self.asked.append(word)
        if word in self.cut_for:
            message = "the line is cut"
            raise ConnectError(message)
        answer = await super().request(method, url, **given)
        if word in self.emptied:
            return attrs.evolve(answer, body=b'{"user_token": ""}')
        return answer


class Somebody:
    """A client that signs in."""

    def __init__(
        self, house: House, app: App, provider: SessionProvider | None
    ) -> None:
        self.house = house
        self.line = Line()
        self.rest = Rest(
            http=self.line,
            clock=house.clock,
            luck=SystemLuck(),
            base_url=house.url,
            token_base_url=house.url,
            app_id=app.id,
            app_key=app.key if provider is None else None,
            timeout=1e6,
        )
        self.api = UTDApi(self.rest)
        self.sign_in = SignIn(
            self.rest, self.api, house.clock, provider, can_mint=provider is None
        )

    async def signs_in(self, identity: str = "ann") -> str:
        """Sign in as somebody."""
        self.sign_in.claim(identity)
        return await self.sign_in.authenticate(identity, "Ann", "phone")

    async def after(self, seconds: float) -> None:
        """Let time pass, and what it sets off run."""
        await self.house.clock.advance(seconds)

    async def sleeps(self, seconds: float) -> None:
        """Let time pass as over a closed laptop: nothing here runs."""
        renewing = self.sign_in._renewing
        assert renewing is not None
        renewing.cancel()
        await self.after(seconds)
        self.line.asked.clear()

    async def renewed(self, old: str | None) -> str:
        """Wait for another bearer than *old*, no longer than a moment."""
        async with patiently(10):
            while self.rest.bearer == old:
                await self.house.clock.settle()
        return self.rest.bearer or ""

    @property
    def who(self) -> str | None:
        """Who the client is now."""
        return self.sign_in.identity

    @property
    def ends_in(self) -> float:
        """How long the bearer in use is good, in seconds."""
        ends_at = bearer_expiry(self.rest.bearer or "")
        assert ends_at is not None
        return (ends_at - self.house.clock.now()).total_seconds()


@asynccontextmanager
async def somebody(
    house: House, app: App = OPEN, provider: SessionProvider | None = None
) -> AsyncIterator[Somebody]:
    """A client that is closed at the end."""
    made = Somebody(house, app, provider)
    yield made
    await made.sign_in.aclose()
    await made.line.aclose()


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    """An engine in memory."""
    async with open_house() as made:
        yield made


@pytest_asyncio.fixture
async def ann(house: House) -> AsyncIterator[Somebody]:
    """A client of an app whose key signs anybody in."""
    async with somebody(house) as made:
        yield made


def provider_of(house: House, calls: list[str]) -> SessionProvider:
    """A back end that mints bearers with its secret."""

    async def provide(identity: str) -> str:
        calls.append(identity)
        token, _ = house.services.tokens.make(
            SHUT.id, identity, name=None, device_id=None
        )
        return token

    return provide
