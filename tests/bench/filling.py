"""An engine beside a room service, and how rooms are filled by the thousand."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import tempfile
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import jwt

from tests.bench.line import Line, Server, serving
from tests.bench.servers import APP, SECRET
from utd_stream.models.names import sfu_room_name

__all__ = ["APP_KEY", "World", "filling"]

APP_KEY = {"X_App_Id": APP.id, "X_App_Key": APP.key}
_LINES = 16


@attrs.frozen
class World:
    """An engine and the room service that it asks.

    Attributes:
        engine: Our engine, as it is served.
        livekit: The room service.
    """

    engine: Server
    livekit: Server

    async def fill(self, people: Iterable[tuple[str, str]], *, told: bool) -> None:
        """Let people in, each a room's name and an identity.

        Args:
            people: Who.
            told: Whether webhooks tell the engine; else a listing has to.
        """
        waiting = iter(people)
        await asyncio.gather(*(self._enter(waiting, told=told) for _ in range(_LINES)))
        await self.engine.tell("idle")

    async def counts(self) -> Mapping[str, Any]:
        """Return how much the room service was asked so far."""
        line = await Line.open(self.livekit.port)
        counts: dict[str, Any] = json.loads(await line.ask("/counts", method="GET"))
        line.close()
        return counts

    async def _enter(self, waiting: Iterable[tuple[str, str]], *, told: bool) -> None:
        engine = await Line.open(self.engine.port)
        livekit = await Line.open(self.livekit.port)
        for room, identity in waiting:
            asked = {"type": "audio_room", "room_name": room, "identity": identity}
            answer = json.loads(await engine.ask("/api/v1/token", asked, **APP_KEY))
            entered = json.loads(await livekit.ask("/enter", [answer["token"]]))
            if told:
                await _tell(engine, sfu_room_name(APP.id, room), entered[0])
        engine.close()
        livekit.close()


async def _tell(line: Line, room: str, participant: Mapping[str, Any]) -> None:
    notice = {
        "event": "participant_joined",
        "room": {"name": room},
        "participant": participant,
    }
    body = json.dumps(notice).encode()
    now = int(time.time())
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    claims = {"iss": "key", "nbf": now - 1, "exp": now + 60, "sha256": digest}
    token = jwt.encode(claims, SECRET, "HS256")
    await line.ask("/livekit/webhook", body, Authorization=token)


@asynccontextmanager
async def filling() -> AsyncGenerator[World]:
    """Run an engine on disk beside a room service."""
    with tempfile.TemporaryDirectory() as place:
        database = str(Path(place) / "engine.db")
        async with serving("livekit") as livekit:
            url = f"http://127.0.0.1:{livekit.port}"
            async with serving("engine", database=database, livekit=url) as engine:
                yield World(engine, livekit)
