"""The signaling socket: every device of both parties hears what becomes of a call."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import orjson
import pytest
import pytest_asyncio

from tests.engine.calling import Callers
from tests.engine.ears import ear, signed_in
from tests.engine.house import GONE, SHUT, House, open_house
from tests.engine.manual_clock import ManualClock
from utd_stream.adapters.memory_http import MemoryConnector
from utd_stream.adapters.memory_wire import MemoryWire
from utd_stream.contract.signaling import (
    MAX_FRAME_BYTES,
    SIGNAL_PATH,
    SOCKETS_OF_ONE,
)

_SECRET = "s" * 32  # the engine's


@pytest_asyncio.fixture
async def callers() -> AsyncIterator[Callers]:
    """An engine whose clock a test steps."""
    async with open_house(clock=ManualClock()) as house:
        yield Callers(house)


# What is told.


async def test_who_signs_in_hears_what_goes_on(callers: Callers) -> None:
    """`ready` names the database and the newest number, and the calls of the person."""
    await callers.dial("ana", "ben")
    async with ear(callers.house) as ben, ear(callers.house) as cho:
        told = await ben.sign_in("ben")
        other = await cho.sign_in("cho")

    assert told["epoch"] == other["epoch"] != ""
    assert (told["resumed"], other["calls"]) == (False, [])
    (call,) = told["calls"]
    assert (call["call_id"], call["status"]) == (callers.call_id, "initiating")
    assert told["expires_at"].endswith(("Z", "+00:00"))


async def test_everybody_hears_their_part(callers: Callers) -> None:
    """It comes to the callee alone; the rest to all devices of both."""
    house = callers.house
    async with (
        signed_in(house, "ana") as ana,
        signed_in(house, "ben", "phone") as phone,
        signed_in(house, "ben", "desk") as desk,
    ):
        await callers.dial("ana", "ben")
        await callers.say("ben", "ringing")
        await callers.say("ben", "accept", party_id="desk")
        await callers.say("ana", "end")

        heard = [
            await ana.events(3),
            await phone.events(4),
            await desk.events(4),
        ]

    assert heard == [
        ["call_ringing", "call_accepted", "call_ended"],
        ["call_incoming", "call_ringing", "call_answered_elsewhere", "call_ended"],
        ["call_incoming", "call_ringing", "call_accepted", "call_ended"],
    ]


async def test_each_frame_holds_the_row_and_a_rising_number(callers: Callers) -> None:
    """The row is the one that REST answers, without a way into the media room."""
    async with signed_in(callers.house, "ben") as ben:
        await callers.dial("ana", "ben")
        await callers.say("ben", "ringing")
        frames = [await ben.frame() for _ in range(2)]
        row = (await callers.row("ben")).body

    assert frames[1]["data"] == row
    assert not {"token", "url"} & set(frames[0]["data"])
    assert 0 < frames[0]["seq"] < frames[1]["seq"]


@pytest.mark.parametrize(
    ("who", "verb", "event"),
    [
        ("ben", "reject", "call_rejected"),
        ("ben", "busy", "call_busy"),
        ("ana", "end", "call_ended"),
        ("ben", "end", "call_ended"),
    ],
)
async def test_each_end_stops_every_device(
    callers: Callers, who: str, verb: str, event: str
) -> None:
    """L40, L41: no device rings on, and each hears which end it was."""
    house = callers.house
    async with (
        signed_in(house, "ana") as ana,
        signed_in(house, "ben", "phone") as phone,
        signed_in(house, "ben", "desk") as desk,
    ):
        await callers.dial("ana", "ben")
        await callers.say(who, verb)

        assert await ana.events(1) == [event]
        for device in (phone, desk):
            assert await device.events(2) == ["call_incoming", event]


async def test_a_missed_call_is_told(callers: Callers) -> None:
    """The engine's deadline decides it, and both hear of it (L52)."""
    house = callers.house
    async with signed_in(house, "ana") as ana, signed_in(house, "ben") as ben:
        await callers.connect(await callers.dial("ana", "ben"))
        await house.clock.advance(31)

        assert await ana.events(1) == ["call_missed"]
        assert await ben.events(2) == ["call_incoming", "call_missed"]


# Coming back.


async def test_what_was_missed_follows(callers: Callers) -> None:
    """Whoever comes back hears the rest, in order and once (L39)."""
    house = callers.house
    async with ear(house) as ben:
        epoch = (await ben.sign_in("ben"))["epoch"]
        await callers.dial("ana", "ben")
        seq = (await ben.frame())["seq"]
    await callers.say("ben", "ringing")
    await callers.say("ana", "end")
    async with ear(house) as again:
        ready = await again.sign_in("ben", epoch=epoch, seq=seq)
        events = await again.events(2)
        await callers.dial("ana", "ben")
        events += await again.events(1)

    assert (ready["resumed"], ready["seq"], ready["calls"]) == (True, seq, [])
    assert events == ["call_ringing", "call_ended", "call_incoming"]


async def test_a_ring_that_is_over_does_not_ring(callers: Callers) -> None:
    """L49: who was away hears how it ended, and never that it rings."""
    house = callers.house
    async with ear(house) as ben:
        epoch, seq = (ready := await ben.sign_in("ben"))["epoch"], ready["seq"]
    await callers.dial("ana", "ben")
    await callers.say("ana", "end")
    await callers.dial("ana", "ben")
    async with ear(house) as again:
        ready = await again.sign_in("ben", epoch=epoch, seq=seq)
        first, second = await again.frame(), await again.frame()

    assert ready["resumed"]
    assert (first["event"], second["event"]) == ("call_ended", "call_incoming")
    assert second["data"]["call_id"] == callers.call_id


@pytest.mark.parametrize("known", ["another epoch", "a number to come", "nothing"])
async def test_numbers_that_mean_nothing_are_dropped(
    callers: Callers, known: str
) -> None:
    """L59: then the calls in `ready` are the truth, and only news follows."""
    house = callers.house
    await callers.dial("ana", "ben")
    async with ear(house) as before:
        epoch = (await before.sign_in("ben"))["epoch"]
    asked: dict[str, Any] = {
        "another epoch": {"epoch": "0" * 16, "seq": 0},
        "a number to come": {"epoch": epoch, "seq": 10**9},
        "nothing": {},
    }[known]
    async with ear(house) as ben:
        ready = await ben.sign_in("ben", **asked)
        await callers.say("ben", "ringing")
        frame = await ben.frame()

    assert not ready["resumed"]
    assert [call["call_id"] for call in ready["calls"]] == [callers.call_id]
    assert frame["event"] == "call_ringing"
    assert frame["seq"] > ready["seq"]


async def test_news_is_kept_an_hour(callers: Callers) -> None:
    """Whoever comes back later than that begins anew."""
    house = callers.house
    async with ear(house) as ben:
        ready = await ben.sign_in("ben")
        await callers.dial("ana", "ben")
        seq = (await ben.frame())["seq"]
    await callers.say("ana", "end")
    await house.clock.advance(3_590)
    async with ear(house) as ben:
        in_time = await ben.sign_in("ben", epoch=ready["epoch"], seq=seq)
    await house.clock.advance(120)
    await callers.dial("cho", "dan")  # whatever is written lets old things go
    await house.clock.settle()
    async with ear(house) as ben:
        too_late = await ben.sign_in("ben", epoch=ready["epoch"], seq=seq)

    assert (in_time["resumed"], too_late["resumed"]) == (True, False)


async def test_an_engine_started_again_goes_on(tmp_path: Path) -> None:
    """Its database has the same name, and what was missed follows."""
    database = f"sqlite:///{tmp_path / 'engine.db'}"
    async with open_house(database=database, clock=ManualClock()) as house:
        callers = Callers(house)
        async with ear(house) as ben:
            epoch = (await ben.sign_in("ben"))["epoch"]
            await callers.dial("ana", "ben")
            seq = (await ben.frame())["seq"]
        await callers.say("ben", "ringing")
    async with (
        open_house(database=database, clock=ManualClock()) as house,
        ear(house) as ben,
    ):
        ready = await ben.sign_in("ben", epoch=epoch, seq=seq)

        assert (ready["epoch"], ready["resumed"]) == (epoch, True)
        assert await ben.events(1) == ["call_ringing"]


async def test_nobody_hears_of_others(callers: Callers) -> None:
    """Neither another person, nor one of that name in another app."""
    async with ear(callers.house) as other, ear(callers.house) as ben:
        await other.sign_in("ben", app=SHUT)
        await ben.sign_in("ben")
        await callers.dial("ana", "ben")
        await ben.frame()
        await other.say("auth", token="x", party_id="phone")  # noqa: S106 -- none

        assert (await other.closed())[0] == 4401  # and nothing came before


# Signing in.


async def test_an_expiring_sign_in_is_told_and_prolonged(callers: Callers) -> None:
    """60 s before its end; `auth` again on the socket is answered by `ready`."""
    house = callers.house
    async with signed_in(house, "ben") as ben:
        await house.clock.advance(3_541)
        event, told = await ben.heard()
        ready = await ben.sign_in("ben")
        await house.clock.advance(120)
        await callers.dial("ana", "ben")
        later = await ben.events(1)

    assert (event, ready["resumed"]) == ("session_expiring", True)
    assert ready["expires_at"] > told["expires_at"]
    assert later == ["call_incoming"]


async def test_an_expired_sign_in_is_the_end(callers: Callers) -> None:
    """4401 at its end, with the remedy."""
    async with signed_in(callers.house, "ben") as ben:
        await callers.house.clock.advance(3_601)
        code, why = await ben.closed()

    assert code == 4401
    assert "sign in again" in why


async def test_who_never_signs_in_is_not_waited_for(callers: Callers) -> None:
    """10 s, then 4401."""
    async with ear(callers.house) as stranger:
        await stranger.ws.ping()
        await callers.house.clock.settle()
        await callers.house.clock.advance(10.1)

        assert (await stranger.closed())[0] == 4401


def forged(house: House, how: str) -> str:
    """Return a token that must open nothing."""
    good = house.bearer("ben")["Authorization"].split()[1]
    claims: dict[str, Any] = jwt.decode(good, options={"verify_signature": False})
    over = {"exp": claims["nbf"] - 1}
    tokens = {
        "cut": good[:-4],
        "none": jwt.encode(claims, "", "none"),
        "another key": jwt.encode(claims, "k" * 32, "HS256"),
        "expired": jwt.encode(claims | over, _SECRET, "HS256"),
        "a media token": jwt.encode({"sub": "ben", "video": {}}, _SECRET, "HS256"),
        "no token": base64.b64encode(b"nothing").decode(),
        "of no app": jwt.encode(claims | {"app": "nobody's"}, _SECRET, "HS256"),
    }
    return tokens[how]


@pytest.mark.parametrize(
    "how",
    [
        *("cut", "none", "another key", "expired", "a media token", "no token"),
        "of no app",
    ],
)
async def test_forged_tokens_open_nothing(callers: Callers, how: str) -> None:
    """4401, and nothing is told before."""
    await callers.dial("ana", "ben")
    async with ear(callers.house) as ben:
        await ben.say("auth", token=forged(callers.house, how), party_id="phone")

        with pytest.raises(AssertionError):
            await ben.frame()
        assert ben.ws.close_code == 4401


async def test_a_suspended_app_is_told_nothing(callers: Callers) -> None:
    """4403."""
    token = callers.house.bearer("ben", GONE)["Authorization"].split()[1]
    async with ear(callers.house) as ben:
        await ben.say("auth", token=token, party_id="phone")

        assert (await ben.closed())[0] == 4403


async def test_a_socket_is_one_persons(callers: Callers) -> None:
    """Another person, or another client, opens a socket of their own."""
    house = callers.house
    for who, party in (("cho", "phone"), ("ben", "desk")):
        async with signed_in(house, "ben") as ben:
            token = house.bearer(who)["Authorization"].split()[1]
            await ben.say("auth", token=token, party_id=party)
            code, why = await ben.closed()

        assert code == 4401
        assert "another" in why


async def test_a_newer_socket_of_a_client_takes_the_place(callers: Callers) -> None:
    """4409 for the older one; the newer one hears everything."""
    house = callers.house
    async with signed_in(house, "ben") as older, signed_in(house, "ben") as newer:
        code, _ = await older.closed()
        await callers.dial("ana", "ben")
        events = await newer.events(1)

    assert (code, events) == (4409, ["call_incoming"])


async def test_one_person_has_ten_sockets(callers: Callers) -> None:
    """The eleventh is closed with 4429; where one has gone there is room again."""
    house = callers.house
    async with AsyncExitStack() as opened:
        for number in range(SOCKETS_OF_ONE - 1):
            await opened.enter_async_context(signed_in(house, "ben", f"p{number}"))
        async with signed_in(house, "ben", "tenth"), ear(house) as eleventh:
            token = house.bearer("ben")["Authorization"].split()[1]
            await eleventh.say("auth", token=token, party_id="eleventh")
            assert (await eleventh.closed())[0] == 4429
        await house.clock.settle()
        async with signed_in(house, "ben", "again"), signed_in(house, "cho"):
            pass


# What is no frame, and what is too much.

WRONG: dict[str, tuple[Any, int]] = {
    "no JSON": ("{", 1007),
    "no object": ("[]", 1007),
    "a number": ("7", 1007),
    "not text": (b"{}", 1007),
    "half a character": ('{"event":"\\ud800"}', 1007),
    "nested far too deep": ("[" * 100_000, 1007),
    "too large": ('{"event":"' + "x" * MAX_FRAME_BYTES + '"}', 1009),
    "not auth": ('{"event":"hello","data":{}}', 4401),
    "auth without data": ('{"event":"auth"}', 1007),
    "auth without a token": ('{"event":"auth","data":{"party_id":"p"}}', 1007),
    "auth without a party": ('{"event":"auth","data":{"token":"t"}}', 1007),
    "auth with a number": ('{"event":"auth","data":{"token":1,"party_id":"p"}}', 1007),
    "auth with more": (
        '{"event":"auth","data":{"token":"t","party_id":"p","more":1}}',
        1007,
    ),
    "a negative seq": (
        '{"event":"auth","data":{"token":"t","party_id":"p","seq":-1}}',
        1007,
    ),
}


@pytest.mark.parametrize(("sent", "code"), WRONG.values(), ids=WRONG.keys())
async def test_what_is_no_frame_ends_the_socket(
    callers: Callers, sent: str | bytes, code: int
) -> None:
    """Before the sign-in, with a code that says which it was."""
    async with ear(callers.house) as stranger:
        if isinstance(sent, bytes):
            await stranger.ws.send_bytes(sent)
        else:
            await stranger.ws.send_str(sent)

        assert (await stranger.closed())[0] == code


@pytest.mark.parametrize("sent", ["{", "[]", "7", "null"])
async def test_what_is_no_frame_ends_a_signed_in_socket(
    callers: Callers, sent: str
) -> None:
    """And nobody else's."""
    house = callers.house
    async with signed_in(house, "ben") as ben, signed_in(house, "cho") as cho:
        await ben.ws.send_str(sent)
        assert (await ben.closed())[0] == 1007
        await callers.dial("ana", "cho")

        assert await cho.events(1) == ["call_incoming"]


async def test_what_nobody_knows_is_ignored(callers: Callers) -> None:
    """A client of tomorrow may say more."""
    async with signed_in(callers.house, "ben") as ben:
        await ben.say("wave", hand="left")
        await ben.ws.send_str(orjson.dumps({"nothing": 1}).decode())
        await callers.dial("ana", "ben")

        assert await ben.events(1) == ["call_incoming"]


@pytest.mark.parametrize("kind", ["frames", "pings"])
async def test_who_says_too_much_is_closed(callers: Callers, kind: str) -> None:
    """More than ten in a second, 4429."""
    async with signed_in(callers.house, "ben") as ben:
        for _ in range(11):
            if kind == "frames":
                await ben.say("wave")
            else:
                await ben.ws.ping()

        assert (await ben.closed())[0] == 4429


async def test_who_says_little_is_heard_for_ever(callers: Callers) -> None:
    """Ten a second are served."""
    async with signed_in(callers.house, "ben") as ben:
        for _ in range(5):
            for _ in range(9):
                await ben.say("wave")
            await callers.house.clock.settle()
            await callers.house.clock.advance(1.1)
        await callers.dial("ana", "ben")

        assert await ben.events(1) == ["call_incoming"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_request_that_opens_no_socket_is_told(
    callers: Callers, method: str
) -> None:
    """400 where it is none, 405 for another method."""
    answer = await callers.house.ask(method, "api/v1/signal")

    assert answer.status == {"GET": 400, "POST": 405}[method]
    assert answer.body["request_id"]


async def test_who_never_reads_costs_a_number_then_the_socket(
    callers: Callers,
) -> None:
    """L60: nothing is queued for them, and after 10 s their socket is closed."""
    house = callers.house
    connector, wires = MemoryConnector(), list[MemoryWire]()
    connector.server, connector.opened = house.server, wires.append
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect(f"http://engine{SIGNAL_PATH}") as ws,
    ):
        token = house.bearer("ben")["Authorization"].split()[1]
        auth = {"event": "auth", "data": {"token": token, "party_id": "p"}}
        await ws.send_str(orjson.dumps(auth).decode())
        await ws.receive()
        (wire,) = wires
        wire.client.pause_reading()
        for _ in range(60):
            told = {"text": "x" * 4_000}
            assert (await callers.dial("ana", "ben", metadata=told)).status == 201
            await callers.say("ana", "end")
        held = wire.server.get_write_buffer_size()
        assert house.signaling._signed
        await house.clock.advance(16)

        assert held < 200_000  # of half a megabyte
        assert not house.signaling._signed


# The end.


async def test_a_stop_ends_sockets_at_once(callers: Callers) -> None:
    """1012 says: come back in a while."""
    async with signed_in(callers.house, "ben") as ben, ear(callers.house) as stranger:
        await callers.house.stop()

        assert (await ben.closed())[0] == 1012
        assert (await stranger.closed())[0] == 1012


async def test_sockets_leave_nothing_behind(callers: Callers) -> None:
    """However many come and go."""
    house = callers.house
    signaling = house.signaling
    for number in range(30):
        async with signed_in(house, "ben", f"p{number}"):
            pass
        async with ear(house):
            pass
    await house.clock.settle()

    assert not signaling._open
    assert not signaling._signed


async def test_clients_are_told_where_the_socket_is() -> None:
    """By the URL that the settings name, whatever host a request names."""
    async with open_house(public_url="https://calls.example.com/") as house:
        minted = await house.mint("ana")

    assert minted.body["ws_url"] == "wss://calls.example.com/api/v1/signal"
