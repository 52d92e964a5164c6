"""What stays of rooms that begin and end: memory, disk, and the time of a start.

Hundreds of thousands of rooms live for a minute each, on virtual time, in one
engine on disk; a room has one member, who connects and takes a seat.  A name is
remembered for a day, so that from the second day on nothing may grow.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs

from tests.bench.report import Figure
from tests.bench.servers import APP, SECRET
from utd_stream.adapters.loopback import Loopback
from utd_stream.adapters.luck import SystemLuck
from utd_stream.contract import Who
from utd_stream.contract.fields import Identity, RoomOrCall
from utd_stream.contract.requests import TokenRequest
from utd_stream.engine import Config, Services, running
from utd_stream.engine.orders import Idempotency, Order
from utd_stream.engine.rules.commands import Actor, Command, EndRoom, Enter, TakeSeat
from utd_stream.models import UTDStreamType
from utd_stream.testing import VirtualClock, VirtualLoop

__all__ = ["measure_lives", "measure_start", "resident"]

_AT_ONCE = 250
# So many begin in a day; half of them are remembered after the first one.
_PER_DAY = 50_000
_DAY = 86_400.0
_MEGABYTE = 1_000_000
_ENDED, _LIVE = 29_700, 300


@attrs.frozen
class _Held:
    """What an engine holds, in megabytes."""

    memory: float
    disk: float


def measure_lives(rooms: int) -> list[Figure]:
    """Return what an engine holds after *rooms* rooms, beside half as many."""
    loop = VirtualLoop()
    half, whole = loop.run_until_complete(_lives(loop.clock, rooms))
    what = f"after {rooms:,} rooms that ended, beside {rooms // 2:,}"
    return [
        Figure(
            name=f"lives {name}",
            what=f"{name} of an engine {what}",
            unit="MB",
            ours=ours,
            bare=bare,
            goal=1.05,
        )
        for name, ours, bare in (
            ("memory", whole.memory, half.memory),
            ("disk", whole.disk, half.disk),
        )
    ]


async def _lives(clock: VirtualClock, rooms: int) -> tuple[_Held, _Held]:
    with tempfile.TemporaryDirectory() as place:
        world = _World(Path(place), clock)
        async with world:
            held: list[_Held] = []
            for begun in range(0, rooms, _AT_ONCE):
                await world.live_and_end(range(begun, begun + _AT_ONCE))
                await clock.advance(_DAY * _AT_ONCE / _PER_DAY)
                if begun + _AT_ONCE in {rooms // 2, rooms}:
                    held.append(world.held())
    return held[0], held[1]


class _World:
    """An engine on disk, on the loop's time, that no socket leads to."""

    def __init__(self, place: Path, clock: VirtualClock) -> None:
        self._place = place
        self._clock = clock
        self._sfu = Loopback(clock)
        config = Config(
            database=f"sqlite:///{place / 'engine.db'}",
            secret=SECRET,
            apps=(APP,),
            livekit_url="ws://127.0.0.1:1",
            livekit_api_key="key",
            livekit_api_secret=SECRET,
        )
        self.engine = running(
            config,
            sfu=self._sfu,
            clock=clock,
            luck=SystemLuck(),
            sockets=(),
            threaded=False,
        )

    async def __aenter__(self) -> None:
        await self.engine.start()

    async def __aexit__(self, *_: object) -> None:
        await self.engine.aclose()
        await self._sfu.aclose()

    async def live_and_end(self, numbers: Iterable[int]) -> None:
        """Let one room of each number begin, be used and end."""
        names = [f"room-{number}" for number in numbers]
        for command in (_enter, _take, _end):
            await self._order([command(name) for name in names])
            await self._clock.advance(20)

    async def live(self, names: Iterable[str]) -> None:
        """Let rooms begin."""
        await self._order([_enter(name) for name in names])

    async def _order(self, orders: list[Order]) -> None:
        services: Services = self.engine.services
        await asyncio.gather(*map(services.writer.submit, orders))
        await services.outbox.idle()

    def held(self) -> _Held:
        """Return what it holds."""
        files = [file.stat().st_size for file in self._place.iterdir()]
        return _Held(resident() / _MEGABYTE, sum(files) / _MEGABYTE)


def _enter(room: str) -> Order:
    request = TokenRequest(
        type=UTDStreamType.AUDIO_ROOM, room_name=RoomOrCall(room), identity=_ANA
    )
    return _order(room, Enter(request=request), who=Who.APP)


def _take(room: str) -> Order:
    scope = (APP.id, "ana", room)
    key = Idempotency.of(scope, "POST", f"/{room}/seats/0/take", b"")
    return _order(room, TakeSeat(index=0), who=Who.SELF, idempotency=key)


def _end(room: str) -> Order:
    return _order(room, EndRoom(), who=Who.SECRET)


def _order(room: str, command: Command, **more: Any) -> Order:
    actor = Actor(identity=_ANA, is_secret=True)
    return Order(key=(APP.id, room), command=command, actor=actor, **more)


_ANA = Identity("ana")


def measure_start() -> list[Figure]:
    """Return how long an engine takes to start over many rooms that have ended."""
    loop = VirtualLoop()
    with tempfile.TemporaryDirectory() as place:
        full, empty = Path(place) / "full", Path(place) / "empty"
        for folder in (full, empty):
            folder.mkdir()
        loop.run_until_complete(_fill(_World(full, loop.clock)))
        ours = loop.run_until_complete(_start(_World(full, loop.clock)))
        bare = loop.run_until_complete(_start(_World(empty, loop.clock)))
    return [
        Figure(
            name="start",
            what=f"a start over {_ENDED + _LIVE:,} rooms, {_LIVE} of them live,"
            " and a look at all that live",
            unit="s",
            ours=ours,
            bare=bare,
            goal=3,
            is_ratio=False,
        )
    ]


async def _fill(world: _World) -> None:
    async with world:
        for begun in range(0, _ENDED, _AT_ONCE):
            last = min(begun + _AT_ONCE, _ENDED)
            await world.live_and_end(range(begun, last))
        await world.live([f"live-{number}" for number in range(_LIVE)])


async def _start(world: _World) -> float:
    begun = time.perf_counter()
    async with world:
        await world.engine.services.reconciler.look()
        return time.perf_counter() - begun


def resident() -> int:
    """Return the memory this process has of the machine, in bytes."""
    gc.collect()
    # On Linux and macOS; Python itself knows only the most it ever was.
    asked = ["ps", "-o", "rss=", "-p", str(os.getpid())]
    told = subprocess.run(asked, capture_output=True, check=True)  # noqa: S603 -- above
    return int(told.stdout) * 1_024
