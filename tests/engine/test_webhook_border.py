"""Nobody but LiveKit makes the engine read a webhook."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.engine.house import House
from tests.engine.wire import dial, exchange

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


async def test_webhooks_are_bounded_in_sum(house: House) -> None:
    """Of half-sent webhooks the engine holds 32 MiB; one more is told to wait."""
    sent = head(signature(house, sha256=digest(NOTICE)), LARGEST) + bytes(LARGEST - 1)
    async with AsyncExitStack() as opened, asyncio.TaskGroup() as tasks:
        wires = [await opened.enter_async_context(dial(house.url)) for _ in range(17)]
        answers = [tasks.create_task(wire.answer()) for wire in wires]
        for wire in wires:
            tasks.create_task(wire.send(sent))
        done, waiting = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()
        answer = done.pop().result()

        assert (answer.status, answer.body["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"]
    good = head(signature(house, sha256=digest(NOTICE)), len(NOTICE))
    assert (await exchange(house.url, good + NOTICE)).status == 200
