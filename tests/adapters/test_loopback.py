"""The loopback plane does what LiveKit does, as far as the engine sees."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from tests.engine.manual_clock import ManualClock
from utd_stream.adapters.loopback import Loopback
from utd_stream.errors import (
    ConnectError,
    SfuNotFoundError,
    SfuRefusedError,
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

pytestmark = pytest.mark.virtual_time

ROOM = "pa_lounge"
SPEAKER = Permission(can_publish=True, can_publish_sources=(TrackSource.MICROPHONE,))


class Site:
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


@pytest_asyncio.fixture
async def site() -> Site:
    """A plane of its own for each test."""
    return Site()


async def test_room_lives_as_long_as_was_said(site: Site) -> None:
    """An empty room dies when its time is over, and is told to have finished."""
    made = await site.plane.create_room(ROOM, metadata="m", empty_timeout=300)
    assert await site.plane.list_rooms() == (made,)
    await site.clock.advance(299)
    assert await site.plane.list_rooms() == (made,)
    await site.clock.advance(1)

    assert await site.plane.list_rooms() == ()
    assert site.told() == [RoomStarted, RoomFinished]


async def test_room_opened_by_a_guest_lives_as_its_token_says(site: Site) -> None:
    """A departure timeout of the token beats LiveKit's 20 s; metadata is empty."""
    config = {"emptyTimeout": 300, "departureTimeout": 300}
    site.plane.enter(site.token("ana", roomConfig=config))
    assert site.plane.metadata(ROOM) == ""
    site.plane.leave(ROOM, "ana")
    await site.clock.advance(299)

    assert [room.name for room in await site.plane.list_rooms()] == [ROOM]


async def test_room_of_a_bare_token_lives_as_long_as_livekits(site: Site) -> None:
    """It ends 20 s after the last one has left (T16, T39)."""
    site.plane.enter(site.token("ana"))
    site.plane.leave(ROOM, "ana")
    await site.clock.advance(19)
    assert [room.name for room in await site.plane.list_rooms()] == [ROOM]
    await site.clock.advance(1)

    assert await site.plane.list_rooms() == ()


async def test_newest_connection_wins(site: Site) -> None:
    """A second connection ends the first as a duplicate; its sid is new (T25)."""
    first = site.plane.enter(site.token("ana"))
    second = site.plane.enter(site.token("ana"))

    assert first.sid != second.sid
    left = site.notices[2]
    assert isinstance(left, ParticipantLeft)
    assert (left.participant.sid, left.reason) == (
        first.sid,
        DisconnectReason.DUPLICATE_IDENTITY,
    )
    joined = [ParticipantJoined, ParticipantLeft, ParticipantJoined]
    assert site.told() == [RoomStarted, *joined]
    assert await site.plane.list_participants(ROOM) == (second,)


async def test_token_counts_while_it_is_good(site: Site) -> None:
    """An expired or foreign token opens nothing, and is never quoted (T23)."""
    token = site.token("ana")
    await site.clock.advance(661)
    for bad in (token, token[:-2], "nonsense"):
        with pytest.raises(ConnectError) as refused:
            site.plane.enter(bad)
        assert bad not in str(refused.value)
        assert refused.value.__cause__ is refused.value.__context__ is None


async def test_what_is_not_there_is_not_found(site: Site) -> None:
    """Nothing is made by looking, updating or removing."""
    plane = site.plane
    await plane.create_room("here", metadata="", empty_timeout=300)
    for asked in (
        plane.delete_room(ROOM),
        plane.update_room_metadata(ROOM, "x"),
        plane.send_data(ROOM, b"x", to=[]),
        plane.update_participant("here", "ana", permission=SPEAKER, metadata=""),
        plane.remove_participant("here", "ana"),
    ):
        with pytest.raises(SfuNotFoundError):
            await asked
    assert await plane.list_participants(ROOM) == ()


async def test_limits_are_livekits(site: Site) -> None:
    """Metadata over 524,288 bytes and names over 256 are refused (T30)."""
    plane = site.plane
    await plane.create_room(ROOM, metadata="x" * 524_288, empty_timeout=300)
    for asked in (
        plane.update_room_metadata(ROOM, "x" * 524_289),
        plane.create_room("r" * 257, metadata="", empty_timeout=300),
    ):
        with pytest.raises(SfuRefusedError):
            await asked


async def test_update_writes_the_whole_record(site: Site) -> None:
    """A permission replaces every field, and metadata is replaced beside it (T1)."""
    site.plane.enter(site.token("ana"))
    await site.plane.update_participant(ROOM, "ana", permission=SPEAKER, metadata="m")
    (listed,) = await site.plane.list_participants(ROOM)

    assert (listed.permission, listed.metadata) == (SPEAKER, "m")


async def test_faults_are_faults_of_the_port(site: Site) -> None:
    """An outage, a failing room and a lost participant raise the port's errors."""
    plane = site.plane
    await plane.create_room(ROOM, metadata="", empty_timeout=300)
    plane.enter(site.token("ana"))
    async with plane.outage():
        with pytest.raises(ConnectError):
            await plane.list_rooms()
    async with plane.failing(ROOM):
        with pytest.raises(TransportError):
            await plane.list_participants(ROOM)
        await plane.list_rooms()
    plane.lose_sight_of("ana", times=1)
    with pytest.raises(SfuNotFoundError):
        await plane.update_participant(ROOM, "ana", permission=SPEAKER, metadata="")
    await plane.update_participant(ROOM, "ana", permission=SPEAKER, metadata="")
    assert plane.participant(ROOM, "ana") is not None


async def test_delay_is_on_the_clock(site: Site) -> None:
    """A slow plane takes the time of the site it is in."""
    site.plane.delay = 2.0
    listing = asyncio.ensure_future(site.plane.list_rooms())
    await site.clock.advance(1.9)
    assert not listing.done()
    await site.clock.advance(0.1)

    assert await listing == ()


async def test_what_is_remembered_is_bounded(site: Site) -> None:
    """A plane that runs for months keeps the newest thousand, not all."""
    await site.plane.create_room(ROOM, metadata="", empty_timeout=300)
    for number in range(1_100):
        await site.plane.send_data(ROOM, str(number).encode(), to=[])

    assert len(site.plane.messages) == len(site.plane.asked) == 1_000
    assert site.plane.messages[-1].data == b"1099"
    assert site.plane.messages[0].data == b"100"


async def test_listener_that_raises_harms_nobody(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged; the others are told, and so is it, the next time."""
    told: list[bytes] = []

    def fail(body: bytes, _: str) -> None:
        told.append(body)
        raise OSError

    plane, heard = Loopback(site.clock), list[bytes]()
    plane.watch(fail)
    plane.watch(lambda body, _: heard.append(body))
    plane.enter(site.token("ana"))

    assert told == heard
    assert len(heard) == 2
    assert "it stays" in caplog.text


async def test_nobody_leaves_who_is_not_there(site: Site) -> None:
    """Neither a room nor a person of that name is an error of the caller's own."""
    with pytest.raises(SfuNotFoundError, match="room not found"):
        site.plane.leave(ROOM, "ana")
    site.plane.enter(site.token("ana"))
    with pytest.raises(SfuNotFoundError, match="participant not found"):
        site.plane.leave(ROOM, "ben")
