"""What a world stands on, and how it can be made to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.client.call import UTDCallSession
from utd_stream.client.timeouts import Timeouts
from utd_stream.engine.config import App, Config
from utd_stream.engine.services import Services
from utd_stream.errors import TransportError
from utd_stream.models import Permission
from utd_stream.ports import Clock, Http, Luck, Media, Sfu

__all__ = [
    "APP_KEY",
    "ROOM",
    "AnySession",
    "GrantLine",
    "Ground",
    "Mortal",
    "Told",
    "Webhooks",
    "make_config",
]

AnySession: TypeAlias = UTDAudioRoomSession | UTDCallSession

ROOM = "lounge"
APP_KEY = "key"


class GrantLine:
    """The engine's way of writing rights, which can be cut in one place.

    Attributes:
        takes: Whether rights can be written; else the engine is told so.
        delivers: Whether what is written comes to anything; else nobody is told.
        written: What was written and came to something.
    """

    def __init__(self) -> None:
        self.takes = True
        self.delivers = True
        self.written: list[tuple[str, Permission]] = []
        self._is_free = asyncio.Event()
        self._is_free.set()

    def hold(self) -> None:
        """Let who writes wait from now on."""
        self._is_free.clear()

    def release(self) -> None:
        """Let who waits go on."""
        self._is_free.set()

    async def carries(self, identity: str, permission: Permission) -> bool:
        """Return whether a write arrives.

        Raises:
            TransportError: If it is refused.
        """
        await self._is_free.wait()
        if not self.takes:
            message = "the line to the SFU is cut"
            raise TransportError(message)
        if self.delivers:
            self.written.append((identity, permission))
        return self.delivers


class Told(Protocol):
    """A webhook of the SFU."""

    @property
    def event(self) -> str:
        """What happened, as ``participant_joined``."""
        ...

    @property
    def payload(self) -> dict[str, Any]:
        """The body, read."""
        ...


class Webhooks(Protocol):
    """Webhooks on their way to the engine; of rules that match the newest counts."""

    def drop(self, matching: Callable[[Told], bool] = ...) -> None:
        """Lose what matches, from now on."""
        ...

    def hold(self, matching: Callable[[Told], bool] = ...) -> None:
        """Keep back what matches until it is released."""
        ...

    async def release(self) -> None:
        """Deliver what is held; return when it is done."""
        ...

    async def arrival(
        self, matching: Callable[[Told], bool] = ..., *, timeout: float = ...
    ) -> Told:
        """Return the first webhook that matches, of those received or to come."""
        ...


class Mortal(Protocol):
    """A member who may die, or be cut off."""

    async def cut(self) -> None:
        """Let nothing get through, both ways."""
        ...

    async def mend(self) -> None:
        """Undo `cut`."""
        ...

    async def kill(self) -> None:
        """End it without a farewell."""
        ...


class Ground(Protocol):
    """What a world stands on."""

    @property
    def config(self) -> Config:
        """Of the engine."""
        ...

    @property
    def base_url(self) -> str:
        """Of the engine."""
        ...

    @property
    def sfu_url(self) -> str:
        """Where clients connect to the SFU."""
        ...

    @property
    def clock(self) -> Clock:
        """Of everything."""
        ...

    @property
    def timeouts(self) -> Timeouts:
        """Of clients, unless a test says otherwise."""
        ...

    @property
    def luck(self) -> Luck:
        """Of everything."""
        ...

    @property
    def media(self) -> Media:
        """The SFU, for clients."""
        ...

    @property
    def sfu(self) -> Sfu:
        """The SFU, for engines."""
        ...

    @property
    def grants(self) -> GrantLine:
        """The engine's way of writing rights."""
        ...

    @property
    def webhooks(self) -> Webhooks:
        """Of the SFU."""
        ...

    @property
    def services(self) -> Services:
        """The parts of the running engine."""
        ...

    def http(self) -> Http:
        """Return a line to the engine, for one client."""
        ...

    def short_minute(self) -> tuple[Clock, float]:
        """Return a clock for who waits for minutes, and how fast it is."""
        ...

    async def start(self) -> None:
        """Start the engine; the SFU runs."""
        ...

    async def aclose(self) -> None:
        """End what was started."""
        ...

    async def start_engine(self) -> None:
        """Start the engine again, where it was."""
        ...

    async def stop_engine(self) -> None:
        """Stop the engine clean."""
        ...

    async def kill_engine(self) -> None:
        """End the engine in the middle of what it does."""
        ...

    async def start_sfu(self) -> None:
        """Start the SFU again, where it was; it has forgotten everything."""
        ...

    async def kill_sfu(self) -> None:
        """End the SFU; nobody is told."""
        ...

    async def reconnect(self, session: AnySession, *, fully: bool) -> None:
        """Break a client's connection, so that it repairs it by itself."""
        ...

    async def seat_mortal(self, identity: str, *, seat: int) -> Mortal:
        """Let somebody join, and speak on *seat*."""
        ...


def make_config(app_id: str, **settings: Any) -> Config:
    """Return the configuration of an engine whose app lets anybody in."""
    app = App(
        id=app_id,
        key=APP_KEY,
        secret="app-secret",  # noqa: S106 -- of a test
        allow_appkey_identity_mint=True,
    )
    settings = {"rate_app": 0, "rate_identity": 0, "rate_pair": 0, **settings}
    return Config(port=0, secret="s" * 32, apps=(app,), **settings)
