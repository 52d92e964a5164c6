"""Laws of the relay between LiveKit and the engines under test."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.relay import Registration, Webhook, WebhookRelay

Register = Callable[[str], Registration]


class Engine:
    """Answers webhooks, and remembers them."""

    def __init__(self) -> None:
        self.status = 200
        self.requests: list[tuple[str, bytes]] = []

    @property
    def events(self) -> list[str]:
        """The names of what came, in order."""
        return [json.loads(body)["event"] for _, body in self.requests]

    async def take(self, request: web.Request) -> web.Response:
        """Remember the signature and the body."""
        body = await request.read()
        self.requests.append((request.headers["Authorization"], body))
        return web.Response(status=self.status)


@pytest.fixture
def engine() -> Engine:
    """An engine of this test."""
    return Engine()


@pytest.fixture
async def webhooks(
    engine: Engine, register_engine: Register
) -> AsyncIterator[Registration]:
    """The engine's registration with the relay."""
    app = web.Application()
    app.router.add_post("/webhooks", engine.take)
    async with TestServer(app) as server:
        yield register_engine(str(server.make_url("/webhooks")))


def named(event: str) -> Callable[[Webhook], bool]:
    """Match webhooks of that event."""
    return lambda webhook: webhook.event == event


async def tell(relay: WebhookRelay, app_id: str, *events: str) -> list[int]:
    """Send webhooks as LiveKit does; return what it was answered."""
    statuses: list[int] = []
    async with aiohttp.ClientSession() as session:
        for event in events:
            body = json.dumps({"event": event, "room": {"name": f"p{app_id}_den"}})
            async with session.post(
                relay.url, data=body, headers={"Authorization": event}
            ) as answer:
                statuses.append(answer.status)
    return statuses


async def test_body_and_signature_pass_untouched(
    engine: Engine, webhooks: Registration, webhook_relay: WebhookRelay, app_id: str
) -> None:
    """A signature covers every byte, white space and key order too."""
    body = b'{"room" : {"name":"p%s_a_b"},\n "event":"\\u00e9" }' % app_id.encode()

    async with aiohttp.ClientSession() as session:
        await session.post(
            webhook_relay.url, data=body, headers={"Authorization": "ey.j.0"}
        )

    assert engine.requests == [("ey.j.0", body)]
    assert [webhook.body for webhook in webhooks.received] == [body]


async def test_livekit_hears_the_answer_of_the_engine(
    engine: Engine, webhooks: Registration, webhook_relay: WebhookRelay, app_id: str
) -> None:
    """Undisturbed, LiveKit tries again exactly when it would without a relay."""
    engine.status = 503

    assert await tell(webhook_relay, app_id, "room_started") == [503]


async def test_dead_engine_is_a_bad_gateway(
    webhooks: Registration, webhook_relay: WebhookRelay, app_id: str
) -> None:
    """An engine that was killed looks like one, and the relay lives on."""
    webhooks.url = "http://127.0.0.1:1/"

    assert await tell(webhook_relay, app_id, "room_started") == [502]


async def test_dropped_webhook_is_recorded_only(
    engine: Engine, webhooks: Registration, webhook_relay: WebhookRelay, app_id: str
) -> None:
    """A loss goes unnoticed by both ends."""
    webhooks.drop(named("lost"))

    answers = await tell(webhook_relay, app_id, "first", "lost", "last")

    assert answers == [200, 200, 200]
    assert engine.events == ["first", "last"]
    assert [webhook.event for webhook in webhooks.received] == ["first", "lost", "last"]


async def test_held_webhooks_come_in_the_order_asked_for(
    engine: Engine, webhooks: Registration, webhook_relay: WebhookRelay, app_id: str
) -> None:
    """Any order can be tried, and it is tried when `release` has returned."""
    webhooks.hold()
    await tell(webhook_relay, app_id, "one", "two", "three")
    assert engine.events == []

    await webhooks.release(reversed)

    assert engine.events == ["three", "two", "one"]


async def test_apps_do_not_hear_each_other(
    engine: Engine, webhooks: Registration, webhook_relay: WebhookRelay
) -> None:
    """What is about another test's rooms is kept aside, with a friendly answer."""
    before = len(webhook_relay.strays)

    answers = await tell(webhook_relay, "another", "room_started")

    assert answers == [200]
    assert engine.events == []
    assert len(webhook_relay.strays) == before + 1


async def test_arrival_sees_what_came_and_what_comes(
    webhooks: Registration, webhook_relay: WebhookRelay, app_id: str
) -> None:
    """Whoever waits too late, or for ever, waits neither long nor for ever."""
    await tell(webhook_relay, app_id, "past")

    assert (await webhooks.arrival(named("past"))).event == "past"
    with pytest.raises(TimeoutError):
        await webhooks.arrival(named("never"), timeout=0.01)
