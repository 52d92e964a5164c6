"""What a request shows, and how an expired bearer is renewed."""

from __future__ import annotations

import pytest

from tests.client.asking import GRID, MINT, OF, TOKEN, engine, leave_seat
from tests.client.engine_script import Engine, refusal
from utd_stream.client._rest import Call, Rest
from utd_stream.contract import requests as r
from utd_stream.contract.fields import Identity
from utd_stream.errors import UnauthenticatedError

__all__ = ["engine"]


AS_APP = Call(as_app=True)


async def test_the_key_opens_mints_only(engine: Engine) -> None:
    """It is sent where no bearer is held, and nowhere else."""
    rest = engine.rest()
    engine.answers(TOKEN)
    await rest.call(OF["create_token"], MINT)
    engine.answers(GRID)
    await leave_seat(rest)
    engine.answers(TOKEN)
    rest.bearer = "mine"
    await rest.call(OF["create_token"], MINT)

    shown = [
        (asked.headers.get("X-App-Key"), asked.headers.get("Authorization"))
        for asked in engine.asked
    ]
    assert shown == [("key", None), (None, None), (None, "Bearer mine")]
    assert {asked.headers["X-App-Id"] for asked in engine.asked} == {"app"}


async def test_an_app_without_a_key_sends_none(engine: Engine) -> None:
    """Its own back end mints."""
    engine.answers(TOKEN)

    await engine.rest(app_key=None).call(OF["create_token"], MINT)

    assert "X-App-Key" not in engine.asked[0].headers


async def renewed(rest: Rest, *, works: bool = True) -> list[str]:
    """Let *rest* hold an old bearer that can, or cannot, be renewed."""
    calls: list[str] = []

    async def renew() -> bool:
        calls.append("renew")
        if works:
            rest.bearer = "new"
        return works

    rest.bearer, rest.renew = "old", renew
    return calls


async def test_an_expired_bearer_is_renewed_once(engine: Engine) -> None:
    """The same request goes out again, same key, with the new bearer."""
    rest = engine.rest()
    calls = await renewed(rest)
    engine.answers(refusal(401, "unauthenticated"), GRID)

    await leave_seat(rest)

    assert calls == ["renew"]
    assert [a.headers["Authorization"] for a in engine.asked] == [
        "Bearer old",
        "Bearer new",
    ]
    assert len({asked.key for asked in engine.asked}) == 1


async def test_a_second_refusal_of_a_bearer_is_final(engine: Engine) -> None:
    """No loop: once renewed, a 401 is an error."""
    rest = engine.rest()
    calls = await renewed(rest)
    engine.answers(refusal(401, "unauthenticated"))

    with pytest.raises(UnauthenticatedError):
        await leave_seat(rest)

    assert (calls, len(engine.asked)) == (["renew"], 2)


async def test_a_bearer_that_cannot_be_renewed_is_an_error(engine: Engine) -> None:
    """Asking again with the same one would be no use."""
    rest = engine.rest()
    await renewed(rest, works=False)
    engine.answers(refusal(401, "unauthenticated"))

    with pytest.raises(UnauthenticatedError):
        await leave_seat(rest)

    assert len(engine.asked) == 1


async def test_what_renews_is_not_renewed(engine: Engine) -> None:
    """Neither a refused refresh, nor a sign-in, nor a request without a bearer."""
    rest = engine.rest()
    calls = await renewed(rest)
    engine.answers(refusal(401, "unauthenticated"))

    for name, body, call in (
        ("refresh_session", None, Call()),
        ("create_session", r.SessionRequest(identity=Identity("ann")), AS_APP),
    ):
        with pytest.raises(UnauthenticatedError):
            await rest.call(OF[name], body, call)
    rest.bearer = None
    with pytest.raises(UnauthenticatedError):
        await leave_seat(rest)

    assert (calls, len(engine.asked)) == ([], 3)


async def test_a_sign_in_shows_the_apps_key(engine: Engine) -> None:
    """An old bearer does not stand in for it, and goes on being used meanwhile."""
    rest = engine.rest()
    rest.bearer = "old"
    engine.answers((200, {"user_token": "new"}))

    body = r.SessionRequest(identity=Identity("ann"))
    await rest.call(OF["create_session"], body, AS_APP)

    headers = engine.asked[0].headers
    assert (headers["X-App-Key"], "Authorization" in headers) == ("key", False)
    assert rest.bearer == "old"
