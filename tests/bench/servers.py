"""Servers under load, each in a process of its own."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
import orjson
from aiohttp import web

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.loopback import Loopback
from utd_stream.adapters.luck import SystemLuck
from utd_stream.engine.app import make_app
from utd_stream.engine.config import App, Config
from utd_stream.engine.listening import EngineRunner, open_sockets
from utd_stream.engine.services import SERVICES
from utd_stream.engine.store import Store
from utd_stream.engine.webhooks import hear
from utd_stream.models import Permission

__all__ = ["APP", "bare_app", "engine_app"]

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


def engine_app(database: Path) -> web.Application:
    """Return our engine, whose SFU confirms at once."""
    config = Config(
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
    app = make_app(
        config,
        sfu=sfu,
        clock=AsyncioClock(),
        luck=SystemLuck(),
        store=Store(config.database),
    )
    heard: set[asyncio.Task[None]] = set()

    def tell(body: bytes, signature: str) -> None:
        hearing = asyncio.ensure_future(hear(app[SERVICES], body, signature))
        heard.add(hearing)
        hearing.add_done_callback(heard.discard)

    sfu.watch(tell)
    return app


def bare_app(database: Path) -> web.Application:
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


async def _serve(app: web.Application) -> None:
    runner: web.AppRunner
    if SERVICES in app:
        runner = served = EngineRunner(app)
        await runner.setup()
        served.listen(open_sockets("127.0.0.1", 0))
    else:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)  # noqa: T201 -- the parent reads it
    await asyncio.to_thread(sys.stdin.read)  # until the parent lets go
    await runner.cleanup()


if __name__ == "__main__":
    kind, place = sys.argv[1:]
    make = engine_app if kind == "engine" else bare_app
    asyncio.run(_serve(make(Path(place))))
