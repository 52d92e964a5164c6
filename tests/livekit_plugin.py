"""A real LiveKit server for the tests marked ``livekit``."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.relay import Registration, WebhookRelay
from utd_stream.adapters.descriptors import raise_descriptor_limit
from utd_stream.adapters.livekit_binary import HOME, REMEDY, find_server
from utd_stream.adapters.livekit_process import LiveKitProcess

_BINARY = pytest.StashKey[Path | None]()


def pytest_configure(config: pytest.Config) -> None:
    """Look for the server once, and make room for its clients."""
    raise_descriptor_limit()
    config.stash[_BINARY] = find_server(config.rootpath / HOME)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a server where there is none; under CI that is a failure.

    Every skip comes from this line, so that pytest's summary counts them in one.
    """
    if item.get_closest_marker("livekit") and item.config.stash[_BINARY] is None:
        reason = f"no LiveKit server was found: {REMEDY}"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def livekit_binary(request: pytest.FixtureRequest) -> Path:
    """The server's program."""
    binary = request.config.stash[_BINARY]
    assert binary is not None, "tests that use it are marked livekit"
    return binary


@pytest.fixture(scope="session")
def webhook_relay() -> Iterator[WebhookRelay]:
    """The one address that every server of this run tells what happens."""
    with WebhookRelay() as relay:
        yield relay


@pytest.fixture(scope="session")
def livekit(
    livekit_binary: Path, webhook_relay: WebhookRelay
) -> Iterator[LiveKitProcess]:
    """The server all tests share; they keep apart by their app ids.

    Who wants to kill it takes `own_livekit`.
    """
    with LiveKitProcess(livekit_binary, webhooks=[webhook_relay.url]) as server:
        yield server


@pytest.fixture
def own_livekit(
    livekit_binary: Path, webhook_relay: WebhookRelay
) -> Iterator[LiveKitProcess]:
    """A server for one test, which may kill it and start it again."""
    server = LiveKitProcess(livekit_binary, webhooks=[webhook_relay.url])
    server.start()
    yield server
    # One that was started a moment ago takes its time to end by itself.
    server.kill()


@pytest.fixture
def app_id() -> str:
    """An app that no other test, and no other run, ever uses."""
    return secrets.token_hex(5)


@pytest.fixture
def register_engine(
    webhook_relay: WebhookRelay, app_id: str
) -> Iterator[Callable[[str], Registration]]:
    """Register the URL where this test's engine takes the webhooks of `app_id`."""

    def register(url: str) -> Registration:
        return webhook_relay.register(app_id, url)

    yield register
    webhook_relay.forget(app_id)
