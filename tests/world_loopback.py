"""The ground of worlds in memory, on virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from tests.world_ground import ROOM, AnySession, GrantLine, make_config
from utd_stream import EmbeddedWorld
from utd_stream.adapters.http import AiohttpHttp
from utd_stream.adapters.loopback import Loopback
from utd_stream.client.timeouts import Timeouts
from utd_stream.engine.services import Services
from utd_stream.media import Tone
from utd_stream.models import Permission
from utd_stream.models.names import sfu_room_name
from utd_stream.ports import Clock, Http
from utd_stream.testing import SeededLuck, VirtualClock, Webhooks

__all__ = ["LoopbackGround"]


class _FrailLoopback(Loopback):
    """The loopback plane, the engine's grants on a line of their own."""

    def __init__(self, clock: Clock, grants: GrantLine) -> None:
        # So the answer to who asked for a seat is quicker than the right, as over
        # LiveKit.
        super().__init__(clock, delay=0.007)
        self._grants = grants

    async def update_participant(
        self, name: str, identity: str, *, permission: Permission, metadata: str
    ) -> None:
        """Replace somebody's rights, unless the line is cut."""
        if await self._grants.carries(identity, permission):
            await super().update_participant(
                name, identity, permission=permission, metadata=metadata
            )


@attrs.frozen
class _Client:
    """A member in this process, with a line to be cut for good."""

    sfu: Loopback
    sfu_room: str
    identity: str

    async def cut(self) -> None:
        """Break its line to the SFU."""
        self.sfu.lines.cut(self.sfu_room, self.identity)

    async def mend(self) -> None:
        """Mend its line to the SFU."""
        self.sfu.lines.mend(self.sfu_room, self.identity)

    async def kill(self) -> None:
        """End it without a farewell."""
        self.sfu.lines.kill(self.sfu_room, self.identity)


class LoopbackGround:
    """An embedded world.

    Args:
        clock: Of its loop.
        app_id: Of the app.
        database: Of the engine.
        settings: Of the engine, beside what a test needs.
    """

    def __init__(
        self, clock: VirtualClock, app_id: str, *, database: Path, **settings: Any
    ) -> None:
        self.config = make_config(
            app_id,
            database=f"sqlite:///{database}",
            livekit_url=Loopback.URL,
            livekit_api_key="loopback",
            livekit_api_secret="loopback",  # noqa: S106 -- nobody else can reach it
            **settings,
        )
        self.clock = clock
        self.timeouts = Timeouts()
        self.luck = SeededLuck(0)
        self.grants = GrantLine()
        self.sfu = self.media = _FrailLoopback(clock, self.grants)
        self.sfu_url = Loopback.URL
        self._world = EmbeddedWorld(
            self.config,
            clock=clock,
            engine_clock=clock,
            luck=self.luck,
            fact_log=None,
        )
        self._world.sfu = self.sfu
        self.base_url = self._world.base_url

    @property
    def services(self) -> Services:
        """The parts of the running engine."""
        return self._world._engine.services

    @property
    def webhooks(self) -> Webhooks:
        """Of the SFU."""
        return self._world.webhooks

    def http(self) -> Http:
        """Return the way of the world's own clients."""
        return AiohttpHttp(session=self._world._pool)

    def short_minute(self) -> tuple[Clock, float]:
        """Return the clock of all: its minutes cost nothing."""
        return self.clock, 1.0

    async def start(self) -> None:
        """Start the world."""
        await self._world.start()

    async def aclose(self) -> None:
        """End the world."""
        await self._world.aclose()

    async def start_engine(self) -> None:
        """Start the engine."""
        await self._world.start_engine()

    async def stop_engine(self) -> None:
        """Stop the engine."""
        await self._world.stop_engine()

    async def kill_engine(self) -> None:
        """End the engine, and break every connection to it."""
        await self._world.kill_engine()

    async def start_sfu(self) -> None:
        """Let the plane live again."""
        self.sfu.start()

    async def kill_sfu(self) -> None:
        """Let the plane die."""
        self.sfu.kill()

    async def reconnect(self, session: AnySession, *, fully: bool) -> None:
        """Break one line, as LiveKit's client is asked to."""
        lines = self.sfu.lines
        again = lines.reconnect if fully else lines.resume
        room = sfu_room_name(self.config.apps[0].id, session.room_name)
        again(room, session.local_participant.identity)

    async def seat_mortal(self, identity: str, *, seat: int) -> _Client:
        """Join, and sit down."""
        client = self._world.client(microphone=Tone(440))
        session = await client.join_audio_room(identity, ROOM)
        await session.take_seat(seat)
        return _Client(self.sfu, self._sfu_room, identity)

    @property
    def _sfu_room(self) -> str:
        return sfu_room_name(self.config.apps[0].id, ROOM)
