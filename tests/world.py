"""An engine, people with clients, and the SFU between them, for one test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.relay import Registration
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.livekit_api import LiveKitSfu
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.adapters.luck import SystemLuck
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.compose import UTDStreamClient
from utd_stream.engine.app import make_app
from utd_stream.engine.config import App, Config
from utd_stream.engine.rules import Room
from utd_stream.engine.services import SERVICES, Services
from utd_stream.engine.store import Store
from utd_stream.errors import TransportError
from utd_stream.media import Tone
from utd_stream.models import Permission
from utd_stream.models.names import sfu_room_name
from utd_stream.ports import SfuParticipant

__all__ = ["ROOM", "HalfDeafSfu", "World"]

ROOM = "lounge"


class HalfDeafSfu(LiveKitSfu):
    """LiveKit's server API, behind a line that can be cut in one place.

    Attributes:
        takes_grants: Whether rights can be written; else it is said.
        hears_grants: Whether what is written comes to anything; else it is not said.
    """

    takes_grants = True
    hears_grants = True

    def __init__(self, url: str, key: str, secret: str) -> None:
        super().__init__(url, key, secret)
        self.grants: list[tuple[str, Permission]] = []

    async def update_participant(
        self, name: str, identity: str, *, permission: Permission, metadata: str
    ) -> None:
        """Replace somebody's rights, unless the line is cut."""
        if not self.takes_grants:
            message = "the line to the SFU is cut"
            raise TransportError(message)
        if not self.hears_grants:
            return
        self.grants.append((identity, permission))
        await super().update_participant(
            name, identity, permission=permission, metadata=metadata
        )


class World:
    """One app on one engine over one SFU.

    Args:
        livekit: The SFU.
        app_id: Of the app; its own for each test.
        register: Tells the webhook relay where the engine listens.
        settings: Of the engine, beside what a test world needs.
    """

    def __init__(
        self,
        livekit: LiveKitProcess,
        app_id: str,
        register: Callable[[str], Registration],
        *,
        database: Path,
        **settings: Any,
    ) -> None:
        self.livekit = livekit
        self.app = App(
            id=app_id,
            key="key",
            secret="app-secret",  # noqa: S106 -- of a test
            allow_appkey_identity_mint=True,
        )
        self.config = Config(
            port=0,
            database=f"sqlite:///{database}",
            secret="s" * 32,
            apps=(self.app,),
            livekit_url=livekit.url,
            livekit_api_key=livekit.api_key,
            livekit_api_secret=livekit.api_secret,
            **settings,
        )
        self.sfu = HalfDeafSfu(livekit.http_url, livekit.api_key, livekit.api_secret)
        self.base_url = ""
        self.webhooks: Registration
        self._register = register
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._stack = AsyncExitStack()

    @property
    def services(self) -> Services:
        """The parts of the running engine."""
        assert self._runner is not None
        return self._runner.app[SERVICES]

    @property
    def sfu_room(self) -> str:
        """The SFU's name of the room."""
        return sfu_room_name(self.app.id, ROOM)

    async def start_engine(self) -> None:
        """Start the engine, on the port it had before if it had one."""
        app = make_app(
            self.config,
            sfu=self.sfu,
            clock=AsyncioClock(),
            luck=SystemLuck(),
            store=Store(self.config.database),
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{self._port}"
        self.webhooks = self._register(f"{self.base_url}/livekit/webhook")

    async def stop_engine(self) -> None:
        """Stop the engine; what it has committed stays."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def client(self, **settings: Any) -> UTDStreamClient:
        """Return a client that is closed with the world."""
        made = UTDStreamClient(
            self.app.id,
            self.app.key,
            base_url=self.base_url,
            **{"microphone": Tone(440), **settings},
        )
        return await self._stack.enter_async_context(made)

    async def join(
        self, identity: str, *, client: UTDStreamClient | None = None, **asked: Any
    ) -> UTDAudioRoomSession:
        """Return a session of *identity* that is disposed with the world."""
        client = client or await self.client()
        session = await client.join_audio_room(identity, ROOM, **asked)
        return await self._stack.enter_async_context(session)

    async def reconcile(self) -> None:
        """Let the engine compare itself with the SFU now."""
        await self.services.reconciler.look()

    async def room(self) -> Room:
        """Return the room as the engine has committed it."""
        room = await self.services.writer.room((self.app.id, ROOM))
        assert room is not None
        return room

    async def present(self) -> list[str]:
        """Return who the SFU lists."""
        listed = await self.sfu.list_participants(self.sfu_room)
        return [participant.identity for participant in listed]

    async def gone(self, identity: str) -> None:
        """Wait until the SFU lists somebody no more; it takes a moment."""
        async with asyncio.timeout(20):
            while identity in await self.present():
                pass  # each look is a request, and so a pause

    async def nothing_is_left(self, identity: str) -> None:
        """Wait until neither engine nor SFU holds anything for somebody."""
        room = await self.room()
        assert room.seat_index_of(identity) is None
        async with asyncio.timeout(10):
            while True:
                listed = await self.listed(identity)
                if listed is None:
                    return
                assert listed.permission is not None
                if not listed.track_sources and not listed.permission.can_publish:
                    return

    async def listed(self, identity: str) -> SfuParticipant | None:
        """Return what the SFU lists of *identity*, or None."""
        for participant in await self.sfu.list_participants(self.sfu_room):
            if participant.identity == identity:
                return participant
        return None

    async def __aenter__(self) -> Self:
        # Closed in the reverse order, whatever fails on the way.
        self._stack.push_async_callback(self.sfu.aclose)
        self._stack.push_async_callback(self.stop_engine)
        await self.start_engine()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()
