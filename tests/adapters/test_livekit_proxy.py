"""A proxy in the environment: LiveKit's client obeys it, and our errors name it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from tests.planes import SPEAKER, token_claims
from utd_stream.adapters._livekit_proxy import proxy_variable
from utd_stream.adapters._livekit_refusals import refusal
from utd_stream.adapters.livekit_api import LiveKitSfu
from utd_stream.adapters.livekit_process import LiveKitProcess

# Nothing listens on port 1.
DEAD = "http://ana:hunter2@127.0.0.1:1"

PROGRAM = """
import asyncio, sys
from utd_stream.adapters.livekit_rtc import LiveKitMedia
from utd_stream.errors import ConnectError

async def main(url, token):
    room = LiveKitMedia().open(adaptive_stream=True, dynacast=True)
    try:
        await room.connect(url, token, auto_subscribe=True)
    except ConnectError as error:
        print(error.code, error)
    else:
        print("entered")
    await room.disconnect()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("url", "environment", "variable"),
    [
        ("ws://sfu", {}, None),
        ("ws://sfu", {"HTTP_PROXY": "p"}, "HTTP_PROXY"),
        ("ws://sfu", {"http_proxy": "p"}, "http_proxy"),
        ("ws://sfu", {"HTTP_PROXY": "p", "NO_PROXY": "sfu"}, "HTTP_PROXY"),
        ("ws://sfu", {"HTTPS_PROXY": "p", "https_proxy": "p"}, None),
        ("WSS://sfu", {"HTTPS_PROXY": "p", "HTTP_PROXY": "q"}, "HTTPS_PROXY"),
        ("wss://sfu", {"https_proxy": "p"}, "https_proxy"),
        ("wss://sfu", {"HTTP_PROXY": "p"}, None),
        ("ws://sfu", {"ALL_PROXY": "p"}, "ALL_PROXY"),
        ("wss://sfu", {"all_proxy": "p", "https_proxy": "q"}, "https_proxy"),
        ("ws://sfu", {"HTTP_PROXY": ""}, None),
    ],
)
def test_the_variable_is_that_of_the_scheme(
    url: str, environment: dict[str, str], variable: str | None
) -> None:
    """Each scheme has its own variables; an empty one sets none."""
    assert proxy_variable(url, environment) == variable


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Connection refused (os error 111)", "connect"),
        ("client error: 407 Proxy Authentication Required", "connect"),
        ("server error: 502 Bad Gateway", "connect"),
        ("failed to lookup address information", "connect"),
        ("wait_for_connection timed out", "connect"),
        ("client error: 401 Unauthorized", "unauthenticated"),
    ],
)
def test_what_a_proxy_may_have_said_names_its_variable(text: str, code: str) -> None:
    """The proxy may have answered in place of the SFU; without one nothing is said."""
    told = refusal(text, proxy="HTTP_PROXY")

    assert told.code == refusal(text).code == code
    assert "unset HTTP_PROXY" in str(told)
    assert str(told).startswith(str(refusal(text)))
    assert "PROXY" not in str(refusal(text))


@pytest.mark.parametrize("text", ["401: token is expired", "failed to parse the url"])
def test_what_no_proxy_says_names_none(text: str) -> None:
    """An expired token and a malformed URL have their own remedy."""
    assert "PROXY" not in str(refusal(text, proxy="HTTP_PROXY"))


@pytest.mark.livekit
@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"HTTP_PROXY": DEAD, "NO_PROXY": "127.0.0.1"}, "unset HTTP_PROXY"),
        ({"http_proxy": DEAD, "no_proxy": "127.0.0.1"}, "unset http_proxy"),
        ({"HTTPS_PROXY": DEAD}, "entered"),
    ],
    ids=["HTTP_PROXY", "http_proxy", "of another scheme"],
)
async def test_a_dead_proxy_is_named(
    livekit: LiveKitProcess, environment: dict[str, str], told: str
) -> None:
    """The error names the variable and not its value, which may hold a password."""
    sfu = LiveKitSfu(livekit.http_url, livekit.api_key, livekit.api_secret)
    token = sfu.sign_token(token_claims("ana", "behind a proxy", SPEAKER))
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}

    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", PROGRAM, livekit.url, token],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert told in ended.stdout
    assert "hunter2" not in ended.stdout + ended.stderr


@pytest.mark.livekit
async def test_the_server_api_needs_no_proxy(
    livekit: LiveKitProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the engine asks LiveKit does not go through a proxy of the environment."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, DEAD)
    sfu = LiveKitSfu(livekit.http_url, livekit.api_key, livekit.api_secret)

    try:
        await sfu.list_rooms()
    finally:
        await sfu.aclose()
