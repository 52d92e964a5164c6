"""Webhooks on their way from the SFU to the engine, and what may happen to them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import attrs
import orjson

from utd_stream.errors import TransportError
from utd_stream.ports import Clock, Http

__all__ = ["Matching", "Webhook", "Webhooks", "every"]

_LOG = logging.getLogger("utd_stream.embedded")
# How much is remembered; a world may run for months.
_KEPT = 1_000


@attrs.frozen(kw_only=True)
class Webhook:
    """One webhook.

    Attributes:
        body: As it was signed.
        authorization: The signature.
    """

    body: bytes
    authorization: str = attrs.field(repr=False)

    @property
    def payload(self) -> dict[str, Any]:
        """The body, read."""
        read: dict[str, Any] = orjson.loads(self.body)
        return read

    @property
    def event(self) -> str:
        """What happened, as ``participant_joined``."""
        return str(self.payload.get("event", ""))


Matching: TypeAlias = Callable[[Webhook], bool]


def every(_: Webhook) -> bool:
    """Match any webhook."""
    return True


@attrs.frozen
class _Rule:
    matching: Matching
    begin: Callable[[Webhook], None]


class Webhooks:
    """Brings webhooks to the engine, one after the other, over HTTP.

    Of several rules that match a webhook, the newest counts.  One that does
    not arrive is not sent again: they are hints, and the engine looks by
    itself.

    Args:
        http: Reaches the engine.
        url: Of the engine's webhook endpoint.
        clock: Of the world.

    Attributes:
        received: The newest 1,000 that the SFU told, oldest first, dropped
            ones included.
    """

    def __init__(self, http: Http, url: str, clock: Clock) -> None:
        self.received: deque[Webhook] = deque(maxlen=_KEPT)
        self._http = http
        self._url = url
        self._clock = clock
        self._rules: tuple[_Rule, ...] = ()
        self._waiting: deque[Webhook] = deque()
        self._held: list[Webhook] = []
        self._walk: asyncio.Task[None] | None = None
        self._late: dict[int, asyncio.Task[None]] = {}
        self._count = 0
        self._news: list[asyncio.Future[None]] = []

    def drop(self, matching: Matching = every) -> None:
        """Lose what matches, from now on."""
        self._rules = (_Rule(matching, lambda _: None), *self._rules)

    def delay(self, seconds: float, matching: Matching = every) -> None:
        """Deliver what matches *seconds* late; others overtake it."""
        rule = _Rule(matching, lambda webhook: self._deliver_later(seconds, webhook))
        self._rules = (rule, *self._rules)

    def hold(self, matching: Matching = every) -> None:
        """Keep back what matches until it is released."""
        self._rules = (_Rule(matching, self._held.append), *self._rules)

    async def release(
        self, order: Callable[[list[Webhook]], Iterable[Webhook]] = list
    ) -> None:
        """Deliver what is held, say in `reversed` order; return when it is done.

        Cancelling holds the rest, in that order; one under way may come twice.
        """
        held = deque(order(list(self._held)))
        self._held.clear()
        try:
            while held:
                await self._deliver(held[0])
                held.popleft()
        finally:
            self._held[:0] = held

    def restore(self) -> None:
        """Deliver everything at once again; what is held stays held."""
        self._rules = ()

    async def arrival(
        self, matching: Matching = every, *, timeout: float = 10.0
    ) -> Webhook:
        """Return the first webhook that matches, of those received or to come.

        Raises:
            TimeoutError: If there was none within *timeout* seconds.
        """
        async with self._clock.timeout(timeout):
            while True:
                for webhook in self.received:
                    if matching(webhook):
                        return webhook
                news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._news.append(news)
                await news

    def take(self, body: bytes, authorization: str) -> None:
        """Take a webhook of the SFU."""
        webhook = Webhook(body=body, authorization=authorization)
        self.received.append(webhook)
        news, self._news = self._news, []
        for waiter in news:
            if not waiter.done():
                waiter.set_result(None)
        for rule in self._rules:
            if rule.matching(webhook):
                rule.begin(webhook)
                return
        self._waiting.append(webhook)
        if self._walk is None:
            self._walk = asyncio.get_running_loop().create_task(self._deliver_all())

    async def aclose(self) -> None:
        """Deliver nothing any more."""
        tasks = [*self._late.values()]
        if self._walk is not None:
            tasks.append(self._walk)
        for task in tasks:
            task.cancel()
        for task in tasks:
            await asyncio.gather(task, return_exceptions=True)

    async def _deliver_all(self) -> None:
        try:
            while self._waiting:
                await self._deliver(self._waiting.popleft())
        finally:
            self._walk = None

    def _deliver_later(self, seconds: float, webhook: Webhook) -> None:
        async def deliver() -> None:
            await self._clock.sleep(seconds)
            await self._deliver(webhook)

        self._count += 1
        number = self._count
        task = asyncio.get_running_loop().create_task(deliver())
        self._late[number] = task
        task.add_done_callback(lambda _: self._late.pop(number))

    async def _deliver(self, webhook: Webhook) -> None:
        headers = {
            "Authorization": webhook.authorization,
            "Content-Type": "application/webhook+json",
        }
        try:
            await self._http.request(
                "POST", self._url, headers=headers, body=webhook.body
            )
        except TransportError as error:
            _LOG.info("a webhook (%s) was lost: %s", webhook.event, error)
