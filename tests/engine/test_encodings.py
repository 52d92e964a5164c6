"""Encoded bodies are refused, and nothing a stranger sends is inflated."""

from __future__ import annotations

import tracemalloc
import zlib
from functools import cache

import pytest

from tests.engine.house import OPEN, House, app_of
from tests.engine.wire import exchange


@cache
def bomb() -> bytes:
    """A hundred megabytes of zeros, deflated."""
    return zlib.compress(bytes(100_000_000), 9)


ENCODINGS = ["gzip", "deflate", "br", "zstd", "identity", "x-gzip", "nonsense", ""]
PLACES = ["api/v1/token", "api/v1/rooms/r/seats/leave", "livekit/webhook"]


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_encoded_body_is_refused(house: House, path: str, encoding: str) -> None:
    """Any Content-Encoding is 415, on every route and before any credentials."""
    answer = await house.ask(
        "POST", path, data=b"{}", headers={"Content-Encoding": encoding}
    )

    assert (answer.status, answer.code) == (415, "unsupported_media_type")
    assert answer.body["request_id"] == answer.headers["X-Request-Id"]


async def test_credentials_open_no_encoding(house: House) -> None:
    """Who may call is refused an encoded body too."""
    answer = await house.ask(
        "POST",
        "api/v1/token",
        by=app_of(OPEN),
        data=zlib.compress(b"{}"),
        headers={"Content-Encoding": "deflate"},
    )

    assert (answer.status, answer.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize("path", [*PLACES, "nowhere"])
async def test_nothing_is_inflated(house: House, path: str) -> None:
    """A body of 100 KB that would inflate to 100 MB takes no more than it is long."""
    body = bomb()
    head = (
        f"POST /{path} HTTP/1.1\r\nHost: x\r\nContent-Encoding: deflate\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    next_one = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    tracemalloc.start()
    try:
        answer = await exchange(house.url, head.encode() + body + next_one)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert answer.status in {404, 415}
    assert answer.body["code"] in {"not_found", "unsupported_media_type"}
    assert peak < 10 * len(body)
