"""The engine's grants at the SFU: written whole, written again, held against all."""

from __future__ import annotations

import asyncio
import itertools
import json

import attrs
import jwt
import orjson
import pytest

from tests.conformance.entering import entering
from tests.planes import LISTENER, SPEAKER
from tests.world import ROOM, World
from utd_stream.contract.fields import Image, JsonObjectText, Text50, Text256
from utd_stream.errors import InvalidRequestError
from utd_stream.models import DisconnectReason, Permission, SeatOccupancy
from utd_stream.models.room_events import Disconnected


async def test_a_grant_is_the_whole_record(world: World) -> None:
    """Speaking or not, a member hears, sends data, and has one source (T1, T37)."""
    speaker = await world.join("speaker")
    await world.permitted("speaker", LISTENER)

    await speaker.take_seat(0)
    await world.permitted("speaker", SPEAKER)

    await speaker.leave_seat()
    await world.permitted("speaker", LISTENER)


async def test_who_joins_with_an_older_token_gets_the_present_right(
    world: World,
) -> None:
    """Who was seated before joining may speak, whatever the token says (T9)."""
    client = world.client()
    await client.authenticate("speaker")
    before = await client.api.create_token(entering("speaker"))
    await client.api.take_seat(ROOM, 4)

    await world.intrude(before.token)

    await world.permitted("speaker", SPEAKER)


async def test_who_joins_with_a_right_that_was_taken_loses_it(world: World) -> None:
    """A token refreshed on a seat gives nothing to who sits there no more (T9)."""
    client = world.client()
    await client.authenticate("speaker")
    minted = await client.api.create_token(entering("speaker"))
    claims = jwt.decode(minted.token, options={"verify_signature": False})
    claims["video"]["canPublish"] = True

    speaker = await world.intrude(world.sfu.sign_token(claims))

    await world.permitted("speaker", LISTENER)
    await speaker.has(LISTENER)


async def test_the_number_of_a_right_is_told_with_it(world: World) -> None:
    """Seat and participant metadata show the same number, another for each right."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    numbers: list[int] = []

    async def is_told() -> bool:
        listed = await world.listed("speaker")
        assert listed is not None
        number = json.loads(listed.metadata).get("grant", 0)
        seat = speaker.seats.value.seat_of("speaker")
        numbers.append(number)
        return seat is not None and number == seat.grant

    await speaker.take_seat(0)
    await world.until(is_told)
    await host.mute_seat(0)
    await world.permitted("speaker", LISTENER)
    await world.until(is_told)
    await host.unmute_seat(0)
    await world.permitted("speaker", SPEAKER)
    await world.until(is_told)

    told = [number for number, _ in itertools.groupby(numbers)]
    assert (told[0], told[-1]) == (1, 2)
    assert set(told) == {0, 1, 2}


async def test_a_right_written_by_somebody_else_is_mended(hasty_world: World) -> None:
    """A listing that shows another right than the engine's makes it write again."""
    world = hasty_world
    await world.join("listener")
    await world.permitted("listener", LISTENER)
    everything = Permission(can_publish=True, can_publish_sources=())

    await world.sfu.update_participant(
        world.sfu_room, "listener", permission=everything, metadata="{}"
    )
    await world.reconcile()

    await world.permitted("listener", LISTENER)
    listed = await world.listed("listener")
    assert listed is not None
    assert '"role":"audience"' in listed.metadata


async def test_a_right_that_outlives_its_seat_is_not_used(world: World) -> None:
    """The SFU shows it still, but the next seat came with another number."""
    speaker = await world.join("speaker")
    await speaker.take_seat(0)
    world.grants.delivers = False  # the right outlives the seat
    await speaker.leave_seat()
    taking = asyncio.create_task(speaker.take_seat(1))
    await speaker.occupancy.until(SeatOccupancy.GRANTING)
    assert speaker.can_publish.value
    assert speaker.local_participant.publications == ()

    world.grants.delivers = True
    await world.reconcile()
    await taking

    assert speaker.occupancy.value is SeatOccupancy.SPEAKING


async def test_a_listing_that_agrees_writes_nothing(world: World) -> None:
    """What is in force already is not written again every few seconds (T2)."""
    speaker = await world.join("speaker")
    await speaker.take_seat(0)
    await world.permitted("speaker", SPEAKER)
    await world.services.outbox.idle()
    world.grants.written.clear()

    for _ in range(3):
        await world.reconcile()
        await world.services.outbox.idle()

    assert world.grants.written == []


async def test_a_stranger_is_removed(world: World) -> None:
    """Whoever is in the room without membership is taken out of it."""
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
        return (await world.member("speaker")).is_connected

    await world.until(is_known)
    await world.reconcile()

    assert await world.seat_of("speaker") == 0
    assert speaker.occupancy.value is SeatOccupancy.SPEAKING


DEEP = '{"a":' + "[" * 254 + "]" * 254 + "}"
ODD = {
    "64 levels": '{"a":' * 64 + "1" + "}" * 64,
    "control characters": '{"\\u0000": "\\u0000\\u001f\\u007f"}',
    "numbers": '{"a": [18446744073709551616, -9223372036854775809, 1e308, -0]}',
    "keys": '{"": 1, "' + "k" * 4_000 + '": 1}',
    "twice": '{"role": "host", "role": "owner", "appId": null}',
}


async def test_metadata_that_cannot_be_passed_on_mutes_no_revoke(world: World) -> None:
    """A mint with such metadata is 422 and changes nothing: a kick still silences."""
    host = await world.join("host", as_host=True)
    client = world.client()
    speaker = await world.join("speaker", client=client)
    await speaker.take_seat(1)
    await world.permitted("speaker", SPEAKER)
    deep = attrs.evolve(entering("speaker"), metadata=JsonObjectText(DEEP))

    with pytest.raises(InvalidRequestError) as caught:
        await client.api.create_token(deep)

    assert caught.value.details["errors"][0]["path"] == "$.metadata"
    await host.kick_from_seat(1)
    await world.permitted("speaker", LISTENER)


@pytest.mark.parametrize("metadata", ODD.values(), ids=ODD.keys())
async def test_odd_metadata_is_carried(world: World, metadata: str) -> None:
    """What a mint takes reaches the SFU, and rights are written beside it."""
    client = world.client()
    await client.authenticate("speaker")
    odd = attrs.evolve(
        entering("speaker"),
        metadata=JsonObjectText(metadata),
        image=Image("\x00\x1f\x7f" * 80),
        device_id=Text256("\x00" * 256),
        os=Text50("\x00"),
    )
    minted = await client.api.create_token(odd)
    await world.intrude(minted.token)
    await client.api.take_seat(ROOM, 4)
    await world.permitted("speaker", SPEAKER)

    await client.api.leave_seat(ROOM)

    await world.permitted("speaker", LISTENER)
    listed = await world.listed("speaker")
    assert listed is not None
    told = json.loads(listed.metadata)
    # A number beyond 64 bits is a float from then on.
    assert told == orjson.loads(metadata) | {
        key: told[key] for key in ("role", "appId", "service", "connection")
    }
    assert told["role"] == "audience"
