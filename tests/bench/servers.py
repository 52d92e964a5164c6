"""Servers under load, each in a process of its own.

``python -m tests.bench.servers KIND JSON`` prints its port, then answers each
line of its input: ``["cpu", {}]`` with the CPU seconds used, ``["look",
{"room": ...}]`` with how long the engine took to list a room, ``["idle", {}]``
when the engine has nothing left to tell its SFU.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import attrs
import jwt
import orjson
from aiohttp import web
from sqlalchemy import Connection, event

from tests.bench.roomservice import room_service
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.livekit_api import LiveKitSfu
from utd_stream.adapters.loopback import Loopback
from utd_stream.adapters.luck import SystemLuck
from utd_stream.adapters.pauses import shorten_pauses
from utd_stream.engine import App, Config, Services, Store, running
from utd_stream.engine.webhooks import hear
from utd_stream.models import Permission
from utd_stream.ports import Sfu

__all__ = ["APP", "SECRET"]

APP = App(
    id="bench",
    key="key",
    secret="app-secret",  # noqa: S106 -- of a benchmark
    allow_appkey_identity_mint=True,
)
SECRET = "s" * 32


@attrs.frozen
class Served:
    """A server that runs here.

    Attributes:
        port: Where it listens.
        services: Of an engine; None of others.
    """

    port: int
    services: Services | None = None


class PromptSfu(Loopback):
    """An SFU that confirms at once, and lets in who gets a token for a seat."""

    def __init__(self, clock: AsyncioClock) -> None:
        super().__init__(clock)
        self._loop = asyncio.get_running_loop()

    def sign_token(self, claims: Mapping[str, Any]) -> str:
        """Sign a token, in the writer's thread, and let its holder in."""
        token = super().sign_token(claims)
        if "_room-" in claims.get("video", {}).get("room", ""):
            self._loop.call_soon_threadsafe(self.enter, token)
        return token

    async def update_room_metadata(self, name: str, metadata: str) -> None:
        """Confirm."""

    async def update_participant(
        self, name: str, identity: str, *, permission: Permission, metadata: str
    ) -> None:
        """Confirm."""


@asynccontextmanager
async def prompt_engine(database: str, *, sync: float = 0.0) -> AsyncGenerator[Served]:
    """Run our engine, whose SFU confirms at once.

    Args:
        database: Where it keeps everything.
        sync: How long its disk takes longer to sync, in seconds.
    """
    sfu = PromptSfu(AsyncioClock())
    heard: set[asyncio.Task[None]] = set()
    async with _engine(sfu, database, sync=sync, reconcile_period=3_600) as served:

        def tell(body: bytes, signature: str) -> None:
            assert served.services is not None
            hearing = asyncio.ensure_future(hear(served.services, body, signature))
            heard.add(hearing)
            hearing.add_done_callback(heard.discard)

        sfu.watch(tell)
        yield served


@asynccontextmanager
async def engine(database: str, *, livekit: str) -> AsyncGenerator[Served]:
    """Run our engine as it is served, beside the LiveKit at that URL."""
    sfu = LiveKitSfu(livekit, "key", SECRET)
    async with _engine(sfu, database, sync=0.0, room_empty=86_400) as served:
        yield served
    await sfu.aclose()


@asynccontextmanager
async def _engine(
    sfu: Sfu, database: str, *, sync: float, **settings: Any
) -> AsyncGenerator[Served]:
    config = Config(
        port=0,
        database=f"sqlite:///{database}",
        secret=SECRET,
        apps=(APP,),
        livekit_url="ws://127.0.0.1:1",
        livekit_api_key="key",
        livekit_api_secret=SECRET,
        rate_app=0,
        rate_identity=0,
        rate_pair=0,
        **settings,
    )
    store = Store(config.database)
    if sync:
        event.listen(store.connection.engine, "commit", _slow_sync(sync))
    shorten_pauses()  # as `utd-stream serve` does
    async with running(
        config, sfu=sfu, clock=AsyncioClock(), luck=SystemLuck(), store=store
    ) as served:
        yield Served(int(served.base_url.rpartition(":")[2]), served.services)


def _slow_sync(seconds: float) -> Callable[[Connection], None]:
    def sync(connection: Connection) -> None:
        held: Any = connection.connection.dbapi_connection
        if held.in_transaction:  # what only read is not synced
            time.sleep(seconds)

    return sync


@asynccontextmanager
async def bare(database: str, *, sync: float = 0.0) -> AsyncGenerator[Served]:
    """Run handlers that do the least: one commit, or two signatures and one commit.

    Args:
        database: A file of their own.
        sync: How long its disk takes longer to sync, in seconds.
    """
    async with _handlers(_bare_app(database, sync)) as served:
        yield served


@asynccontextmanager
async def livekit() -> AsyncGenerator[Served]:
    """Run LiveKit's room service without LiveKit."""
    async with _handlers(room_service()) as served:
        yield served


@asynccontextmanager
async def _handlers(app: web.Application) -> AsyncGenerator[Served]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Served(runner.addresses[0][1])
    await runner.cleanup()


def _bare_app(database: str, sync: float) -> web.Application:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE seats (room TEXT PRIMARY KEY, state TEXT)")

    def write(body: Mapping[str, Any]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "INSERT OR REPLACE INTO seats VALUES (?, ?)",
            (body["room"], orjson.dumps(body)),
        )
        time.sleep(sync)
        connection.execute("COMMIT")

    async def commit(request: web.Request) -> web.Response:
        write(await request.json())
        return web.json_response({"rev": 1})

    async def sign(request: web.Request) -> web.Response:
        body = await request.json()
        write(body)
        now = int(time.time())
        times = {"nbf": now, "exp": now + 600}
        media = {
            "iss": "key",
            "sub": body["identity"],
            "metadata": '{"role":"audience","appId":"bench","service":"utd_stream"}',
            "video": {
                "roomJoin": True,
                "room": body["room"],
                "canPublish": False,
                "canPublishSources": ["microphone"],
                "canPublishData": True,
                "canSubscribe": True,
            },
        }
        user = {"app": "bench", "identity": body["identity"], "iat": now}
        tokens = [
            jwt.encode(claims | times, SECRET, "HS256") for claims in (media, user)
        ]
        return web.json_response({"token": tokens[0], "user_token": tokens[1]})

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for frame in socket:
            write({"room": "rung", "frame": frame.data})
            await socket.send_str(frame.data)
        return socket

    app = web.Application()
    app.router.add_get("/echo", echo)
    app.router.add_post("/commit", commit)
    app.router.add_post("/sign", sign)
    return app


async def _serve(server: AbstractAsyncContextManager[Served]) -> None:
    async with server as served:
        _say(served.port)
        while line := await asyncio.to_thread(sys.stdin.readline):
            order, arguments = json.loads(line)
            _say(await _tell(served.services, order, **arguments))


async def _tell(
    services: Services | None, order: str, **given: Any
) -> Mapping[str, Any]:
    begun = time.perf_counter()
    if order == "look" and services is not None:
        await services.reconciler.look([(APP.id, given["room"])])
    elif order == "idle" and services is not None:
        await services.outbox.idle()
    return {"cpu": time.process_time(), "seconds": time.perf_counter() - begun}


def _say(told: object) -> None:
    print(json.dumps(told), flush=True)  # noqa: T201 -- the parent reads it


_KINDS: Mapping[str, Callable[..., AbstractAsyncContextManager[Served]]] = {
    each.__name__: each for each in (bare, engine, livekit, prompt_engine)
}

if __name__ == "__main__":
    kind, given = sys.argv[1:]
    asyncio.run(_serve(_KINDS[kind](**json.loads(given))))
