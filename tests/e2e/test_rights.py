"""The engine's grants at the SFU: written whole, written again, held against all."""

from __future__ import annotations

import asyncio

import pytest
from livekit import rtc

from tests.e2e.entering import entering
from tests.world import ROOM, World
from utd_stream.models import Permission, SeatOccupancy, TrackSource

pytestmark = pytest.mark.livekit

SPEAKS = Permission(can_publish=True, can_publish_sources=(TrackSource.MICROPHONE,))
LISTENS = Permission(can_publish_sources=(TrackSource.MICROPHONE,))


async def until_permitted(world: World, identity: str, wanted: Permission) -> None:
    """Wait until the SFU lists just this right."""
    async with asyncio.timeout(10):
        while True:
            listed = await world.listed(identity)
            if listed is not None and listed.permission == wanted:
                return


async def test_a_grant_is_the_whole_record(world: World) -> None:
    """T1, T37: speaking or not, a member hears, sends data, and has one source."""
    speaker = await world.join("speaker")
    await until_permitted(world, "speaker", LISTENS)

    await speaker.take_seat(0)
    await until_permitted(world, "speaker", SPEAKS)

    await speaker.leave_seat()
    await until_permitted(world, "speaker", LISTENS)
    await speaker.send_data(b"still here")


async def test_who_joins_with_an_older_token_gets_the_present_right(
    world: World,
) -> None:
    """T9: rights are written again on every join, whatever the token says."""
    client = await world.client()
    await client.authenticate("speaker")
    before = await client.api.create_token(entering("speaker"))
    await client.api.take_seat(ROOM, 4)

    room = rtc.Room()
    await room.connect(before.url, before.token)

    await until_permitted(world, "speaker", SPEAKS)
    await room.disconnect()


async def test_a_right_written_by_somebody_else_is_mended(hasty_world: World) -> None:
    """A listing that shows another right than the engine's makes it write again."""
    world = hasty_world
    await world.join("listener")
    await until_permitted(world, "listener", LISTENS)
    everything = Permission(can_publish=True, can_publish_sources=())

    await world.sfu.update_participant(
        world.sfu_room, "listener", permission=everything, metadata="{}"
    )
    await world.reconcile()

    await until_permitted(world, "listener", LISTENS)
    listed = await world.listed("listener")
    assert listed is not None
    assert '"role":"audience"' in listed.metadata


async def test_a_listing_that_agrees_writes_nothing(world: World) -> None:
    """T2: what is in force already is not written again every few seconds."""
    speaker = await world.join("speaker")
    await speaker.take_seat(0)
    await until_permitted(world, "speaker", SPEAKS)
    await world.services.outbox.idle()
    world.sfu.grants.clear()

    for _ in range(3):
        await world.reconcile()
        await world.services.outbox.idle()

    assert world.sfu.grants == []


async def test_a_stranger_is_removed(hasty_world: World) -> None:
    """Whoever is in the room without membership is taken out of it."""
    world = hasty_world
    host = await world.join("host", as_host=True)
    claims = {
        "sub": "stranger",
        "nbf": 0,
        "exp": 4_000_000_000,
        "video": {"roomJoin": True, "room": world.sfu_room, "canPublish": True},
    }
    room = rtc.Room()
    removed = asyncio.Event()
    room.on("disconnected", lambda *_: removed.set())

    await room.connect(world.livekit.url, world.sfu.sign_token(claims))

    async with asyncio.timeout(10):
        await removed.wait()
    assert await world.present() == ["host"]
    assert host.connected.value


async def test_without_webhooks_engine_and_sfu_agree(hasty_world: World) -> None:
    """T15: every webhook dropped, a listing does their work."""
    world = hasty_world
    world.webhooks.drop()
    speaker = await world.join("speaker")
    await speaker.take_seat(0)

    async with asyncio.timeout(10):
        while not (await world.room()).members["speaker"].is_connected:
            await world.reconcile()
    await world.reconcile()

    assert (await world.room()).seat_index_of("speaker") == 0
    assert speaker.occupancy.value is SeatOccupancy.SPEAKING
