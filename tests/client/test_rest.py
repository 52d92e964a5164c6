"""One request to the engine: its body, its tries, its errors."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp.test_utils import unused_port

from tests.client.asking import GRID, MINT, OF, ROOM, TOKEN, engine, leave_seat
from tests.client.engine_script import HANG_UP, SILENCE, Engine, refusal
from tests.engine.manual_clock import ManualClock
from utd_stream.adapters.http import AiohttpHttp
from utd_stream.adapters.luck import SystemLuck
from utd_stream.client._rest import Call, Rest
from utd_stream.contract import requests as r
from utd_stream.contract.fields import SeatIndex
from utd_stream.errors import (
    ConflictError,
    ConnectError,
    RemoteProtocolError,
    TransportError,
    TransportTimeoutError,
)
from utd_stream.wire import decode_json, decode_request

__all__ = ["engine"]


# 0.2 s and 0.6 s, and half of each by luck.
PAUSES = [0.2 * 1.5, 0.6 * 1.5]


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


@pytest.mark.parametrize("said", [b"[]", b'{"rev": "1"}'], ids=repr)
async def test_an_answer_off_the_contract_is_theirs(
    engine: Engine, said: bytes
) -> None:
    """A typed error that names the place, after the same key was asked thrice."""
    engine.answers((200, said))

    with pytest.raises(RemoteProtocolError) as caught:
        await leave_seat(engine.rest())

    assert caught.value.path.startswith("$")
    assert [asked.key for asked in engine.asked] == ["key-1"] * 3


async def test_an_answer_without_a_model_is_json(engine: Engine) -> None:
    """The description of the API comes as it is."""
    engine.answers((200, {"openapi": "3.1.0"}))

    assert await engine.rest().call(OF["openapi"]) == {"openapi": "3.1.0"}


def test_keys_are_drawn() -> None:
    """From luck, which promises that nobody guesses or repeats one."""
    rest = Engine().rest()

    assert [rest.new_key(), rest.new_key()] == ["key-1", "key-2"]


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


async def test_a_refresh_is_repeated(engine: Engine) -> None:
    """A second one gives a newer bearer and changes nothing else."""
    engine.answers(HANG_UP, (200, {"user_token": "b"}))

    await engine.rest().call(OF["refresh_session"])

    assert len(engine.asked) == 2


@pytest.mark.parametrize(
    ("status", "code"), [(409, "seat_taken"), (403, "forbidden"), (422, "invalid")]
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


@pytest.mark.virtual_time
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
