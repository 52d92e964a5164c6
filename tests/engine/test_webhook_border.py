"""Nobody but LiveKit makes the engine read a webhook."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest

from tests.engine.house import OPEN, House, app_of, open_house
from tests.engine.wire import Wire, dial, exchange

LARGEST = 2**21
NOTICE = b'{"event": "track_dreamt"}'


def digest(body: bytes) -> str:
    """The hash that a signature covers."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def signature(house: House, **claims: Any) -> str:
    """A signature of this SFU's that is good for a minute."""
    expires_at = house.clock.now().timestamp() + 60
    return house.sfu.sign_token({"exp": expires_at, **claims})


def head(authorization: str, length: int) -> bytes:
    """The head of a webhook."""
    return (
        "POST /livekit/webhook HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {authorization}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def forged(house: House, how: str) -> str:
    """What a stranger, or a client with its own token, may send."""
    match how:
        case "nothing":
            return ""
        case "nonsense":
            return "a.b.c"
        case "expired":
            past = house.clock.now().timestamp() - 3_600
            return signature(house, exp=past, sha256=digest(NOTICE))
        case "not yet":
            later = house.clock.now().timestamp() + 3_600
            return signature(house, exp=later, nbf=later, sha256=digest(NOTICE))
        case "another hash":
            return signature(house, sha256="c2hvcnQ=")
        case _:
            return str((await house.mint("ana")).body["token"])


@pytest.mark.parametrize(
    "how",
    ["nothing", "nonsense", "expired", "not yet", "another hash", "a client's token"],
)
async def test_forged_webhook_is_refused_unread(house: House, how: str) -> None:
    """What LiveKit did not sign as a webhook is 401 before a byte of its body."""
    authorization = await forged(house, how)

    answer = await exchange(house.url, head(authorization, LARGEST))

    assert (answer.status, answer.body["code"]) == (401, "unauthenticated")


async def test_signed_webhook_must_be_what_was_signed(house: House) -> None:
    """A body with another hash than the signature's is 401; the signed one is heard."""
    good = head(signature(house, sha256=digest(NOTICE)), len(NOTICE))

    assert (await exchange(house.url, good + NOTICE)).status == 200
    assert (await exchange(house.url, good + NOTICE.upper())).status == 401


async def send_half(wire: Wire, sent: bytes) -> None:
    """Send *sent*, as far as the engine lets it be sent."""
    with suppress(ConnectionError):
        await wire.send(sent)


async def test_half_sent_webhooks_keep_no_other_out(house: House) -> None:
    """Of half-sent webhooks the engine holds 32 MiB; one more closes the oldest."""
    sent = head(signature(house, sha256=digest(NOTICE)), LARGEST) + bytes(LARGEST - 1)
    good = head(signature(house, sha256=digest(NOTICE)), len(NOTICE)) + NOTICE
    async with AsyncExitStack() as opened, asyncio.TaskGroup() as tasks:
        wires = [await opened.enter_async_context(dial(house.url)) for _ in range(17)]
        ends = [tasks.create_task(wire.is_closed()) for wire in wires]
        for wire in wires:
            tasks.create_task(send_half(wire, sent))
        done, waiting = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)

        assert all(each.result() for each in done)
        assert (await exchange(house.url, good)).status == 200
        assert waiting
        for each in waiting:
            each.cancel()


async def test_half_sent_bodies_keep_nobody_out() -> None:
    """A publishable key fills what the engine reads at once, and harms no one else."""
    size = 2**24
    secret = app_of(OPEN, secret=True)
    half = "".join(f"{name}: {value}\r\n" for name, value in app_of(OPEN).items())
    sent = (
        "POST /api/v1/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"{half}Content-Length: {size}\r\n\r\n"
    ).encode() + bytes(size - 1)
    async with (
        open_house(body_limit=size) as house,
        AsyncExitStack() as opened,
        asyncio.TaskGroup() as tasks,
    ):
        wires = [await opened.enter_async_context(dial(house.url)) for _ in range(3)]
        ends = [tasks.create_task(wire.is_closed()) for wire in wires]
        for wire in wires:
            tasks.create_task(send_half(wire, sent))
        done, waiting = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)

        assert all(each.result() for each in done)
        asked = {"identity": "ana"}
        answer = await house.ask("POST", "api/v1/auth/session", by=secret, json=asked)
        assert answer.status == 200
        for each in waiting:
            each.cancel()
