"""An engine over the loopback plane, for tests that need no LiveKit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import attrs
import orjson
from aiohttp import web
from yarl import URL

from tests.engine.manual_clock import ManualClock
from utd_stream.adapters.loopback import Loopback
from utd_stream.adapters.luck import SystemLuck
from utd_stream.engine import App, Config, RunningEngine, Services, running
from utd_stream.engine.rules import Member, Room
from utd_stream.engine.signaling import Signaling
from utd_stream.models.names import sfu_room_name

__all__ = ["OPEN", "ROOM", "SHUT", "Answer", "House", "app_of", "open_house"]

ROOM = "lounge"

# One app whose key may sign anybody in, and one whose key may not.
OPEN = App(id="open", key="open-key", secret="open-secret",  # noqa: S106 -- a test's
           allow_appkey_identity_mint=True)  # fmt: skip
SHUT = App(id="shut", key="shut-key", secret="shut-secret")  # noqa: S106 -- a test's
GONE = App(id="gone", key="gone-key", secret="gone-secret",  # noqa: S106 -- a test's
           suspended=True)  # fmt: skip


@attrs.frozen
class Answer:
    """What the engine answered."""

    status: int
    body: Any
    headers: Mapping[str, str]
    raw: bytes

    @property
    def code(self) -> str:
        """The code of an error, or nothing."""
        return cast("str", self.body.get("code", ""))

    @property
    def paths(self) -> list[str]:
        """Of the fields that are wrong."""
        errors = self.body.get("details", {}).get("errors", [])
        return [error["path"] for error in errors]


class House:
    """One engine, whoever asks it, and the plane it looks after."""

    def __init__(
        self,
        engine: RunningEngine,
        sfu: Loopback,
        clock: ManualClock,
    ) -> None:
        self.sfu = sfu
        self.clock = clock
        self.services: Services
        self.signaling: Signaling
        self.notices: deque[tuple[bytes, str]] = deque()
        self.listens = True
        self._engine = engine
        self._pool: aiohttp.ClientSession
        self._bearers: dict[str, str] = {}
        sfu.watch(lambda body, signature: self.notices.append((body, signature)))

    async def start(self) -> None:
        """Serve."""
        await self._engine.start()
        self.services = self._engine.services
        self.signaling = self._engine.signaling
        self._pool = aiohttp.ClientSession()

    async def deafen(self) -> None:
        """Take no new connections; those that are open stay."""
        await self._engine.deafen()

    async def stop(self) -> None:
        """Serve no more; what was committed stays."""
        await self._pool.close()
        # An engine gives the SFU a last chance, on the engine's clock.
        stopping = asyncio.ensure_future(self._engine.aclose())
        while not stopping.done():
            await self.clock.advance(0.1)
        await stopping

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self._engine.base_url}/"

    @property
    def server(self) -> web.Server:
        """What takes connections that come by no socket."""
        return self._engine.server

    # Asking.

    async def ask(  # noqa: PLR0913 -- what a request is made of
        self,
        method: str,
        path: str,
        *,
        by: Mapping[str, str] | str = "",
        json: Any = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; *by* is who: headers, or whom a bearer names."""
        shown = self.bearer(by) if isinstance(by, str) and by else dict(by or {})
        if json is not None:
            data = orjson.dumps(json)
        if data is not None:
            shown["Content-Type"] = "application/json"
        url = URL(self.url + path, encoded=True)
        async with self._pool.request(
            method, url, data=data, headers={**shown, **(headers or {})}
        ) as response:
            raw = await response.read()
            is_json = bool(raw) and response.content_type == "application/json"
            body = orjson.loads(raw) if is_json else None
            return Answer(response.status, body, response.headers, raw)

    async def room_ask(self, method: str, path: str, **given: Any) -> Answer:
        """Ask about the room."""
        return await self.ask(method, f"api/v1/rooms/{ROOM}{path}", **given)

    def bearer(self, identity: str, app: App = OPEN) -> dict[str, str]:
        """Return the header that shows who *identity* is."""
        token, _ = self.services.tokens.make(
            app.id, identity, name=None, device_id=None
        )
        return {"Authorization": f"Bearer {token}"}

    # People.

    async def mint(self, identity: str, **asked: Any) -> Answer:
        """Ask for a token into the room."""
        wanted = {"type": "audio_room", "room_name": ROOM, "identity": identity}
        return await self.ask(
            "POST", "api/v1/token", by=app_of(OPEN), json=wanted | asked
        )

    async def enter(self, identity: str, **asked: Any) -> Answer:
        """Mint and connect."""
        answer = await self.mint(identity, **asked)
        assert answer.status == 200, answer.body
        await self.told()
        self.sfu.enter(answer.body["token"])
        await self.told()
        return answer

    async def leave(self, identity: str, **how: Any) -> None:
        """Disconnect."""
        self.sfu.leave(self.sfu_room, identity, **how)
        await self.told()

    async def told(self) -> None:
        """Let the engine hear all notices, and the SFU all that follows."""
        while self.listens and self.notices:
            body, signature = self.notices.popleft()
            answer = await self.ask(
                "POST",
                "livekit/webhook",
                data=body,
                headers={"Authorization": signature},
            )
            assert answer.status == 200, answer.body
        await self.clock.settle()

    # Looking.

    @property
    def sfu_room(self) -> str:
        """The SFU's name of the room."""
        return sfu_room_name(OPEN.id, ROOM)

    async def room(self) -> Room:
        """Return the room as committed."""
        room = await self.services.writer.room((OPEN.id, ROOM))
        assert room is not None
        return room

    async def member(self, identity: str) -> Member:
        """Return a member of the room as committed."""
        _, member = await self.services.writer.member((OPEN.id, ROOM), identity)
        assert member is not None
        return member

    async def members(self) -> list[str]:
        """Return whom the SFU may have in the room, sorted."""
        room = await self.room()
        page = await self.services.writer.transact(
            lambda store: store.members.page(room.life_key, 0, 1_000)
        )
        return [member.identity for member in page]

    def speaks(self, identity: str) -> bool:
        """Whether the SFU lets *identity* publish."""
        found = self.sfu.participant(self.sfu_room, identity)
        return bool(found and found.permission and found.permission.can_publish)

    def metadata(self) -> dict[str, Any]:
        """Return the room's metadata at the SFU."""
        return cast(
            "dict[str, Any]", orjson.loads(self.sfu.metadata(self.sfu_room) or "{}")
        )

    async def reconcile(self) -> None:
        """Let the reconciler look at everything now."""
        await self.services.reconciler.look()
        await self.told()


def app_of(app: App, *, secret: bool = False) -> dict[str, str]:
    """Return the headers of an app's key, or of its secret."""
    shown = {"X-App-Secret": app.secret} if secret else {"X-App-Key": app.key}
    return {"X-App-Id": app.id, **shown}


@asynccontextmanager
async def open_house(  # noqa: PLR0913 -- its ports, and what tests vary
    *,
    database: str = "sqlite://",
    sfu: Loopback | None = None,
    clock: ManualClock | None = None,
    threaded: bool = False,
    connections: int | None = None,
    apps: tuple[App, ...] = (),
    **settings: Any,
) -> AsyncIterator[House]:
    """Run an engine; by default in memory and on the loop alone."""
    clock = clock or ManualClock()
    sfu = sfu or Loopback(clock)
    # Tests look when they want to; every period would be an hour's work a day.
    # So do those who ask as often as they like.
    settings = {
        "reconcile_period": 86_400,
        "rate_app": 0,
        "rate_identity": 0,
        "rate_pair": 0,
        **settings,
    }
    config = Config(
        port=0,
        database=database,
        secret="s" * 32,
        apps=apps or (OPEN, SHUT, GONE),
        livekit_url="ws://sfu",
        **settings,
    )
    engine = running(
        config,
        sfu=sfu,
        clock=clock,
        luck=SystemLuck(),
        threaded=threaded,
        shutdown_timeout=1.0,
        most_connections=connections,
    )
    house = House(engine, sfu, clock)
    await house.start()
    try:
        yield house
    finally:
        await house.stop()
