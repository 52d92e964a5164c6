"""What is no request is refused in JSON, and never quoted in the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from tests.engine.house import OPEN, House, app_of, open_house
from tests.engine.manual_clock import ManualClock
from tests.engine.wire import dial, exchange
from tests.patience import patiently
from utd_stream.adapters.loopback import Loopback

SENT = "hush-this-was-sent"
HOST = "Host: x\r\n"
LINE = f"X: {SENT}\r\n"

# Each is a whole request that the parser, or the application, refuses.
REQUESTS = {
    "no request line": f"{SENT}\r\n\r\n",
    "an unknown version": f"GET /{SENT} HTTP/9.9\r\n{HOST}\r\n",
    "a method of no letters": f"G{{}}T /{SENT} HTTP/1.1\r\n{HOST}\r\n",
    "a blank before the colon": f"GET / HTTP/1.1\r\n{HOST}X-Key : {SENT}\r\n\r\n",
    "a control character": f"GET / HTTP/1.1\r\n{HOST}X-Key: {SENT}\x01\r\n\r\n",
    "a null": f"GET / HTTP/1.1\r\n{HOST}X-Key: {SENT}\x00\r\n\r\n",
    "a header without a name": f"GET / HTTP/1.1\r\n{HOST}: {SENT}\r\n\r\n",
    "a header without a colon": f"GET / HTTP/1.1\r\n{HOST}{SENT}\r\n\r\n",
    "a folded header": f"GET / HTTP/1.1\r\n{HOST}X-Key: a\r\n {SENT}\x02\r\n\r\n",
    "a header of 64 KiB": f"GET / HTTP/1.1\r\n{HOST}X: {SENT}{'x' * 65_536}\r\n\r\n",
    "a path of 64 KiB": f"GET /{SENT}{'x' * 65_536} HTTP/1.1\r\n{HOST}\r\n",
    "a thousand headers": f"GET / HTTP/1.1\r\n{HOST}{1_000 * LINE}\r\n",
    "two lengths": f"POST /api/v1/token HTTP/1.1\r\n{HOST}X-Key: {SENT}\r\n"
    "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length that is none": f"POST /api/v1/token HTTP/1.1\r\n{HOST}"
    f"Content-Length: {SENT}\r\n\r\n",
    "a length and chunks": f"POST /api/v1/token HTTP/1.1\r\n{HOST}X-Key: {SENT}\r\n"
    "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "another transfer": f"POST /api/v1/token HTTP/1.1\r\n{HOST}"
    f"Transfer-Encoding: {SENT}\r\n\r\n",
    "an expectation": f"GET /health HTTP/1.1\r\n{HOST}Expect: {SENT}\r\n\r\n",
    "an expectation nowhere": f"GET /{SENT} HTTP/1.1\r\n{HOST}Expect: {SENT}\r\n\r\n",
    "half an address": f"GET http://[::1/{SENT} HTTP/1.1\r\n{HOST}\r\n",
    "a port that is none": f"GET http://x:{SENT}/ HTTP/1.1\r\n{HOST}\r\n",
    "TLS": f"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03{SENT}\r\n\r\n",
}


def check_log(caplog: pytest.LogCaptureFixture, *, at_most: int) -> None:
    """Nothing that was sent, and no traceback, is in what the engine logged."""
    for record in caplog.records:
        assert SENT not in caplog.handler.format(record)
        assert record.exc_info is None
    told = [
        each
        for each in caplog.records
        # In its debug mode asyncio tells of a slow machine.
        if each.levelno >= (logging.ERROR if each.name == "asyncio" else logging.INFO)
    ]
    assert len(told) <= at_most, [each.getMessage() for each in told]


@pytest.mark.parametrize("request_text", REQUESTS.values(), ids=REQUESTS.keys())
async def test_malformed_request_is_refused_in_json(
    house: House, caplog: pytest.LogCaptureFixture, request_text: str
) -> None:
    """It is 400 `malformed` with a request id, and is not repeated in the log."""
    caplog.set_level(logging.DEBUG)

    answer = await exchange(house.url, request_text.encode("latin-1"))

    assert (answer.status, answer.body["code"]) == (400, "malformed")
    assert answer.body["request_id"] == answer.headers["X-Request-Id"]
    assert SENT not in answer.raw.decode()
    check_log(caplog, at_most=1)


async def test_many_malformed_requests_are_one_line(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A hundred faults are one line of log; a minute later another one counts them."""
    caplog.set_level(logging.DEBUG)
    bad = f"GET / HTTP/1.1\r\nX-Key: {SENT}\x01\r\n\r\n".encode()

    for _ in range(100):
        assert (await exchange(house.url, bad)).status == 400
    check_log(caplog, at_most=1)
    await house.clock.advance(61.0)
    await exchange(house.url, bad)

    check_log(caplog, at_most=2)
    assert "(100)" in caplog.text


AUTH = "".join(
    f"{name}: {value}\r\n" for name, value in app_of(OPEN, secret=True).items()
)
LEAVE = (
    f"POST /api/v1/rooms/lounge/leave HTTP/1.1\r\n{HOST}{AUTH}"
    "Content-Type: application/json\r\n"
)
DROPS = {
    "in a head": f"GET /health HTTP/1.1\r\nX-Key: {SENT}",
    "before a body": f"{LEAVE}X-Key: {SENT}\r\nContent-Length: 100\r\n\r\n",
    "in a body": f'{LEAVE}Content-Length: 100\r\n\r\n{{"identity": "{SENT}"',
    "in a chunk": f"{LEAVE}Transfer-Encoding: chunked\r\n\r\n64\r\n{SENT}",
    "between chunks": f"{LEAVE}Transfer-Encoding: chunked\r\n\r\n12\r\n{SENT}\r\n",
    "before the answer": f"GET /health HTTP/1.1\r\n{HOST}X-Key: {SENT}\r\n\r\n",
}


@pytest.mark.parametrize("how", ["close", "reset", "half-close"])
@pytest.mark.parametrize("sent", DROPS.values(), ids=DROPS.keys())
async def test_client_that_drops_is_no_failure(
    house: House, caplog: pytest.LogCaptureFixture, sent: str, how: str
) -> None:
    """Who goes in the middle of a request leaves no traceback and no content."""
    caplog.set_level(logging.DEBUG)
    for _ in range(5):
        async with dial(house.url) as wire:
            await wire.send(sent.encode())
            await house.clock.settle()
            if how == "reset":
                wire.writer.transport.abort()
            elif how == "half-close":
                wire.writer.write_eof()
                await house.clock.settle()
        await house.clock.settle()

    assert (await house.ask("GET", "health")).status == 200
    check_log(caplog, at_most=1)


async def test_body_with_a_broken_chunk_is_malformed(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A chunk without a size is 400, and is not repeated in the log."""
    caplog.set_level(logging.DEBUG)
    sent = f"{LEAVE}Transfer-Encoding: chunked\r\n\r\n{SENT}\r\n"

    answer = await exchange(house.url, sent.encode())

    assert (answer.status, answer.body["code"]) == (400, "malformed")
    check_log(caplog, at_most=1)


CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"


async def test_body_in_chunks_is_read(house: House) -> None:
    """The parts of a body are one body."""
    sent = f"{LEAVE}{CHUNKED}1\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n"

    answer = await exchange(house.url, sent.encode())

    assert answer.body["details"]["errors"][0]["path"] == "$.identity"


@pytest.mark.parametrize(
    "flood",
    [
        f"{LEAVE}{CHUNKED}" + "1\r\n \r\n" * 10_000,
        f"GET /health HTTP/1.1\r\n{HOST}\r\n" * 3_000,
    ],
    ids=["chunks", "requests"],
)
async def test_flood_that_is_dear_to_parse_is_not_parsed(
    house: House, caplog: pytest.LogCaptureFixture, flood: str
) -> None:
    """The engine closes a connection that sends thousands of chunks or requests."""
    async with dial(house.url) as wire:
        wire.writer.write(flood.encode())
        async with patiently(5):
            answers = await wire.rest()
    assert answers.count(b"HTTP/1.1 200") < 1_000

    assert (await house.ask("GET", "health")).status == 200
    check_log(caplog, at_most=1)


# fmt: off
NOT_UTF8 = [
    "%FF", "%C3", "%C3%28", "%ED%A0%80", "a%80b", "%", "50%", "%2", "%zz", "%u0041",
]
# fmt: on


@pytest.mark.parametrize("name", NOT_UTF8)
async def test_path_must_be_percent_encoded_utf8(house: House, name: str) -> None:
    """Bytes that are no UTF-8, and half an escape, are no name's spelling: 400."""
    alias = name.replace("%", "%25")
    for path in (
        f"api/v1/rooms/{name}",
        f"api/v1/rooms/lounge/participants/{name}",
        f"api/v1/rooms?{name}=1",
    ):
        answer = await house.ask("GET", path, by=app_of(OPEN, secret=True))
        assert (answer.status, answer.code) == (400, "malformed"), path

    answer = await house.ask(
        "GET", f"api/v1/rooms/{alias}", by=app_of(OPEN, secret=True)
    )
    assert (answer.status, answer.code) == (404, "not_found")


async def test_raw_bytes_in_a_path_are_malformed(house: House) -> None:
    """A byte that is no UTF-8 is 400 without its escape, too."""
    head = f"GET /api/v1/rooms/\xff HTTP/1.1\r\n{HOST}{AUTH}\r\n"

    answer = await exchange(house.url, head.encode("latin-1"))

    assert (answer.status, answer.body["code"]) == (400, "malformed")


class FailingSfu(Loopback):
    """A plane whose signing fails, and says for whom."""

    def sign_token(self, claims: Mapping[str, Any]) -> str:
        """Fail."""
        raise RuntimeError(claims["sub"])


async def test_failure_of_the_engine_does_not_quote(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A fault of the engine's own is logged by its type and place, not by its text."""
    clock = ManualClock()
    async with open_house(clock=clock, sfu=FailingSfu(clock)) as house:
        answer = await house.mint(SENT)

    assert (answer.status, answer.code) == (503, "unavailable")
    assert "RuntimeError" in caplog.text
    assert SENT not in caplog.text


TOKENS = [
    "GET ", "POST ", "HTTP/1.1", "/api/v1/token", "/api/v1/rooms/", "%", "%FF", "?",
    "\r\n", "\n", "\r", "\0", "\x7f", "\xff", ":", " ", "\t", "{", "}", '"', "0", "-1",
    "Host: x", "Content-Length: ", "Transfer-Encoding: chunked", "Expect: ",
    "Upgrade: ", "Connection: upgrade", "Content-Type: application/json", SENT,
    "Content-Encoding: ", "Authorization: Bearer ", "If-Match: ", "Idempotency-Key: ", "http://",
    "[::1", ";",
]  # fmt: skip


async def test_whatever_is_sent_is_answered_in_json_or_closed(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """No bytes make an answer that is no JSON, a 5xx, or a line that quotes them."""
    caplog.set_level(logging.DEBUG)
    luck = Random(8)  # noqa: S311 -- repeatable, no secret
    seeds = [*REQUESTS.values(), *DROPS.values()]
    for _ in range(400):
        sent = luck.choice(seeds)[:2_000]
        for _ in range(luck.randrange(1, 6)):
            at = luck.randrange(len(sent) + 1)
            sent = sent[:at] + luck.choice(TOKENS) + sent[at + luck.randrange(3) :]
        async with dial(house.url) as wire:
            await wire.send(sent.encode("latin-1") + b"\r\n\r\n")
            wire.writer.write_eof()
            try:
                answer = await wire.answer()
            except (asyncio.IncompleteReadError, ConnectionError):
                continue
            if answer.status == 100:
                continue
            assert answer.status < 500, sent
            assert answer.headers["X-Request-Id"], sent
            if answer.raw:
                assert answer.body is not None

    check_log(caplog, at_most=1)
