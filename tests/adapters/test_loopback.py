"""The loopback plane does what LiveKit does, as far as the engine sees."""

from __future__ import annotations

import asyncio

import pytest

from tests.engine.manual_clock import ManualClock
from utd_stream.adapters.loopback import Loopback
from utd_stream.errors import (
    ConnectError,
    InvalidRequestError,
    NotFoundError,
    TransportError,
)
from utd_stream.models import DisconnectReason, Permission, TrackSource
from utd_stream.ports import (
    ParticipantJoined,
    ParticipantLeft,
    RoomFinished,
    RoomStarted,
    SfuNotice,
)

ROOM = "pa_lounge"
SPEAKER = Permission(can_publish=True, can_publish_sources=(TrackSource.MICROPHONE,))


class World:
    """A plane, and all the notices it sent."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.plane = Loopback(self.clock)
        self.notices: list[SfuNotice] = []
        self.plane.watch(self._hear)

    def _hear(self, body: bytes, signature: str) -> None:
        now = self.clock.now()
        self.notices.append(self.plane.read_notice(body, signature, now))

    def told(self) -> list[type]:
        """Return the kinds of the notices so far, and forget them."""
        kinds = [type(notice) for notice in self.notices]
        self.notices.clear()
        return kinds

    def token(self, identity: str, **claims: object) -> str:
        """Return a token that is good for ten minutes."""
        return self.plane.sign_token(
            {
                "sub": identity,
                "exp": self.clock.now().timestamp() + 600,
                "video": {"roomJoin": True, "room": ROOM, "canPublish": False},
                **claims,
            }
        )


@pytest.fixture
def world() -> World:
    """A plane of its own for each test."""
    return World()


async def test_room_lives_as_long_as_was_said(world: World) -> None:
    """An empty room dies when its time is over, and is told to have finished."""
    made = await world.plane.create_room(ROOM, metadata="m", empty_timeout=300)
    assert await world.plane.list_rooms() == (made,)
    await world.clock.advance(299)
    assert await world.plane.list_rooms() == (made,)
    await world.clock.advance(1)

    assert await world.plane.list_rooms() == ()
    assert world.told() == [RoomStarted, RoomFinished]


async def test_room_opened_by_a_guest_lives_as_its_token_says(world: World) -> None:
    """A departure timeout of the token beats LiveKit's 20 s; metadata is empty."""
    config = {"emptyTimeout": 300, "departureTimeout": 300}
    world.plane.enter(world.token("ana", roomConfig=config))
    assert world.plane.metadata(ROOM) == ""
    world.plane.leave(ROOM, "ana")
    await world.clock.advance(299)

    assert [room.name for room in await world.plane.list_rooms()] == [ROOM]


async def test_newest_connection_wins(world: World) -> None:
    """A second connection ends the first as a duplicate; its sid is new (T25)."""
    first = world.plane.enter(world.token("ana"))
    second = world.plane.enter(world.token("ana"))

    assert first.sid != second.sid
    left = world.notices[2]
    assert isinstance(left, ParticipantLeft)
    assert (left.participant.sid, left.reason) == (
        first.sid,
        DisconnectReason.DUPLICATE_IDENTITY,
    )
    joined = [ParticipantJoined, ParticipantLeft, ParticipantJoined]
    assert world.told() == [RoomStarted, *joined]
    assert await world.plane.list_participants(ROOM) == (second,)


async def test_token_counts_while_it_is_good(world: World) -> None:
    """An expired or foreign token opens nothing, and is never quoted (T23)."""
    token = world.token("ana")
    await world.clock.advance(600)
    for bad in (token, token[:-2], "nonsense"):
        with pytest.raises(ConnectError) as refused:
            world.plane.enter(bad)
        assert bad not in str(refused.value)
        assert refused.value.__cause__ is refused.value.__context__ is None


async def test_what_is_not_there_is_not_found(world: World) -> None:
    """Nothing is made by looking, updating or removing."""
    plane = world.plane
    await plane.create_room("here", metadata="", empty_timeout=300)
    for asked in (
        plane.delete_room(ROOM),
        plane.update_room_metadata(ROOM, "x"),
        plane.send_data(ROOM, b"x", to=[]),
        plane.update_participant("here", "ana", permission=SPEAKER, metadata=""),
        plane.remove_participant("here", "ana"),
    ):
        with pytest.raises(NotFoundError):
            await asked
    assert await plane.list_participants(ROOM) == ()


async def test_limits_are_livekits(world: World) -> None:
    """Metadata over 524,288 bytes and names over 256 are refused (T30)."""
    plane = world.plane
    await plane.create_room(ROOM, metadata="x" * 524_288, empty_timeout=300)
    for asked in (
        plane.update_room_metadata(ROOM, "x" * 524_289),
        plane.create_room("r" * 257, metadata="", empty_timeout=300),
    ):
        with pytest.raises(InvalidRequestError):
            await asked


async def test_update_writes_the_whole_record(world: World) -> None:
    """A permission replaces every field, and metadata is replaced beside it (T1)."""
    world.plane.enter(world.token("ana"))
    await world.plane.update_participant(ROOM, "ana", permission=SPEAKER, metadata="m")
    (listed,) = await world.plane.list_participants(ROOM)

    assert (listed.permission, listed.metadata) == (SPEAKER, "m")


async def test_faults_are_faults_of_the_port(world: World) -> None:
    """An outage, a failing room and a lost participant raise the port's errors."""
    plane = world.plane
    await plane.create_room(ROOM, metadata="", empty_timeout=300)
    plane.enter(world.token("ana"))
    async with plane.outage():
        with pytest.raises(ConnectError):
            await plane.list_rooms()
    async with plane.failing(ROOM):
        with pytest.raises(TransportError):
            await plane.list_participants(ROOM)
        await plane.list_rooms()
    plane.lose_sight_of("ana", times=1)
    grant = {"permission": SPEAKER, "metadata": ""}
    with pytest.raises(NotFoundError):
        await plane.update_participant(ROOM, "ana", **grant)  # type: ignore[arg-type]
    await plane.update_participant(ROOM, "ana", **grant)  # type: ignore[arg-type]
    assert plane.participant(ROOM, "ana") is not None


async def test_delay_is_on_the_clock(world: World) -> None:
    """A slow plane takes the time of the world it is in."""
    world.plane.delay = 2.0
    listing = asyncio.ensure_future(world.plane.list_rooms())
    await world.clock.advance(1.9)
    assert not listing.done()
    await world.clock.advance(0.1)

    assert await listing == ()
