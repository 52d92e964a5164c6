"""Many want few seats: one winner each, and everybody agrees who."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.conformance.entering import entering
from tests.patience import patient, patiently
from tests.world import ROOM, World
from utd_stream.adapters.http import AiohttpHttp
from utd_stream.compose import UTDStreamClient
from utd_stream.engine.rules.audio_room import grid_of
from utd_stream.errors import ConflictError
from utd_stream.models import UTDSeatGrid
from utd_stream.wire import decode, decode_json

pytestmark = pytest.mark.livekit

MEMBERS = tuple(f"member-{number:02}" for number in range(50))
SEATS = 8


async def become_member(
    world: World, pool: aiohttp.ClientSession, identity: str
) -> UTDStreamClient:
    client = world.client(http=AiohttpHttp(session=pool, timeout=patient(15)))
    await client.authenticate(identity)
    await client.api.create_token(entering(identity))
    return client


@asynccontextmanager
async def winners_connected(
    world: World, rev: int, winners: list[str]
) -> AsyncIterator[list[UTDSeatGrid]]:
    """Connect some winners from one process; yield the grid each one sees."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.e2e.winners"),
        *(world.base_url, world.app.id, world.app.key, str(rev), *winners),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with patiently(90):
        lines = [await process.stdout.readline() for _ in winners]
    yield [decode(UTDSeatGrid, decode_json(line)) for line in lines]
    await process.communicate(b"")  # ends what it waits for
    assert process.returncode == 0


async def test_fifty_race_for_eight_seats(world: World) -> None:
    """One winner a seat, losers get 409, and all end with the engine's grid."""
    host = world.client()
    await host.authenticate("host")
    await host.api.create_token(entering("host", seat_count=SEATS))
    async with aiohttp.ClientSession() as pool:
        clients = await asyncio.gather(
            *(become_member(world, pool, identity) for identity in MEMBERS)
        )

        outcomes = await asyncio.gather(
            *(
                client.api.take_seat(ROOM, number % SEATS)
                for number, client in enumerate(clients)
            ),
            return_exceptions=True,
        )

        losses = [o for o in outcomes if isinstance(o, BaseException)]
        won = [
            identity
            for identity, outcome in zip(MEMBERS, outcomes, strict=True)
            if not isinstance(outcome, BaseException)
        ]
        grid = grid_of(await world.room())
        assert len(won) == SEATS
        assert all(isinstance(loss, ConflictError) for loss in losses)
        assert {getattr(loss, "code", "") for loss in losses} == {"seat_taken"}
        assert {seat.occupant_identity for seat in grid.seats} == set(won)
        async with (
            winners_connected(world, grid.rev, won[:4]) as some,
            winners_connected(world, grid.rev, won[4:]) as others,
        ):
            lost = [c for c in clients if c.identity not in won]
            read = await asyncio.gather(*(c.api.get_seats(ROOM) for c in lost))

    assert some + others == [grid] * SEATS
    assert read == [grid] * len(lost)
