"""A bearer in use is renewed by itself, whatever happens to the way there."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tests.client.signing_in import HOUR, Somebody, ann, house, provider_of, somebody
from tests.engine.house import SHUT, House
from utd_stream.errors import NotFoundError, UnauthenticatedError

__all__ = ["ann", "house"]

pytestmark = pytest.mark.virtual_time


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
    ann: Somebody,
) -> None:
    """A fifth of little is too little."""
    token = await ann.signs_in()
    await ann.sleeps(HOUR - 3)
    ann.sign_in.adopt(token)

    await ann.after(1.999)
    assert ann.line.asked == []

    await ann.after(0.001)
    await ann.renewed(token)


async def test_a_renewal_that_fails_is_tried_again(
    ann: Somebody, caplog: pytest.LogCaptureFixture
) -> None:
    """5 s after three tries, again and again; the old bearer stays in use."""
    token = await ann.signs_in()
    ann.line.cut_for = {"refresh"}
    with caplog.at_level(logging.WARNING, "utd_stream.client"):
        await ann.after(0.8 * HOUR + 12)
    assert ann.rest.bearer == token
    assert [r.levelname for r in caplog.records] == ["WARNING"] * 2

    ann.line.cut_for = set()
    await ann.after(3)
    await ann.renewed(token)

    assert ann.ends_in > HOUR - 4


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


async def test_many_refused_at_once_renew_once(ann: Somebody) -> None:
    """They wait for one renewal and use its bearer."""
    await ann.signs_in()
    await ann.sleeps(2 * HOUR)

    asking = [ann.api.get_room("lounge") for _ in range(5)]
    answers = await asyncio.gather(*asking, return_exceptions=True)

    assert [type(answer) for answer in answers] == [NotFoundError] * 5
    assert ann.line.asked.count("refresh") == 1
    assert ann.line.asked.count("session") == 1


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
