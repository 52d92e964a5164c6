"""Who is signed in, by the app's key or by its own back end."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from tests.client.signing_in import HOUR, Somebody, ann, house, provider_of, somebody
from tests.engine.house import SHUT, House
from utd_stream.errors import (
    BannedError,
    FeatureDisabledError,
    InvalidArgumentError,
    NotFoundError,
    RemoteProtocolError,
    TransportError,
)

__all__ = ["ann", "house"]

pytestmark = pytest.mark.virtual_time


async def test_signing_in_attaches_the_bearer(ann: Somebody) -> None:
    """It is returned, used from now on, and names who, as what, on which device."""
    token = await ann.signs_in()

    claims = ann.house.services.tokens.read(token)
    assert ann.rest.bearer == token
    assert (claims.identity, claims.name, claims.device_id) == ("ann", "Ann", "phone")


async def test_signing_in_without_a_bearer_fails(ann: Somebody) -> None:
    """It is told, and nothing is attached."""
    ann.line.emptied = {"session"}
    signing_in = asyncio.create_task(ann.signs_in())
    while not signing_in.done():
        await ann.after(1)

    with pytest.raises(RemoteProtocolError):
        await signing_in

    assert ann.rest.bearer is None


async def test_a_key_that_may_not_sign_in_says_so(house: House) -> None:
    """The app's setting is told, and nobody is signed in."""
    async with somebody(house, SHUT) as ann:
        with pytest.raises(FeatureDisabledError):
            await ann.signs_in()

        assert ann.rest.bearer is None


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
