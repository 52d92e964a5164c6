"""The engine's grants at the SFU: written whole, written again, held against all."""

from __future__ import annotations

import asyncio

from tests.conformance.entering import entering
from tests.world import ROOM, World
from utd_stream.models import DisconnectReason, Permission, SeatOccupancy, TrackSource
from utd_stream.models.room_events import DataReceived, Disconnected

SPEAKS = Permission(can_publish=True, can_publish_sources=(TrackSource.MICROPHONE,))
LISTENS = Permission(can_publish_sources=(TrackSource.MICROPHONE,))


async def test_a_grant_is_the_whole_record(world: World) -> None:
    """Speaking or not, a member hears, sends data, and has one source (T1, T37)."""
    speaker = await world.join("speaker")
    await world.permitted("speaker", LISTENS)

    await speaker.take_seat(0)
    await world.permitted("speaker", SPEAKS)

    await speaker.leave_seat()
    await world.permitted("speaker", LISTENS)
    await speaker.send_data(b"still here")


async def test_who_joins_with_an_older_token_gets_the_present_right(
    world: World,
) -> None:
    """Rights are written again on every join, whatever the token says (T9)."""
    client = world.client()
    await client.authenticate("speaker")
    before = await client.api.create_token(entering("speaker"))
    await client.api.take_seat(ROOM, 4)

    await world.intrude(before.token)

    await world.permitted("speaker", SPEAKS)


async def test_a_right_written_by_somebody_else_is_mended(hasty_world: World) -> None:
    """A listing that shows another right than the engine's makes it write again."""
    world = hasty_world
    await world.join("listener")
    await world.permitted("listener", LISTENS)
    everything = Permission(can_publish=True, can_publish_sources=())

    await world.sfu.update_participant(
        world.sfu_room, "listener", permission=everything, metadata="{}"
    )
    await world.reconcile()

    await world.permitted("listener", LISTENS)
    listed = await world.listed("listener")
    assert listed is not None
    assert '"role":"audience"' in listed.metadata


async def test_a_listing_that_agrees_writes_nothing(world: World) -> None:
    """What is in force already is not written again every few seconds (T2)."""
    speaker = await world.join("speaker")
    await speaker.take_seat(0)
    await world.permitted("speaker", SPEAKS)
    await world.services.outbox.idle()
    world.grants.written.clear()

    for _ in range(3):
        await world.reconcile()
        await world.services.outbox.idle()

    assert world.grants.written == []


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

    stranger = await world.intrude(world.sfu.sign_token(claims))

    removed = await stranger.hears(Disconnected)
    assert removed.reason is DisconnectReason.PARTICIPANT_REMOVED
    assert await world.present() == ["host"]
    assert host.connected.value


async def test_without_webhooks_engine_and_sfu_agree(hasty_world: World) -> None:
    """Every webhook dropped, a listing does their work (T15)."""
    world = hasty_world
    world.webhooks.drop()
    speaker = await world.join("speaker")
    await speaker.take_seat(0)

    async def is_known() -> bool:
        await world.reconcile()
        return (await world.room()).members["speaker"].is_connected

    await world.until(is_known)
    await world.reconcile()

    assert await world.seat_of("speaker") == 0
    assert speaker.occupancy.value is SeatOccupancy.SPEAKING


async def test_a_newcomer_cannot_pose_as_the_engine(world: World) -> None:
    """What it sends may name nobody, and is believed by nobody (T43, L37)."""
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
