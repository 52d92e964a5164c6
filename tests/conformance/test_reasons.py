"""Why somebody is removed, read where only the engine writes."""

from __future__ import annotations

import orjson

from tests.conformance.entering import entering
from tests.planes import Guest
from tests.world import World
from utd_stream.models import DisconnectReason
from utd_stream.models.room_events import (
    Disconnected,
    ParticipantMetadataChanged,
    RoomMetadataChanged,
)


async def guest(world: World, identity: str) -> Guest:
    """Somebody in the room without the SDK."""
    client = world.client()
    await client.authenticate(identity)
    return await world.intrude(
        (await client.api.create_token(entering(identity))).token
    )


async def test_who_is_kicked_reads_why_before_it_happens(world: World) -> None:
    """Participant metadata says it, and the connection ends after."""
    host = await world.join("host", as_host=True)
    kicked = await guest(world, "kicked")

    await host.kick("kicked")

    gone = await kicked.hears(Disconnected)
    assert gone.reason is DisconnectReason.PARTICIPANT_REMOVED
    own = [e for e in kicked.of(ParticipantMetadataChanged) if e.identity == "kicked"]
    assert orjson.loads(own[-1].metadata)["removed"] == "kicked"


async def test_everybody_reads_how_a_room_ended_before_it_is_deleted(
    world: World,
) -> None:
    """Room metadata says by whom and why, and the connection ends after."""
    host = await world.join("host", as_host=True)
    listener = await guest(world, "listener")

    await host.end_room()

    gone = await listener.hears(Disconnected)
    assert gone.reason is DisconnectReason.ROOM_DELETED
    told = orjson.loads(listener.of(RoomMetadataChanged)[-1].metadata)
    assert told["_room"]["ended"] == {"by": "host", "reason": "ended"}
