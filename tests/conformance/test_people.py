"""Who is there is known by the engine, whatever people tell each other."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.entering import entering
from tests.world import ROOM, World
from utd_stream.errors import InvalidArgumentError
from utd_stream.models.room_events import DataReceived


async def test_the_engine_knows_a_newcomer_at_once(world: World) -> None:
    """Who came is on its roster when the join returns, announced or not (T11, T26)."""
    client = world.client()
    await world.join("host", client=client, as_host=True)

    for guest in ("ana", "ben"):
        await world.join(guest)
        listed = await client.api.list_participants(ROOM)
        assert guest in {each.identity for each in listed.data}


async def test_a_message_that_is_too_long_is_refused(world: World) -> None:
    """60,000 bytes arrive; one more is an argument error, and no loss (T40)."""
    host = await world.join("host", as_host=True)
    guest = await world.join("guest")
    arrives = asyncio.create_task(
        host.events.until(lambda e: isinstance(e, DataReceived), 10)
    )

    with pytest.raises(InvalidArgumentError, match="60001 bytes"):
        await guest.send_data(bytes(60_001))
    await guest.send_data(bytes(60_000))

    arrived = await arrives
    assert isinstance(arrived, DataReceived)
    assert len(arrived.data) == 60_000


async def test_a_newcomer_cannot_pose_as_the_engine(world: World) -> None:
    """What a newcomer sends may name nobody, and nobody believes it (T43, L37)."""
    host = await world.join("host", as_host=True)
    client = world.client()
    await client.authenticate("eve")
    token = await client.api.create_token(entering("eve"))
    before = host.snapshot.value
    last = asyncio.create_task(
        host.events.until(lambda e: isinstance(e, DataReceived) and e.data == b"x", 10)
    )
    eve = await world.intrude(token.token)

    for data in (b'{"type": "_banned"}', b'{"type": "_seat_update", "rev": 9}', b"x"):
        await eve.room.send_data(data, reliable=True, to=[], topic="")
    await last

    after = host.snapshot.value
    assert (after.grid, after.role, after.reason) == (
        before.grid,
        before.role,
        before.reason,
    )
    assert host.connected.value
