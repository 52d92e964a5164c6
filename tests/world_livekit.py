"""The ground of worlds over a real LiveKit server, with an engine on a socket."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from livekit import rtc

from tests.patience import (
    GRACES,
    PATIENT_TIMEOUTS,
    PatientClock,
    patient,
    patient_http,
    patiently,
)
from tests.relay import Registration
from tests.world_ground import AnySession, GrantLine, make_config
from utd_stream.adapters.livekit_api import LiveKitSfu
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.adapters.livekit_rtc import LiveKitMedia
from utd_stream.adapters.luck import SystemLuck
from utd_stream.engine import Services, running
from utd_stream.models import Permission
from utd_stream.ports import Clock, Http

__all__ = ["LiveKitGround"]

_FULL = rtc.SimulateScenarioKind.SIMULATE_FULL_RECONNECT
_SIGNAL = rtc.SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT


class _FrailSfu(LiveKitSfu):
    """LiveKit's server API, its grants on a line of their own."""

    def __init__(self, url: str, key: str, secret: str, grants: GrantLine) -> None:
        super().__init__(url, key, secret, timeout=patient(10))
        self._grants = grants

    async def update_participant(
        self, name: str, identity: str, *, permission: Permission, metadata: str
    ) -> None:
        """Replace somebody's rights, unless the line is cut."""
        if await self._grants.carries(identity, permission):
            await super().update_participant(
                name, identity, permission=permission, metadata=metadata
            )


class _HastyClock(PatientClock):
    """A clock on which a minute of waiting lasts a second; limits are kept."""

    HASTE = 60.0

    def monotonic(self) -> float:
        """Return seconds, which pass sixty times as fast."""
        return super().monotonic() * self.HASTE

    async def sleep(self, seconds: float) -> None:
        """Wait a sixtieth of *seconds*."""
        await super().sleep(seconds / self.HASTE)

    def call_later(
        self, seconds: float, call: Callable[[], object]
    ) -> Callable[[], None]:
        """Call *call* after a sixtieth of *seconds*."""
        return super().call_later(seconds / self.HASTE, call)


@attrs.frozen
class _Process:
    """A member in a process of its own."""

    process: asyncio.subprocess.Process

    async def cut(self) -> None:
        """Let it stand still: it neither sends nor reads."""
        self.process.send_signal(signal.SIGSTOP)

    async def mend(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """End it without a farewell."""
        self.process.kill()
        await self.process.wait()


class LiveKitGround:
    """One LiveKit server, and an engine in this process.

    Args:
        livekit: The server.
        app_id: Of the app; its own for each test.
        register: Tells the webhook relay where the engine listens.
        database: Of the engine.
        is_mortal: Whether engine and server may be killed; the server is this
            test's own then, and the engine writes on no thread.
        settings: Of the engine, beside what a test needs.
    """

    def __init__(
        self,
        livekit: LiveKitProcess,
        app_id: str,
        register: Callable[[str], Registration],
        *,
        database: Path,
        is_mortal: bool = False,
        **settings: Any,
    ) -> None:
        self.config = make_config(
            app_id,
            database=f"sqlite:///{database}",
            livekit_url=livekit.url,
            livekit_api_key=livekit.api_key,
            livekit_api_secret=livekit.api_secret,
            **{**GRACES, **settings},
        )
        self.sfu_url = livekit.url
        self.clock = PatientClock()
        self.timeouts = PATIENT_TIMEOUTS
        self.luck = SystemLuck()
        self.media = LiveKitMedia()
        self.grants = GrantLine()
        self.sfu = _FrailSfu(
            livekit.http_url, livekit.api_key, livekit.api_secret, self.grants
        )
        self.webhooks: Registration
        self._livekit = livekit
        self._register = register
        self._is_mortal = is_mortal
        self._members: list[_Process] = []
        self._engine = running(
            self.config,
            sfu=self.sfu,
            clock=self.clock,
            luck=self.luck,
            threaded=not is_mortal,
        )

    @property
    def base_url(self) -> str:
        """Where the engine listens, or did."""
        return self._engine.base_url

    @property
    def services(self) -> Services:
        """The parts of the running engine."""
        return self._engine.services

    def http(self) -> Http:
        """Return a pool of its own."""
        return patient_http()

    def short_minute(self) -> tuple[Clock, float]:
        """Return a clock that is in a hurry."""
        return _HastyClock(), _HastyClock.HASTE

    async def start(self) -> None:
        """Start the engine."""
        await self.start_engine()
        self.webhooks = self._register(f"{self.base_url}/livekit/webhook")

    async def aclose(self) -> None:
        """End the engine, and who is left in other processes."""
        for member in self._members:
            if member.process.returncode is None:
                await member.kill()
        await self._engine.aclose()
        await self.sfu.aclose()

    async def start_engine(self) -> None:
        """Start the engine, on the port it had before if it had one."""
        await self._engine.start()

    async def stop_engine(self) -> None:
        """Stop the engine."""
        await self._engine.stop()

    async def kill_engine(self) -> None:
        """End the engine, and reset every connection to it."""
        assert self._is_mortal
        await self._engine.kill()

    async def start_sfu(self) -> None:
        """Start the server on its ports."""
        await asyncio.to_thread(self._livekit.start)

    async def kill_sfu(self) -> None:
        """Kill the server."""
        assert self._is_mortal  # other tests use it
        await asyncio.to_thread(self._livekit.kill)

    async def reconnect(self, session: AnySession, *, fully: bool) -> None:
        """Ask LiveKit's client for it."""
        native: rtc.Room = session.room.room
        await native.simulate_scenario(_FULL if fully else _SIGNAL)

    async def seat_mortal(self, identity: str, *, seat: int) -> _Process:
        """Start a process of its own that joins, sits down and says so."""
        app = self.config.apps[0]
        member = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.e2e.member"),
            *(self.base_url, app.id, str(app.key), identity, str(seat)),
            stdout=asyncio.subprocess.PIPE,
        )
        self._members.append(_Process(member))
        assert member.stdout is not None
        async with patiently(30):
            assert await member.stdout.readline() == b"speaking\n"
        return self._members[-1]
