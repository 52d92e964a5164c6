"""P9's worlds: rooms full of members who do nothing, on virtual time.

Each is measured in a process of its own, which prints one line of JSON.
``python -m tests.bench.idle sessions 50 3600 --lines`` tells the lines of code that
hold the memory instead.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
import tracemalloc
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NoReturn, TypeAlias

from tests.bench.lives import resident
from utd_stream import embedded
from utd_stream.adapters.loopback import Loopback
from utd_stream.contract.requests import TokenRequest
from utd_stream.testing import VirtualClock, VirtualLoop
from utd_stream.wire import decode_request

__all__ = ["PER_ROOM"]

PER_ROOM = 10

# Rooms before the first look: what is loaded once is nobody's own.
_WARM = 2
_LINES = 30

_Enter: TypeAlias = Callable[[str, str], Awaitable[object]]
_World: TypeAlias = Callable[[VirtualClock], AbstractAsyncContextManager[_Enter]]


@asynccontextmanager
async def plane(clock: VirtualClock) -> AsyncGenerator[_Enter]:
    """Hold members of the loopback alone, by tokens signed here."""
    sfu = Loopback(clock)

    async def enter(room: str, identity: str) -> object:
        grants = {"roomJoin": True, "room": room, "canSubscribe": True}
        token = sfu.sign_token({"sub": identity, "video": grants})
        return await _connected(sfu, token)

    yield enter


@asynccontextmanager
async def engine(clock: VirtualClock) -> AsyncGenerator[_Enter]:
    """Hold members of the loopback and of an engine, which mints; no sessions."""
    async with embedded(clock=clock) as world:
        api = world.client().api

        async def enter(room: str, identity: str) -> object:
            asked = {"type": "audio_room", "room_name": room, "identity": identity}
            answer = await api.create_token(decode_request(TokenRequest, asked))
            return await _connected(world.sfu, answer.token)

        yield enter


@asynccontextmanager
async def sessions(clock: VirtualClock) -> AsyncGenerator[_Enter]:
    """Hold sessions, each of a client of its own."""
    async with embedded(clock=clock) as world:

        async def enter(room: str, identity: str) -> object:
            return await world.client().join_audio_room(identity, room)

        yield enter


_WORLDS: dict[str, _World] = {
    world.__name__: world for world in (plane, engine, sessions)
}


async def _connected(sfu: Loopback, token: str) -> object:
    room = sfu.open(adaptive_stream=True, dynacast=True)
    await room.connect(Loopback.URL, token, auto_subscribe=True)
    return room


async def _measure(
    world: _World, clock: VirtualClock, rooms: int, idle: float
) -> NoReturn:
    async with world(clock) as enter:
        members = await _fill(enter, range(-_WARM, 0))
        await clock.settle()
        before = resident()
        members += await _fill(enter, range(rooms))
        await clock.settle()
        each = (resident() - before) / (rooms * PER_ROOM)
        begun = time.perf_counter()
        await clock.advance(idle)
        told = {"bytes": each, "idle": time.perf_counter() - begun}
        _end(json.dumps(told))


async def _tell_lines(
    world: _World, clock: VirtualClock, rooms: int, _: float
) -> NoReturn:
    async with world(clock) as enter:
        members = await _fill(enter, range(-_WARM, 0))
        gc.collect()
        tracemalloc.start()
        members += await _fill(enter, range(rooms))
        await clock.settle()
        gc.collect()
        count = rooms * PER_ROOM
        lines = tracemalloc.take_snapshot().statistics("lineno")[:_LINES]
        _end("\n".join(f"{line.size / count:6.0f} {line.traceback}" for line in lines))


async def _fill(enter: _Enter, rooms: range) -> list[object]:
    members: list[object] = []
    for room in rooms:
        names = [f"member-{room}-{number}" for number in range(PER_ROOM)]
        entering = (enter(f"room-{room}", name) for name in names)
        members += await asyncio.gather(*entering)
    return members


def _end(told: str) -> NoReturn:
    print(told, flush=True)  # noqa: T201 -- the parent reads it
    os._exit(0)  # that many goodbyes would take as long as the rest


if __name__ == "__main__":
    measure = _tell_lines if "--lines" in sys.argv else _measure
    loop = VirtualLoop()
    name, rooms, idle = sys.argv[1:4]
    work = measure(_WORLDS[name], loop.clock, int(rooms), float(idle))
    loop.run_until_complete(work)
