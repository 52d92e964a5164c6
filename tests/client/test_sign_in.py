"""The bearer that says who is signed in, renewed by itself, against an engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import attrs
import pytest
import pytest_asyncio

from tests.engine.house import OPEN, SHUT, House, open_house
from utd_stream.adapters.http import AiohttpHttp
from utd_stream.adapters.luck import SystemLuck
from utd_stream.client._rest import Rest
from utd_stream.client._sign_in import SessionProvider, SignIn
from utd_stream.client.api import UTDApi
from utd_stream.engine.config import App
from utd_stream.errors import (
    BannedError,
    ConnectError,
    FeatureDisabledError,
    InvalidArgumentError,
    NotFoundError,
    RemoteProtocolError,
    TransportError,
    UnauthenticatedError,
)
from utd_stream.ports import HttpAnswer
from utd_stream.wire import bearer_expiry

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
        word = url.rpartition("/")[2]
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
        async with asyncio.timeout(10):
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


async def test_signing_in_attaches_the_bearer(ann: Somebody) -> None:
    """It is returned, used from now on, and names who, as what, on which device."""
    token = await ann.signs_in()

    claims = ann.house.services.tokens.read(token)
    assert ann.rest.bearer == token
    assert (claims.identity, claims.name, claims.device_id) == ("ann", "Ann", "phone")


@pytest.mark.parametrize("lives", [3, 10])
async def test_a_bearer_is_renewed_before_it_ends(ann: Somebody, lives: int) -> None:
    """With a fifth of its life left, again and again; who and what stay."""
    token = await ann.signs_in()
    for _ in range(lives):
        await ann.after(0.8 * HOUR - 0.001)
        assert ann.rest.bearer == token
        await ann.after(0.001)
        token = await ann.renewed(token)
        assert ann.ends_in == HOUR

    assert ann.line.asked == ["session", *["refresh"] * lives]
    claims = ann.house.services.tokens.read(token)
    assert (claims.identity, claims.name, claims.device_id) == ("ann", "Ann", "phone")


async def test_a_short_bearer_is_renewed_a_second_before_it_ends(
    house: House,
) -> None:
    """A fifth of little is too little."""
    async with somebody(house) as ann:
        await ann.signs_in()
        await ann.after(HOUR * 0.79)  # the engine's own life is an hour
        token = ann.rest.bearer
        left = ann.ends_in
        ann.sign_in.adopt(token or "")
        await ann.after(left - max(left * 0.2, 1.0) - 0.001)
        assert ann.rest.bearer == token
        await ann.after(0.001)
        await ann.renewed(token)


async def test_a_renewal_that_fails_is_tried_again(
    ann: Somebody, caplog: pytest.LogCaptureFixture
) -> None:
    """Every 5 s while the engine is away; the old bearer stays in use."""
    token = await ann.signs_in()
    ann.line.cut_for = {"refresh"}
    with caplog.at_level(logging.WARNING, "utd_stream.client"):
        await ann.after(0.8 * HOUR + 12)
    assert ann.rest.bearer == token
    assert [r.levelname for r in caplog.records] == ["WARNING"] * 3

    ann.line.cut_for = set()
    await ann.after(3)
    await ann.renewed(token)

    assert ann.ends_in == HOUR


async def test_a_bearer_that_has_ended_is_minted_anew(ann: Somebody) -> None:
    """After a long sleep the refresh is refused and the app's key signs in."""
    await ann.signs_in()
    await ann.sleeps(2 * HOUR)

    with pytest.raises(NotFoundError):
        await ann.api.get_room("lounge")

    assert ann.line.asked == ["lounge", "refresh", "session", "lounge"]
    assert ann.ends_in == HOUR


async def test_a_failed_mint_signs_nobody_out(ann: Somebody) -> None:
    """The network goes between the refused refresh and the mint: later it works."""
    token = await ann.signs_in()
    await ann.sleeps(2 * HOUR)
    ann.line.cut_for = {"session"}
    with pytest.raises(UnauthenticatedError):
        await retried(ann, ann.api.get_room("lounge"))
    assert ann.rest.bearer == token

    ann.line.cut_for = set()
    with pytest.raises(NotFoundError):
        await ann.api.get_room("lounge")

    assert ann.ends_in > HOUR - 1


async def retried(ann: Somebody, asking: Any) -> Any:
    """Wait for a request through the pauses between its tries."""
    task = asyncio.ensure_future(asking)
    while not task.done():
        await ann.after(0.1)
    return await task


async def test_an_empty_bearer_replaces_no_good_one(ann: Somebody) -> None:
    """An answer without a token is malformed; the next renewal mends it (L22)."""
    token = await ann.signs_in()
    ann.line.emptied = {"refresh"}
    await ann.after(0.8 * HOUR + 1)
    assert ann.rest.bearer == token

    ann.line.emptied = set()
    await ann.after(5)
    await ann.renewed(token)

    assert ann.ends_in > HOUR - 10


async def test_signing_in_without_a_bearer_fails(ann: Somebody) -> None:
    """It is told at once, and nothing is attached."""
    ann.line.emptied = {"session"}

    with pytest.raises(RemoteProtocolError):
        await ann.signs_in()

    assert ann.rest.bearer is None


async def test_many_refused_at_once_renew_once(ann: Somebody) -> None:
    """They wait for one renewal and use its bearer."""
    await ann.signs_in()
    await ann.sleeps(2 * HOUR)

    asking = [ann.api.get_room("lounge") for _ in range(5)]
    answers = await asyncio.gather(*asking, return_exceptions=True)

    assert [type(answer) for answer in answers] == [NotFoundError] * 5
    assert ann.line.asked.count("refresh") == 1
    assert ann.line.asked.count("session") == 1


async def test_a_key_that_may_not_sign_in_says_so(house: House) -> None:
    """The app's setting is told, and nobody is signed in."""
    async with somebody(house, SHUT) as ann:
        with pytest.raises(FeatureDisabledError):
            await ann.signs_in()

        assert ann.rest.bearer is None


# An app whose own back end mints.


def provider_of(house: House, calls: list[str]) -> SessionProvider:
    """A back end that mints bearers with its secret."""

    async def provide(identity: str) -> str:
        calls.append(identity)
        token, _ = house.services.tokens.make(
            SHUT.id, identity, name=None, device_id=None
        )
        return token

    return provide


async def test_a_provider_mints_once_where_a_bearer_is_wanted(house: House) -> None:
    """Before the first request; a bearer that is held is used."""
    calls: list[str] = []
    async with somebody(house, SHUT, provider_of(house, calls)) as ann:
        await ann.sign_in.prepare("ann")
        await ann.sign_in.prepare("ann")

        assert calls == ["ann"]
        with pytest.raises(NotFoundError):
            await ann.api.get_room("lounge")


async def test_without_a_provider_nothing_is_prepared(ann: Somebody) -> None:
    """The app's key is enough for a mint."""
    await ann.sign_in.prepare("ann")

    assert (ann.rest.bearer, ann.line.asked) == (None, [])


async def test_a_provider_is_asked_again_when_the_refresh_is_refused(
    house: House,
) -> None:
    """A bearer that has ended cannot be exchanged: the back end makes another."""
    calls: list[str] = []
    async with somebody(house, SHUT, provider_of(house, calls)) as ann:
        ann.sign_in.claim("ann")
        await ann.sign_in.prepare("ann")
        await ann.sleeps(2 * HOUR)

        with pytest.raises(NotFoundError):
            await ann.api.get_room("lounge")

    assert calls == ["ann", "ann"]


async def test_a_provider_that_fails_is_told_as_ours(house: House) -> None:
    """Its own error is the cause of one that may be tried again."""

    async def provide(identity: str) -> str:
        raise OSError(identity)

    async with somebody(house, SHUT, provide) as ann:
        with pytest.raises(TransportError, match="session_provider") as failed:
            await ann.sign_in.prepare("ann")

    assert failed.value.retryable
    assert isinstance(failed.value.__cause__, OSError)


@pytest.mark.parametrize("token", ["", None, b"token"], ids=repr)
async def test_a_provider_that_returns_no_token_is_told(
    house: House, token: Any
) -> None:
    """The app's own mistake, by the name of its argument; nothing is attached."""

    async def provide(identity: str) -> str:
        return cast("str", token)

    async with somebody(house, SHUT, provide) as ann:
        with pytest.raises(InvalidArgumentError, match="session_provider"):
            await ann.sign_in.prepare("ann")

        assert ann.rest.bearer is None


async def test_a_refusal_of_the_provider_is_told_as_it_is(house: House) -> None:
    """A back end that uses this package says no with its errors."""

    async def provide(identity: str) -> str:
        raise BannedError(identity)

    async with somebody(house, SHUT, provide) as ann:
        with pytest.raises(BannedError):
            await ann.sign_in.prepare("ann")


async def test_who_cannot_mint_is_told_of_the_end(house: House) -> None:
    """Neither key nor provider: the refusal of the refresh is the answer."""
    async with somebody(house) as ann:
        ann.sign_in._can_mint = False
        await ann.signs_in()
        await ann.sleeps(2 * HOUR)

        with pytest.raises(UnauthenticatedError):
            await ann.api.get_room("lounge")

        assert ann.line.asked == ["lounge", "refresh"]


async def test_a_bearer_nobody_can_read_is_left_alone(ann: Somebody) -> None:
    """A provider's may be of any kind: the engine will say when it ends."""
    ann.sign_in.adopt("opaque")

    await ann.after(10 * HOUR)

    assert ann.rest.bearer == "opaque"
    assert ann.line.asked == []


async def test_a_bearer_that_came_ended_is_renewed_after_a_pause(
    ann: Somebody,
) -> None:
    """A clock that goes wrong sees only ended ones: it makes no storm of renewals."""
    ended = await ann.signs_in()
    await ann.sleeps(2 * HOUR)
    ann.sign_in.adopt(ended)

    await ann.after(4.999)
    assert ann.line.asked == []

    await ann.after(0.001)
    await ann.renewed(ended)
    assert ann.line.asked == ["refresh", "session"]


async def test_one_client_is_one_person(ann: Somebody) -> None:
    """Another identity is an argument error; the same one is not."""
    ann.sign_in.claim("ann")
    ann.sign_in.claim("ann")

    with pytest.raises(InvalidArgumentError, match="make another client"):
        ann.sign_in.claim("bob")

    assert ann.sign_in.identity == "ann"


async def test_who_failed_is_nobody_again(ann: Somebody) -> None:
    """The last claim that is released frees the client, its bearer with it."""
    await ann.signs_in()
    ann.sign_in.claim("ann")
    ann.sign_in.release()
    known = [ann.who]
    ann.sign_in.release()
    known.append(ann.who)
    assert known == ["ann", None]
    assert ann.rest.bearer is None

    await ann.signs_in("bob")
    ann.line.asked.clear()
    await ann.after(0.7 * HOUR)

    assert ann.line.asked == []  # of ann no bearer is renewed
    assert ann.who == "bob"


async def test_who_has_succeeded_once_stays(ann: Somebody) -> None:
    """What fails beside or after it changes nothing."""
    token = await ann.signs_in()
    ann.sign_in.claim("ann")
    ann.sign_in.keep()
    ann.sign_in.release()

    assert (ann.sign_in.identity, ann.rest.bearer) == ("ann", token)
    with pytest.raises(InvalidArgumentError):
        ann.sign_in.claim("bob")


async def test_a_closed_client_renews_no_more(ann: Somebody) -> None:
    """Nothing is asked after the end."""
    await ann.signs_in()
    await ann.sign_in.aclose()

    await ann.after(10 * HOUR)

    assert ann.line.asked == ["session"]


async def test_a_bearer_that_comes_after_the_end_is_not_renewed(ann: Somebody) -> None:
    """A mint may be answered while the client closes; no task is left behind."""
    token = await ann.signs_in()
    await ann.sign_in.aclose()

    ann.sign_in.adopt(token)

    assert ann.sign_in._owner._tasks == {}
    assert ann.rest.bearer == token  # what ends may still be told
