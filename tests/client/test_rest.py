"""One request to the engine: address, credentials, retries, errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import pytest_asyncio
from aiohttp.test_utils import unused_port
from hypothesis import given
from hypothesis import strategies as st

from tests.client.engine_script import HANG_UP, SILENCE, Engine, refusal
from tests.engine.manual_clock import ManualClock
from utd_stream.adapters.http import AiohttpHttp
from utd_stream.adapters.luck import SystemLuck
from utd_stream.client._rest import Call, Rest
from utd_stream.contract import ENDPOINTS, Endpoint
from utd_stream.contract import requests as r
from utd_stream.contract.fields import Identity, RoomName, SeatIndex
from utd_stream.errors import (
    ConflictError,
    ConnectError,
    InvalidArgumentError,
    RemoteProtocolError,
    TransportError,
    TransportTimeoutError,
    UnauthenticatedError,
)
from utd_stream.models.rooms import UTDStreamType
from utd_stream.testing.models import names
from utd_stream.wire import decode_json, decode_request

OF: dict[str, Endpoint[Any, Any]] = {endpoint.name: endpoint for endpoint in ENDPOINTS}
GRID = (200, {"rev": 1, "grid": {}})
ROOM = Call(path={"room": "lounge", "index": 1})
MINT = r.TokenRequest(
    type=UTDStreamType.AUDIO_ROOM,
    room_name=RoomName("lounge"),
    identity=Identity("ann"),
)
TOKEN = (200, {"token": "t", "url": "u", "roomName": "lounge", "user_token": "b"})
# 0.2 s and 0.6 s, and half of each by luck.
PAUSES = [0.2 * 1.5, 0.6 * 1.5]


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    """A server with a script."""
    async with Engine.running() as running:
        yield running


async def leave_seat(rest: Rest, call: Call = ROOM) -> Any:
    """A write."""
    return await rest.call(OF["leave_seat"], r.ActRequest(), call)


# Retries.


async def test_a_write_is_repeated_with_its_key(engine: Engine) -> None:
    """After a transport fault, with a pause that grows, and the same key."""
    engine.answers(HANG_UP, HANG_UP, GRID)

    answer = await leave_seat(engine.rest())

    assert answer.rev == 1
    assert [asked.key for asked in engine.asked] == ["key-1"] * 3
    assert len({asked.body for asked in engine.asked}) == 1
    assert engine.clock.slept == pytest.approx(PAUSES)


async def test_every_write_has_a_key_of_its_own(engine: Engine) -> None:
    """Unless the caller brings one, to ask the same again."""
    engine.answers(GRID)
    rest = engine.rest()

    await leave_seat(rest)
    await leave_seat(rest)
    await leave_seat(rest, Call(path=ROOM.path, key="mine"))

    assert [asked.key for asked in engine.asked] == ["key-1", "key-2", "mine"]


async def test_three_tries_are_enough(engine: Engine) -> None:
    """Then the fault is the caller's to see."""
    engine.answers(HANG_UP)

    with pytest.raises(TransportError):
        await leave_seat(engine.rest())

    assert len(engine.asked) == 3


async def test_a_read_is_repeated_without_a_key(engine: Engine) -> None:
    """Asking changes nothing."""
    engine.answers(HANG_UP, (200, {}))

    await engine.rest().call(OF["get_seats"], None, ROOM)

    assert [asked.key for asked in engine.asked] == [None, None]


async def test_a_mint_is_repeated_without_a_key(engine: Engine) -> None:
    """A second mint gives a newer token and changes nothing else."""
    engine.answers(HANG_UP, TOKEN)

    await engine.rest().call(OF["create_token"], MINT)

    assert [asked.key for asked in engine.asked] == [None, None]


async def test_a_refresh_is_not_repeated(engine: Engine) -> None:
    """Whoever renews a bearer tries again by itself, later."""
    engine.answers(HANG_UP)

    with pytest.raises(TransportError):
        await engine.rest().call(OF["refresh_session"])

    assert len(engine.asked) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(409, "seat_taken"), (429, "rate_limited"), (503, "unavailable"), (500, "x")],
)
async def test_an_answer_is_not_asked_for_again(
    engine: Engine, status: int, code: str
) -> None:
    """The engine has said no; whether later it says yes is the caller's question."""
    engine.answers(refusal(status, code))

    with pytest.raises(Exception, match=f"no: {code}") as caught:
        await leave_seat(engine.rest())

    assert getattr(caught.value, "code", None) == code
    assert len(engine.asked) == 1


async def test_refusals_are_raised_by_class(engine: Engine) -> None:
    """With the engine's message, status and request id (L23)."""
    engine.answers(refusal(409, "seat_taken"))

    with pytest.raises(ConflictError) as caught:
        await leave_seat(engine.rest())

    error = caught.value
    assert (error.status_code, error.request_id) == (409, "r1")
    assert str(error) == "no: seat_taken"


async def test_a_refused_connection_says_so() -> None:
    """After three tries, by class."""
    http = AiohttpHttp()
    url = f"http://127.0.0.1:{unused_port()}"
    rest = Rest(
        http=http,
        clock=Engine().clock,
        luck=SystemLuck(),
        base_url=url,
        token_base_url=url,
        app_id="app",
        app_key=None,
        timeout=5.0,
    )

    with pytest.raises(ConnectError, match="is the engine running"):
        await leave_seat(rest)

    await http.aclose()


async def test_each_try_has_its_time(engine: Engine) -> None:
    """A silent engine is asked three times, then the error names the remedy."""
    clock, came = ManualClock(), asyncio.Event()
    engine.answers(SILENCE)
    engine.comes = came.set
    asking = asyncio.ensure_future(leave_seat(engine.rest(clock=clock, timeout=7.0)))

    for pause in (*PAUSES, 0.0):
        await came.wait()
        came.clear()
        await clock.advance(6.99)
        assert not asking.done()
        await clock.advance(0.01 + pause)
    with pytest.raises(TransportTimeoutError, match="within 7 s"):
        await asking

    assert len({asked.key for asked in engine.asked}) == 1
    assert len(engine.asked) == 3


async def test_an_adapter_may_have_a_shorter_time(engine: Engine) -> None:
    """Its own timeout comes through as it is."""
    engine.answers(SILENCE)
    http = AiohttpHttp(timeout=0.01)

    with pytest.raises(TransportTimeoutError, match=r"within 0\.01 s"):
        await leave_seat(engine.rest(http=http))

    await http.aclose()


# Credentials.


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


AS_APP = Call(as_app=True)


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


# Addresses.


@pytest.mark.parametrize("name", ["room", "identity"])
@pytest.mark.parametrize("value", ["..", ".", ""])
async def test_a_name_that_would_change_the_path_is_refused(
    engine: Engine, name: str, value: str
) -> None:
    """Before anything is asked: clients fold it out of the path."""
    path = {"room": "lounge", "identity": "ann", name: value}

    with pytest.raises(InvalidArgumentError, match=f"{name} must not be"):
        await engine.rest().call(OF["get_participant"], None, Call(path=path))

    assert engine.asked == []


def addressed(path: dict[str, str | int]) -> str:
    """The path of a request about somebody."""
    rest = Engine().rest(base_url="http://engine")
    request = rest._request(OF["get_participant"], None, Call(path=path))
    return urlsplit(request.url).path


@given(room=names().filter("..".__ne__), identity=names())
def test_names_are_encoded_in_paths(room: str, identity: str) -> None:
    """A slash, a percent sign, an emoji: one segment each, read as it was (L24)."""
    parts = addressed({"room": room, "identity": identity}).split("/")

    assert len(parts) == 7
    assert (unquote(parts[4]), unquote(parts[6])) == (room, identity)
    assert all(part.isascii() for part in parts)


@pytest.mark.parametrize("name", ["a/b", "a%2Fb", "a?b#c", "🎤", "a b", "...", "a+b"])
async def test_names_arrive_as_they_are(engine: Engine, name: str) -> None:
    """Also through a real HTTP client, which mends nothing (L24)."""
    engine.answers((200, {"identity": name}))
    path = {"room": "lounge", "identity": name}

    await engine.rest().call(OF["get_participant"], None, Call(path=path))

    segment = engine.asked[0].path.rpartition("/")[2]
    assert unquote(segment) == name
    assert "/" not in segment


async def test_mints_may_have_an_engine_of_their_own(engine: Engine) -> None:
    """Two addresses, with or without a slash at the end."""
    rest = engine.rest(
        base_url=engine.url + "rooms/", token_base_url=engine.url + "mint//"
    )
    engine.answers(TOKEN)
    await rest.call(OF["create_token"], MINT)
    engine.answers(GRID)
    await leave_seat(rest)

    assert [asked.path for asked in engine.asked] == [
        "/mint/api/v1/token",
        "/rooms/api/v1/rooms/lounge/seats/leave",
    ]


async def test_pages_are_asked_for_in_the_query(engine: Engine) -> None:
    """The path stays, the query says which page."""
    engine.answers((200, {"data": [], "pagination": PAGE}))
    call = Call(path=ROOM.path, query={"page": 2, "per_page": 50})

    await engine.rest().call(OF["list_participants"], None, call)

    path = engine.asked[0].path
    assert path == "/api/v1/rooms/lounge/participants?page=2&per_page=50"


PAGE = {"page": 2, "per_page": 50, "total": 0, "total_pages": 0}


# Bodies.


async def test_bodies_are_json_and_said_to_be(engine: Engine) -> None:
    """A write has its body; a read has none and says nothing of one."""
    engine.answers(GRID)
    rest = engine.rest()
    await rest.call(OF["move_seat"], r.MoveRequest(target_seat=SeatIndex(3)), ROOM)
    engine.answers((200, {}))
    await rest.call(OF["get_seats"], None, ROOM)

    write, read = engine.asked
    body = decode_request(r.MoveRequest, decode_json(write.body))
    assert body == r.MoveRequest(target_seat=SeatIndex(3))
    assert write.headers["Content-Type"] == "application/json"
    assert (read.body, "Content-Type" in read.headers) == (b"", False)


async def test_a_revision_can_be_asked_for(engine: Engine) -> None:
    """If-Match is sent when it was given, 0 as well."""
    engine.answers(GRID)
    rest = engine.rest()

    for revision in (0, 12, None):
        await leave_seat(rest, Call(path=ROOM.path, if_match=revision))

    assert [a.headers.get("If-Match") for a in engine.asked] == ["0", "12", None]


@pytest.mark.parametrize("said", [b"<html>", b"", b"[]", b'{"rev": "1"}'], ids=repr)
async def test_an_unreadable_answer_is_theirs(engine: Engine, said: bytes) -> None:
    """A typed error, and no second try: it may have been served."""
    engine.answers((200, said))

    with pytest.raises(RemoteProtocolError):
        await leave_seat(engine.rest())

    assert len(engine.asked) == 1


async def test_an_answer_without_a_model_is_json(engine: Engine) -> None:
    """The description of the API comes as it is."""
    engine.answers((200, {"openapi": "3.1.0"}))

    assert await engine.rest().call(OF["openapi"]) == {"openapi": "3.1.0"}


@given(count=st.integers(2, 20))
def test_keys_are_drawn(count: int) -> None:
    """From luck, so that nobody guesses or repeats one."""
    rest = Engine().rest()

    assert len({rest.new_key() for _ in range(count)}) == count
