"""A client's end of a signaling socket, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from tests.engine.house import OPEN, House
from utd_stream.contract.signaling import SIGNAL_PATH
from utd_stream.engine import App

__all__ = ["Ear", "ear", "signed_in"]


class Ear:
    """One socket."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, house: House) -> None:
        self.ws = ws
        self.house = house
        self._came: asyncio.Queue[aiohttp.WSMessage] = asyncio.Queue()

    async def say(self, event: str, **data: Any) -> None:
        """Send one frame."""
        await self.ws.send_str(orjson.dumps({"event": event, "data": data}).decode())

    async def sign_in(
        self, identity: str, party: str = "phone", app: App = OPEN, **data: Any
    ) -> dict[str, Any]:
        """Sign in, and return what `ready` says."""
        bearer = self.house.bearer(identity, app)["Authorization"].split()[1]
        await self.say("auth", token=bearer, party_id=party, **data)
        event, ready = await self.heard()
        assert event == "ready", (event, ready)
        return ready

    async def listen(self) -> None:
        """Take what comes, so that pings are answered; until it is closed."""
        while True:
            message = await self.ws.receive()
            self._came.put_nowait(message)
            if message.type is not aiohttp.WSMsgType.TEXT:
                return

    async def frame(self) -> dict[str, Any]:
        """Return the next frame."""
        message = await self._came.get()
        assert message.type is aiohttp.WSMsgType.TEXT, (message, self.ws.close_code)
        frame: dict[str, Any] = orjson.loads(message.data)
        return frame

    async def heard(self) -> tuple[str, dict[str, Any]]:
        """Return the next event and its data."""
        frame = await self.frame()
        return frame["event"], frame["data"]

    async def events(self, count: int) -> list[str]:
        """Return the next *count* events."""
        return [(await self.heard())[0] for _ in range(count)]

    async def closed(self) -> tuple[int | None, str]:
        """Return the code and the reason of the close, whatever comes before."""
        while True:
            message = await self._came.get()
            if message.type is aiohttp.WSMsgType.CLOSE:
                return message.data, message.extra or ""
            if message.type is not aiohttp.WSMsgType.TEXT:
                return self.ws.close_code, ""


@asynccontextmanager
async def ear(house: House) -> AsyncIterator[Ear]:
    """Open a socket, not signed in."""
    url = house.url.rstrip("/") + SIGNAL_PATH
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, timeout=aiohttp.ClientWSTimeout(ws_close=0.1)) as ws,
    ):
        opened = Ear(ws, house)
        listening = asyncio.create_task(opened.listen())
        yield opened
        listening.cancel()


@asynccontextmanager
async def signed_in(
    house: House, identity: str, party: str = "phone", **data: Any
) -> AsyncIterator[Ear]:
    """Open a socket and sign in."""
    async with ear(house) as opened:
        await opened.sign_in(identity, party, **data)
        yield opened
