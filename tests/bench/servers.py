"""Servers under load, each in a process of its own."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import orjson
from aiohttp import web

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.loopback import Loopback
from utd_stream.adapters.luck import SystemLuck
from utd_stream.engine import App, Config, running
from utd_stream.engine.webhooks import hear
from utd_stream.models import Permission

__all__ = ["APP", "bare", "engine"]

APP = App(
    id="bench",
    key="key",
    secret="app-secret",  # noqa: S106 -- of a benchmark
    allow_appkey_identity_mint=True,
)
_SECRET = "s" * 32


class PromptSfu(Loopback):
    """An SFU that confirms at once, and lets in who gets a token for a seat."""

    def sign_token(self, claims: Mapping[str, Any]) -> str:
        """Sign a token, and let its holder in."""
        token = super().sign_token(claims)
        if "_room-" in claims.get("video", {}).get("room", ""):
            asyncio.get_running_loop().call_soon(self.enter, token)
        return token

    async def update_room_metadata(self, name: str, metadata: str) -> None:
        """Confirm."""

    async def update_participant(
        self, name: str, identity: str, *, permission: Permission, metadata: str
    ) -> None:
        """Confirm."""


@asynccontextmanager
async def engine(database: Path) -> AsyncGenerator[int]:
    """Run our engine, whose SFU confirms at once; yield its port."""
    config = Config(
        port=0,
        database=f"sqlite:///{database}",
        secret=_SECRET,
        apps=(APP,),
        livekit_url="ws://127.0.0.1:1",
        livekit_api_key="key",
        livekit_api_secret=_SECRET,
        reconcile_period=3_600,
        rate_app=0,
        rate_identity=0,
    )
    sfu = PromptSfu(AsyncioClock())
    heard: set[asyncio.Task[None]] = set()
    async with running(
        config, sfu=sfu, clock=AsyncioClock(), luck=SystemLuck()
    ) as served:

        def tell(body: bytes, signature: str) -> None:
            hearing = asyncio.ensure_future(hear(served.services, body, signature))
            heard.add(hearing)
            hearing.add_done_callback(heard.discard)

        sfu.watch(tell)
        yield int(served.base_url.rpartition(":")[2])


@asynccontextmanager
async def bare(database: Path) -> AsyncGenerator[int]:
    """Run handlers that do the least; yield their port."""
    runner = web.AppRunner(_bare_app(database), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


def _bare_app(database: Path) -> web.Application:
    """Return handlers that do the least: one commit, or one signature."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE seats (room TEXT PRIMARY KEY, state TEXT)")

    async def commit(request: web.Request) -> web.Response:
        body = await request.json()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "INSERT OR REPLACE INTO seats VALUES (?, ?)",
            (body["room"], orjson.dumps(body)),
        )
        connection.execute("COMMIT")
        return web.json_response({"rev": 1})

    async def sign(request: web.Request) -> web.Response:
        body = await request.json()
        now = int(time.time())
        claims = {
            "iss": "key",
            "sub": body["identity"],
            "nbf": now,
            "exp": now + 600,
            "metadata": '{"role":"audience","appId":"bench","service":"utd_stream"}',
            "video": {
                "roomJoin": True,
                "room": body["room_name"],
                "canPublish": False,
                "canPublishSources": ["microphone"],
                "canPublishData": True,
                "canSubscribe": True,
            },
        }
        return web.json_response({"token": jwt.encode(claims, _SECRET, "HS256")})

    app = web.Application()
    app.router.add_post("/commit", commit)
    app.router.add_post("/sign", sign)
    return app


async def _serve(server: AbstractAsyncContextManager[int]) -> None:
    async with server as port:
        print(port, flush=True)  # noqa: T201 -- the parent reads it
        await asyncio.to_thread(sys.stdin.read)  # until the parent lets go


if __name__ == "__main__":
    kind, place = sys.argv[1:]
    serve = engine if kind == "engine" else bare
    asyncio.run(_serve(serve(Path(place))))
