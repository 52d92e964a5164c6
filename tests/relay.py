"""A relay for LiveKit's webhooks: one address for the server, an engine a test."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Future
from enum import Enum
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

import aiohttp
import attrs
from aiohttp import web

from tests.patience import patiently

__all__ = ["Registration", "Webhook", "WebhookRelay", "every"]

_T = TypeVar("_T")

_APP_ID = re.compile(r"p([A-Za-z0-9-]{1,64})_")
_FORWARDED = ("Authorization", "Content-Type")


@attrs.frozen(kw_only=True)
class Webhook:
    """What LiveKit told, byte for byte.

    Attributes:
        body: As it was signed.
        headers: The signature and the type of the body, as they came.
    """

    body: bytes
    headers: dict[str, str]

    @property
    def payload(self) -> dict[str, Any]:
        """The body, read."""
        read: dict[str, Any] = json.loads(self.body)
        return read

    @property
    def event(self) -> str:
        """LiveKit's name of what happened, as ``participant_joined``."""
        return str(self.payload.get("event", ""))

    @property
    def app_id(self) -> str | None:
        """The app whose room it is about."""
        room = self.payload.get("room", {}).get("name", "")
        found = _APP_ID.match(room)
        return found and found[1]


Matching: TypeAlias = Callable[[Webhook], bool]


def every(webhook: Webhook) -> bool:
    """Match any webhook."""
    return True


class _Fate(Enum):
    DROP = "drop"  # told LiveKit that it arrived
    HOLD = "hold"  # until it is released


class Registration:
    """The engine of one app, and what becomes of its webhooks.

    Undisturbed, a webhook is forwarded at once, and LiveKit gets the answer of
    the engine.  Of several rules that match, the newest counts.

    Attributes:
        received: Everything that came for this app, dropped ones included.
    """

    def __init__(self, relay: WebhookRelay, app_id: str, url: str) -> None:
        self.app_id = app_id
        self.url = url
        self.received: list[Webhook] = []
        self._relay = relay
        self._rules: tuple[tuple[Matching, _Fate], ...] = ()
        self._held: list[Webhook] = []
        self._news = asyncio.Condition()  # of the relay's loop

    def drop(self, matching: Matching = every) -> None:
        """Lose what matches, from now on."""
        self._rules = ((matching, _Fate.DROP), *self._rules)

    def hold(self, matching: Matching = every) -> None:
        """Keep back what matches until it is released."""
        self._rules = ((matching, _Fate.HOLD), *self._rules)

    async def release(
        self, order: Callable[[list[Webhook]], Iterable[Webhook]] = list
    ) -> None:
        """Deliver what is held, say in `reversed` order; return when it is done."""
        await self._relay.run(self._release(order))

    async def arrival(
        self, matching: Matching = every, *, timeout: float = 10.0
    ) -> Webhook:
        """Return the first webhook that matches, of those received or to come.

        Raises:
            TimeoutError: If there was none within *timeout* seconds.
        """
        async with patiently(timeout):
            return await self._relay.run(self._arrival(matching))

    async def take(self, webhook: Webhook) -> int:
        """Record *webhook*, let it meet its fate; return the status to answer."""
        async with self._news:
            self.received.append(webhook)
            self._news.notify_all()
        fate = next((fate for match, fate in self._rules if match(webhook)), None)
        if fate is None:
            return await self._relay.deliver(self.url, webhook)
        if fate is _Fate.HOLD:
            self._held.append(webhook)
        return HTTPStatus.OK

    async def _release(
        self, order: Callable[[list[Webhook]], Iterable[Webhook]]
    ) -> None:
        held, self._held = self._held, []
        for webhook in order(held):
            await self._relay.deliver(self.url, webhook)

    async def _arrival(self, matching: Matching) -> Webhook:
        async with self._news:
            while True:
                for webhook in self.received:
                    if matching(webhook):
                        return webhook
                await self._news.wait()


class WebhookRelay:
    """Takes the webhooks of one server, for as many engines as there are tests.

    It has a thread with a loop of its own: tests may stop theirs, or block it.

    Attributes:
        url: Where LiveKit sends its webhooks.
        strays: What came for an app that nobody had registered.
    """

    url: str

    def __init__(self) -> None:
        self.strays: list[Webhook] = []
        self._registrations: dict[str, Registration] = {}
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._work, name="webhook-relay")

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def register(self, app_id: str, url: str) -> Registration:
        """Forward what is about *app_id* to *url* from now on."""
        registration = Registration(self, app_id, url)
        self._registrations[app_id] = registration
        return registration

    def forget(self, app_id: str) -> None:
        """Forward what is about *app_id* no more; unknown ones are ignored."""
        self._registrations.pop(app_id, None)

    async def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do *work* on the relay's loop and return what it returns."""
        done = asyncio.run_coroutine_threadsafe(work, self._loop)
        return await asyncio.wrap_future(done)

    async def deliver(self, url: str, webhook: Webhook) -> int:
        """Forward *webhook*; return the engine's status, or 502 without engine."""
        try:
            async with self._session.post(
                url, data=webhook.body, headers=webhook.headers
            ) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return HTTPStatus.BAD_GATEWAY

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name: request.headers.get(name, "") for name in _FORWARDED}
        webhook = Webhook(body=await request.read(), headers=headers)
        registration = self._registrations.get(webhook.app_id or "")
        if registration is None:
            self.strays.append(webhook)
            return web.Response()
        return web.Response(status=await registration.take(webhook))

    def _work(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)  # raised where it is waited for

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        app = web.Application()
        app.router.add_post("/", self._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as self._session:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            self.url = f"http://{host}:{port}/"
            self._ready.set_result(None)
            await self._over.wait()
            await runner.cleanup()
