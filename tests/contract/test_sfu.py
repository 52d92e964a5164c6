"""The Sfu port: what every media plane promises the engine."""

from __future__ import annotations

from datetime import timedelta

import jwt
import pytest

from tests.planes import LISTENER, SPEAKER, Plane
from utd_stream.errors import SfuNotFoundError, SfuRefusedError
from utd_stream.media import Silence
from utd_stream.models import Permission, TrackSource
from utd_stream.models.room_events import Disconnected, RoomMetadataChanged

_LIMIT_BYTES = 524_288  # LiveKit's, for the metadata of a room


async def test_created_room_is_listed_with_its_metadata(plane: Plane) -> None:
    """A room exists from its creation, empty, with what was given."""
    made = await plane.sfu.create_room(
        plane.room(), metadata="first", empty_timeout=300
    )

    listed = {room.name: room for room in await plane.sfu.list_rooms()}
    assert listed[plane.room()] == made
    assert (made.metadata, made.num_participants) == ("first", 0)


async def test_rooms_are_listed_by_name(plane: Plane) -> None:
    """Whoever names rooms is told of those that exist, and of no others."""
    made = await plane.sfu.create_room(plane.room(), metadata="", empty_timeout=300)
    await plane.sfu.create_room(plane.room("other"), metadata="", empty_timeout=300)
    absent = plane.room("absent")

    assert await plane.sfu.list_rooms([plane.room(), absent]) == (made,)
    assert await plane.sfu.list_rooms([absent]) == ()


async def test_creating_again_changes_nothing(plane: Plane) -> None:
    """Creating a room that exists returns it as it is."""
    first = await plane.sfu.create_room(plane.room(), metadata="a", empty_timeout=300)
    second = await plane.sfu.create_room(plane.room(), metadata="b", empty_timeout=9)

    assert second == first


async def test_deleted_room_is_gone_and_may_live_again(plane: Plane) -> None:
    """Deleting removes everybody; a token still valid opens the room anew (T39)."""
    made = await plane.sfu.create_room(plane.room(), metadata="x", empty_timeout=300)
    ana = await plane.enter("ana")
    await plane.sfu.delete_room(plane.room())
    await ana.hears(Disconnected)
    assert plane.room() not in {room.name for room in await plane.sfu.list_rooms()}

    again = await plane.enter("ana")

    assert again.state.metadata == ""
    listed = {room.name: room for room in await plane.sfu.list_rooms()}
    assert listed[plane.room()].sid != made.sid


async def test_what_is_not_there_is_not_found(plane: Plane) -> None:
    """No call on an absent room or participant makes one, or passes silently (T39).

    LiveKit takes 3 s to find out that it cannot send data there.
    """
    await plane.sfu.create_room(plane.room("here"), metadata="", empty_timeout=300)
    sfu, absent, here = plane.sfu, plane.room("absent"), plane.room("here")
    for asked in (
        sfu.delete_room(absent),
        sfu.update_room_metadata(absent, "x"),
        sfu.send_data(absent, b"x", to=[]),
        sfu.update_participant(absent, "ana", permission=SPEAKER, metadata=""),
        sfu.update_participant(here, "ana", permission=SPEAKER, metadata=""),
        sfu.remove_participant(absent, "ana"),
        sfu.remove_participant(here, "ana"),
    ):
        with pytest.raises(SfuNotFoundError):
            await asked


async def test_listing_an_absent_room_is_empty(plane: Plane) -> None:
    """A room that is not there lists nobody, and is no error."""
    assert await plane.sfu.list_participants(plane.room("absent")) == ()


async def test_metadata_over_the_limit_is_refused(plane: Plane) -> None:
    """The SFU takes 524,288 bytes of room metadata and not one more (T30)."""
    await plane.sfu.create_room(plane.room(), metadata="", empty_timeout=300)
    await plane.sfu.update_room_metadata(plane.room(), "x" * _LIMIT_BYTES)

    with pytest.raises(SfuRefusedError):
        await plane.sfu.update_room_metadata(plane.room(), "x" * (_LIMIT_BYTES + 1))


async def test_names_too_long_are_refused(plane: Plane) -> None:
    """A room's name has 256 bytes at most (T30)."""
    for name in ("r" * 257, "é" * 128 + "r"):
        with pytest.raises(SfuRefusedError):
            await plane.sfu.create_room(name, metadata="", empty_timeout=300)


async def test_what_is_no_unicode_is_refused(plane: Plane) -> None:
    """Half a character, wherever it stands, is refused for good and not tried."""
    sfu, room, half = plane.sfu, plane.room(), "\ud800"
    await sfu.create_room(room, metadata="", empty_timeout=300)
    for asked in (
        sfu.create_room(half, metadata="", empty_timeout=300),
        sfu.create_room(plane.room("new"), metadata=half, empty_timeout=300),
        sfu.delete_room(half),
        sfu.update_room_metadata(room, half),
        sfu.update_participant(room, half, permission=SPEAKER, metadata=""),
        sfu.update_participant(room, "ana", permission=SPEAKER, metadata=half),
        sfu.remove_participant(room, half),
        sfu.send_data(room, b"x", to=[half]),
        sfu.list_participants(half),
    ):
        with pytest.raises(SfuRefusedError):
            await asked


@pytest.mark.parametrize(
    "identity",
    [" ", "a/b", "🎤", "ana@example.com"],
    ids=["a space", "a slash", "an emoji", "an address"],
)
async def test_odd_identities_are_addressed_exactly(
    plane: Plane, identity: str
) -> None:
    """An odd identity can be updated and removed by its name (T30)."""
    odd = await plane.enter(identity, permission=LISTENER)
    await plane.allow(identity, SPEAKER)
    await odd.may_publish()
    await plane.sfu.remove_participant(plane.room(), identity)

    await odd.hears(Disconnected)


async def test_update_writes_the_whole_record(plane: Plane) -> None:
    """An update is the whole record: what it does not grant is gone (T1)."""
    everything = Permission(
        can_publish=True,
        can_publish_sources=(TrackSource.CAMERA,),
        can_update_metadata=True,
        hidden=True,
        can_subscribe_metrics=True,
    )
    nothing = Permission(
        can_subscribe=False,
        can_publish_sources=(TrackSource.MICROPHONE,),
        can_publish_data=False,
    )
    ana = await plane.enter("ana")
    for wanted in (everything, nothing, SPEAKER):
        await plane.allow("ana", wanted, metadata="m")
        await ana.has(wanted)
        listed = await plane.sfu.list_participants(plane.room())
        assert (listed[0].permission, listed[0].metadata) == (wanted, "m")


async def test_listing_tells_who_came_when_and_sends_what(plane: Plane) -> None:
    """Identity, sid, time and tracks of everybody are listed."""
    ana = await plane.enter("ana")
    await ana.room.publish_audio(
        Silence(), name="mic", track_source=TrackSource.MICROPHONE
    )
    await plane.sees_tracks("ana", TrackSource.MICROPHONE)
    listed = (await plane.sfu.list_participants(plane.room()))[0]

    assert (listed.identity, listed.sid) == ("ana", ana.state.local.sid)
    assert abs(listed.joined_at - plane.clock.now()) < timedelta(seconds=30)


async def test_metadata_of_the_room_reaches_those_in_it(plane: Plane) -> None:
    """What is written is what they read, in any script."""
    ana = await plane.enter("ana")
    await plane.sfu.update_room_metadata(plane.room(), '{"é": "席"}')

    assert (await ana.hears(RoomMetadataChanged)).metadata == '{"é": "席"}'


async def test_signed_token_holds_what_was_given(plane: Plane) -> None:
    """A signed token says what was given; its issuer is the plane's own."""
    token = plane.sfu.sign_token({"sub": "ana", "exp": 2_000_000_000, "iss": "other"})
    claims = jwt.decode(token, options={"verify_signature": False})

    assert (claims["sub"], claims["exp"]) == ("ana", 2_000_000_000)
    assert claims["iss"] != "other"
