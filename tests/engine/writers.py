"""A writer over a file, and orders for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.contract import Who
from utd_stream.contract.fields import Identity, RoomOrCall
from utd_stream.contract.requests import TokenRequest
from utd_stream.engine.orders import Order, Outcome
from utd_stream.engine.rules.commands import Actor, Enter, TakeSeat
from utd_stream.engine.rules.state import Rules
from utd_stream.engine.store import RoomKey, Store
from utd_stream.engine.writer import Writer
from utd_stream.models import UTDStreamType
from utd_stream.ports import Clock
from utd_stream.wire import encode

KEY = ("a", "lounge")


@asynccontextmanager
async def writing(
    database: str,
    *,
    threaded: bool = True,
    clock: Clock | None = None,
    **settings: Any,
) -> AsyncGenerator[Writer]:
    """Run a writer."""
    writer = Writer(
        Store(database),
        clock=clock or AsyncioClock(),
        rules=Rules(),
        threaded=threaded,
        **settings,
    )
    writer.start()
    try:
        yield writer
    finally:
        await writer.aclose()


def enter(identity: str, room: str = "lounge") -> Order:
    """Return the order to mint."""
    request = TokenRequest(
        type=UTDStreamType.AUDIO_ROOM,
        room_name=RoomOrCall(room),
        identity=Identity(identity),
    )
    return Order(
        key=("a", room),
        command=Enter(request=request),
        who=Who.APP,
        actor=Actor(identity=identity),
    )


def take(identity: str, index: int = 0, **more: Any) -> Order:
    """Return the order to sit down."""
    return Order(
        key=KEY,
        command=TakeSeat(index=index),
        who=Who.SELF,
        actor=Actor(identity=identity),
        reply=lambda _, answer: encode(answer),
        **more,
    )


def broken(identity: str) -> Order:
    """Return an order that the engine cannot decide, by a bug."""
    command = TakeSeat(index=cast("int", "one"))
    return Order(key=KEY, command=command, who=Who.SELF, actor=Actor(identity=identity))


async def members(writer: Writer, key: RoomKey = KEY) -> set[str]:
    """Return who is a member of a room, as committed."""
    room = await writer.room(key)
    assert room is not None
    life = room.life_key
    page = await writer.transact(lambda store: store.members.page(life, 0, 1_000))
    return {member.identity for member in page}


async def all_of(writer: Writer, *orders: Order) -> list[Outcome | BaseException]:
    """Submit everything at once."""
    waiting = [writer.submit(order) for order in orders]
    return await asyncio.gather(*waiting, return_exceptions=True)
