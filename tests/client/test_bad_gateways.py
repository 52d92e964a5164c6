"""Sessions and clients behind a proxy that answers in the engine's place.

In virtual time: whatever the proxy says, and whether or not the engine has
done before what it was asked.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest

from tests.world import ROOM, World
from utd_stream import UTDStreamClient
from utd_stream.adapters.loopback import Loopback
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.errors import (
    IntermediaryError,
    RateLimitedError,
    RemoteProtocolError,
    TransportError,
)
from utd_stream.models import SeatOccupancy, UTDConnectionState
from utd_stream.ports import Http, HttpAnswer

pytestmark = pytest.mark.asyncio(loop_factories=["loopback"])

HTML = b"<html>Sign in</html>"
LIMITED = b'{"code": "rate_limited", "message": "slow", "request_id": "r"}'


def page_of(status: int, body: bytes = HTML, **headers: str) -> HttpAnswer:
    """What a proxy answers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status=status, headers=named, body=body)


PAGES = [
    *map(page_of, (301, 302, 307, 400, 401, 403, 404, 407, 408, 413, 425, 429)),
    *map(page_of, (500, 502, 503, 504, 520, 521, 522, 523, 524)),
    page_of(429, retry_after="3"),
    page_of(503, retry_after="3"),
    page_of(200, content_type="text/html"),
    page_of(200, b""),
    page_of(200, b'{"token": "t", "url": "ws://x", "user_token": "u"}'),
    page_of(200, b'{"status": "ok"}', x_request_id="envoy"),
    page_of(401, b'{"message": "no"}', x_request_id="envoy"),
    page_of(404, b'{"code": "not_found", "message": "m", "request_id": "r"}'),
    page_of(
        500, b'{"code": "Bug", "message": "m", "request_id": "r"}', x_request_id="r"
    ),
]


def page_name(page: HttpAnswer) -> str:
    """What a test with this page is called."""
    return f"{page.status}-{page.body[:8].decode()}-{'-'.join(page.headers)}"


every_page = pytest.mark.parametrize("page", PAGES, ids=page_name)
some_pages = pytest.mark.parametrize("page", PAGES[1::7], ids=page_name)
before_and_after = pytest.mark.parametrize(
    "is_served", [False, True], ids=["not served", "served"]
)
# Every page, every second one after the engine had served the request.
in_turns = pytest.mark.parametrize(
    ("page", "is_served"),
    [(page, number % 2 == 1) for number, page in enumerate(PAGES)],
    ids=[page_name(page) for page in PAGES],
)


class Proxy:
    """Stands between a client and the engine, and may answer itself.

    Args:
        http: The way to the engine.

    Attributes:
        page: What it answers; None lets everything through.
        is_served: Whether the engine gets the request all the same.
        left: How many requests are still answered with `page`.
        only: Which requests, by their path.
        keys: How often each Idempotency-Key was sent.
        bearer: What the newest request was authorized by.
    """

    def __init__(self, http: Http) -> None:
        self._http = http
        self.page: HttpAnswer | None = None
        self.is_served = False
        self.left = 1_000
        self.only: Callable[[str], bool] = lambda _: True
        self.keys: Counter[str] = Counter()
        self.bearer: str | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> HttpAnswer:
        """Send a request, and return the engine's answer or the proxy's."""
        self.keys[headers.get("Idempotency-Key", "")] += 1
        self.bearer = headers.get("Authorization")
        page = self.page
        if page is None or not self.left or not self.only(url):
            return await self._http.request(method, url, headers=headers, body=body)
        self.left -= 1
        if self.is_served:
            await self._http.request(method, url, headers=headers, body=body)
        return page

    async def aclose(self) -> None:
        """Close the way to the engine."""
        await self._http.aclose()


def behind_a_proxy(world: World) -> tuple[Proxy, UTDStreamClient]:
    """Return a proxy, and a client behind it."""
    proxy = Proxy(world.http())
    return proxy, world.client(http=proxy)


async def joined(world: World) -> tuple[Proxy, UTDAudioRoomSession]:
    """Return a proxy, and a session of ana's behind it."""
    proxy, client = behind_a_proxy(world)
    return proxy, await world.join("ana", client=client)


@in_turns
async def test_a_reconnect_goes_on_for_its_minute(
    world: World, page: HttpAnswer, *, is_served: bool
) -> None:
    """A session that was cut off is back when the engine answers again."""
    proxy, ana = await joined(world)
    await ana.take_seat(0)
    assert isinstance(world.sfu, Loopback)
    proxy.page, proxy.is_served = page, is_served
    world.sfu.lines.cut(world.sfu_room, "ana")
    await world.clock.sleep(45)
    assert ana.connection_state.value is UTDConnectionState.RECONNECTING
    proxy.page = None

    await ana.connected.until(lambda is_connected: is_connected, 10)
    assert (await world.present()).count("ana") == 1


@some_pages
async def test_a_reconnect_ends_with_its_minute(world: World, page: HttpAnswer) -> None:
    """A proxy that never stops leads to `force_exit`, no sooner and no later."""
    proxy, ana = await joined(world)
    assert isinstance(world.sfu, Loopback)
    proxy.page = page
    world.sfu.lines.cut(world.sfu_room, "ana")
    await ana.connection_state.until(UTDConnectionState.RECONNECTING, 30)
    began = world.clock.monotonic()

    await ana.connection_state.until(UTDConnectionState.FORCE_EXIT, 70)

    assert world.clock.monotonic() - began == pytest.approx(60, abs=0.1)


@every_page
@before_and_after
async def test_a_take_is_asked_again_with_its_key(
    world: World, page: HttpAnswer, *, is_served: bool
) -> None:
    """Two strange answers are not noticed, and the seat is taken once."""
    proxy, ana = await joined(world)
    proxy.page, proxy.is_served, proxy.left = page, is_served, 2
    proxy.keys.clear()

    await ana.take_seat(3)

    assert ana.occupancy.value is SeatOccupancy.SPEAKING
    assert await world.seat_of("ana") == 3
    assert (await world.room()).rev == 1
    # Served, it is told by the grid, too, and perhaps before it is asked again.
    assert list(proxy.keys.values()) == [3] or is_served
    assert len(proxy.keys) == 1


@every_page
async def test_a_take_that_fails_holds_no_seat(world: World, page: HttpAnswer) -> None:
    """A typed error, and once the engine answers again nobody sits there."""
    proxy, ana = await joined(world)
    proxy.page = page

    with pytest.raises((TransportError, RemoteProtocolError)):
        await ana.take_seat(3)

    proxy.page = None
    await ana.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 30)
    await world.nothing_is_left("ana")
    await ana.take_seat(3)
    assert await world.seat_of("ana") == 3


@every_page
async def test_a_take_that_was_served_is_held_or_given_back(
    world: World, page: HttpAnswer
) -> None:
    """Nobody hears the engine's answer, and no seat is lost."""
    proxy, ana = await joined(world)
    proxy.page, proxy.is_served = page, True
    world.webhooks.drop()
    world.grants.hold()
    taking = asyncio.create_task(ana.take_seat(3))
    await world.clock.sleep(5)
    taking.cancel()
    proxy.page = None
    world.grants.release()

    await ana.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 30)
    await world.nothing_is_left("ana")


@in_turns
async def test_a_join_that_fails_says_who_answered(
    world: World, page: HttpAnswer, *, is_served: bool
) -> None:
    """A typed error; when it ends the next join works, also of somebody else."""
    proxy, client = behind_a_proxy(world)
    proxy.page, proxy.is_served = page, is_served

    with pytest.raises(Exception, match=r"answered|must|required") as caught:
        await client.join_audio_room("ana", ROOM)

    assert getattr(caught.value, "code", "") in {"intermediary", "remote_protocol"}
    proxy.left = 2  # which is not noticed
    assert (await world.join("ben", client=client)).connected.value
    assert "ana" not in await world.present()


@some_pages
async def test_signing_in_is_asked_again_or_says_who_answered(
    world: World, page: HttpAnswer
) -> None:
    """Twice it is not noticed; for ever it is a typed error."""
    proxy, client = behind_a_proxy(world)
    proxy.page, proxy.left = page, 2
    assert await client.authenticate("ana")
    proxy.left = 1_000

    with pytest.raises(Exception, match=r"answered|must|required") as caught:
        await client.authenticate("ana")

    assert getattr(caught.value, "code", "") in {"intermediary", "remote_protocol"}


@some_pages
@before_and_after
async def test_a_bearer_outlives_strange_answers(
    world: World, page: HttpAnswer, *, is_served: bool
) -> None:
    """A refresh that a proxy answers is asked again while the bearer is good."""
    proxy, client = behind_a_proxy(world)
    token = await client.authenticate("ana")
    proxy.only = lambda url: url.endswith("/refresh")
    proxy.page, proxy.is_served, proxy.left = page, is_served, 12

    await world.clock.sleep(3_700)

    with pytest.raises(Exception, match="room"):
        await client.api.get_room("nowhere")
    assert proxy.bearer not in {None, f"Bearer {token}"}
    assert not proxy.left


@in_turns
async def test_leaving_ends_in_time_and_frees_the_seat(
    world: World, page: HttpAnswer, *, is_served: bool
) -> None:
    """`dispose` returns within its limits; the seat is free soon after."""
    proxy, ana = await joined(world)
    await ana.take_seat(3)
    proxy.page, proxy.is_served = page, is_served
    began = world.clock.monotonic()

    await ana.dispose()

    assert world.clock.monotonic() - began < 15
    await world.gone("ana")
    await world.clock.sleep(20)
    await world.reconcile()
    assert await world.seat_of("ana") is None


@some_pages
async def test_leaving_a_seat_goes_on_until_it_is_free(
    world: World, page: HttpAnswer
) -> None:
    """It is asked again until the engine has heard it."""
    proxy, ana = await joined(world)
    await ana.take_seat(3)
    proxy.page, proxy.left = page, 2

    await ana.leave_seat()

    assert await world.seat_of("ana") is None


@pytest.mark.parametrize("asked", [5.0, 20.0], ids=lambda s: f"{s:g} s")
async def test_a_reconnect_waits_as_long_as_it_is_told(
    world: World, asked: float
) -> None:
    """A mint is not asked for again before the time that a 429 names."""
    proxy, ana = await joined(world)
    assert isinstance(world.sfu, Loopback)
    proxy.page = page_of(429, LIMITED, retry_after=f"{asked:g}", x_request_id="r")
    times: list[float] = []

    def is_mint(url: str) -> bool:
        if url.endswith("/token"):
            times.append(world.clock.monotonic())
        return url.endswith("/token")

    proxy.only = is_mint
    world.sfu.lines.cut(world.sfu_room, "ana")
    await ana.connection_state.until(UTDConnectionState.FORCE_EXIT, 120)

    pauses = [after - before for before, after in pairwise(times)]
    assert pauses
    assert min(pauses) >= asked - 1e-6  # sums of seconds are rounded


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("is_engine", [False, True], ids=["proxy", "engine"])
@pytest.mark.parametrize("asked", ["3600", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_a_reconnect_told_to_wait_longer_than_its_minute_looks_again(
    world: World, status: int, asked: str, *, is_engine: bool
) -> None:
    """A session is back within its minute if the engine answers again."""
    proxy, ana = await joined(world)
    assert isinstance(world.sfu, Loopback)
    code = "rate_limited" if status == 429 else "unavailable"
    body = b'{"code": "%s", "message": "m", "request_id": "r"}' % code.encode()
    proxy.page = page_of(status, retry_after=asked)
    if is_engine:
        proxy.page = page_of(status, body, retry_after=asked, x_request_id="r")
    world.sfu.lines.cut(world.sfu_room, "ana")
    await ana.connection_state.until(UTDConnectionState.RECONNECTING, 30)
    await world.clock.sleep(30)
    proxy.page = None

    await ana.connected.until(lambda is_connected: is_connected, 25)


async def test_a_join_told_to_wait_long_is_refused_at_once(world: World) -> None:
    """Nobody waits a minute without knowing; the error holds the seconds."""
    proxy, client = behind_a_proxy(world)
    proxy.page = page_of(429, LIMITED, retry_after="60", x_request_id="r")
    began = world.clock.monotonic()

    with pytest.raises(RateLimitedError) as caught:
        await client.join_audio_room("ana", ROOM)

    assert caught.value.retry_after == 60
    assert world.clock.monotonic() - began < 1


async def test_a_take_waits_as_it_is_told(world: World) -> None:
    """A 503 with Retry-After is not noticed within the limit of a take."""
    proxy, ana = await joined(world)
    proxy.page = page_of(503, retry_after="2")
    proxy.left = 1
    began = world.clock.monotonic()

    await ana.take_seat(0)

    assert 2 <= world.clock.monotonic() - began < 4


async def test_an_intermediary_is_named(world: World) -> None:
    """Status, place and remedy are in the message."""
    proxy, ana = await joined(world)
    proxy.page = page_of(302, location="https://login.example/?t=1")

    with pytest.raises(IntermediaryError, match=r"answered 302 .* base_url") as caught:
        await ana.lock_seat(1)

    assert "login.example/?t=1" not in str(caught.value)
    assert caught.value.status_code == 302
