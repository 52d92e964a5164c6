"""LiveKit's reconnects, replacements and webhooks, as our adapters tell them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from livekit import api, rtc

from tests.planes import (
    LISTENER,
    MICROPHONE,
    SPEAKER,
    Guest,
    Plane,
    eventually,
    heard_hz,
    livekit_plane,
    plane,
)
from tests.relay import Registration, Webhook
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.errors import ConnectError
from utd_stream.media import Silence, Tone
from utd_stream.models import DisconnectReason
from utd_stream.models.room_events import (
    DataReceived,
    Disconnected,
    LocalTrackRepublished,
    Reconnected,
    TrackMuted,
)
from utd_stream.ports import ParticipantJoined, ParticipantLeft, SfuNotice

__all__ = ["plane"]  # a fixture, for pytest to find

pytestmark = pytest.mark.livekit

Register = Callable[[str], Registration]


@pytest.fixture
def notices(register_engine: Register) -> Registration:
    """The webhooks of this test; no engine hears them."""
    registration = register_engine("http://127.0.0.1:1/")
    registration.drop()
    return registration


@pytest_asyncio.fixture
async def own_plane(own_livekit: LiveKitProcess, app_id: str) -> AsyncIterator[Plane]:
    """The plane of a server that the test may kill."""
    opened = livekit_plane(own_livekit, app_id)
    yield opened
    await opened.aclose()


def read(plane: Plane, webhook: Webhook) -> SfuNotice:
    """What a webhook tells, its signature checked."""
    header = webhook.headers["Authorization"]
    return plane.sfu.read_notice(webhook.body, header, datetime.now(UTC))


async def heard_notices(
    plane: Plane, registration: Registration, identity: str, count: int
) -> list[ParticipantJoined | ParticipantLeft]:
    """The first comings and goings of *identity*, in the order they were told."""

    def told() -> list[ParticipantJoined | ParticipantLeft] | None:
        known = [read(plane, each) for each in list(registration.received)]
        of_identity = [
            each
            for each in known
            if isinstance(each, ParticipantJoined | ParticipantLeft)
            and each.participant.identity == identity
        ]
        return of_identity if len(of_identity) >= count else None

    return await eventually(told)


async def reconnect(guest: Guest, scenario: rtc.SimulateScenarioKind.ValueType) -> None:
    """Let LiveKit's client lose its connection and repair it."""
    await guest.room.native.simulate_scenario(scenario)
    await guest.hears(Reconnected)


async def test_real_webhooks_are_believed(plane: Plane, notices: Registration) -> None:
    """What LiveKit signs is read: the room, the person, the connection."""
    ana = await plane.enter("ana")
    (joined,) = await heard_notices(plane, notices, "ana", 1)

    assert isinstance(joined, ParticipantJoined)
    assert joined.room.name == plane.room()
    assert joined.participant.sid == ana.state.local.sid


async def test_replaced_connection_leaves_with_its_own_sid(
    plane: Plane, notices: Registration
) -> None:
    """A `left` names the connection that ended, not the one that took over (T25)."""
    first = await plane.enter("ana")
    old = first.state.local.sid
    second = await plane.enter("ana")
    await first.hears(Disconnected)
    told = await heard_notices(plane, notices, "ana", 3)

    left = [each for each in told if isinstance(each, ParticipantLeft)]
    joined = [each for each in told if isinstance(each, ParticipantJoined)]
    assert [each.participant.sid for each in left] == [old]
    assert left[0].reason is DisconnectReason.DUPLICATE_IDENTITY
    assert joined[-1].participant.sid == second.state.local.sid


async def test_full_reconnect_is_a_departure_that_is_none(
    plane: Plane, notices: Registration
) -> None:
    """A client that repairs itself leaves and comes with a new sid (T38)."""
    ana = await plane.enter("ana")
    old = ana.state.local.sid
    await reconnect(ana, rtc.SimulateScenarioKind.SIMULATE_FULL_RECONNECT)
    told = await heard_notices(plane, notices, "ana", 3)

    left = next(each for each in told if isinstance(each, ParticipantLeft))
    assert (left.participant.sid, left.reason) == (
        old,
        DisconnectReason.CLIENT_INITIATED,
    )
    assert (await plane.listed())["ana"] == ana.state.local.sid != old
    assert not ana.of(Disconnected)


async def test_published_track_survives_a_full_reconnect(plane: Plane) -> None:
    """Its sid is new; it is heard, muted and withdrawn as before (T29)."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_audio(Tone(700), name="mic", track_source=MICROPHONE)
    old = ana.state.local.publications[0].sid
    await reconnect(ana, rtc.SimulateScenarioKind.SIMULATE_FULL_RECONNECT)
    await ana.hears(LocalTrackRepublished)

    (sent,) = ana.state.local.publications
    assert sent.sid != old
    assert sent.source is MICROPHONE
    assert await heard_hz(ben.room.audio("ana")) == pytest.approx(700, abs=5)
    ana.room.set_muted(MICROPHONE, muted=True)
    await ben.hears(TrackMuted)
    await ana.room.unpublish(MICROPHONE)
    await plane.sees_tracks("ana")


async def test_listener_hears_on_after_a_full_reconnect(plane: Plane) -> None:
    """A reader of sound outlives the reconnect of its own client (T29)."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_audio(Tone(700), name="mic", track_source=MICROPHONE)
    sound = ben.room.audio("ana")
    await anext(sound)
    await reconnect(ben, rtc.SimulateScenarioKind.SIMULATE_FULL_RECONNECT)
    await heard_hz(sound)  # what was on its way
    assert await heard_hz(sound) == pytest.approx(700, abs=5)


async def test_resumed_connection_keeps_its_sids(plane: Plane) -> None:
    """A lost signal connection alone changes nothing of ours (T29); takes 3 s."""
    ana = await plane.enter("ana")
    await ana.room.publish_audio(Silence(), name="mic", track_source=MICROPHONE)
    await plane.sees_tracks("ana", MICROPHONE)
    before = ana.state.local
    await reconnect(ana, rtc.SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT)

    assert ana.state.local.sid == before.sid
    assert ana.state.local.publications == before.publications


async def test_state_after_a_reconnect_is_the_truth(plane: Plane) -> None:
    """What changed meanwhile is in the state, event or not (T13)."""
    ana = await plane.enter("ana")
    ben = await plane.enter("ben")
    await ben.room.publish_audio(Silence(), name="mic", track_source=MICROPHONE)
    await ana.sees_remote("ben")
    reconnecting = rtc.SimulateScenarioKind.SIMULATE_FULL_RECONNECT
    await ana.room.native.simulate_scenario(reconnecting)
    await ben.room.disconnect()
    await plane.sfu.update_room_metadata(plane.room(), "new")
    await ana.hears(Reconnected)

    await ana.sees(lambda now: not now.remotes and now.metadata == "new")


async def test_full_room_is_refused_with_its_code(
    plane: Plane, livekit: LiveKitProcess
) -> None:
    """A room that LiveKit calls full says so; who is in it may come again (T27)."""
    async with api.LiveKitAPI(
        livekit.http_url, livekit.api_key, livekit.api_secret
    ) as server:
        full = api.CreateRoomRequest(name=plane.room(), max_participants=1)
        await server.room.create_room(full)
    await plane.enter("ana")
    with pytest.raises(ConnectError) as refused:
        await plane.enter("ben")
    assert refused.value.code == "room_full"

    await plane.enter("ana")
    await plane.sees("ana")


async def test_newcomer_can_pose_as_the_server(plane: Plane) -> None:
    """Data of somebody not announced yet names nobody: no proof of anything (T43)."""
    ana = await plane.enter("ana")
    eve = await plane.enter("eve", permission=LISTENER)
    await eve.room.send_data(b'{"type": "_banned"}', reliable=True, to=[], topic="")

    assert (await ana.hears(DataReceived)).identity in {None, "eve"}
    assert LISTENER.can_publish_data
    assert not SPEAKER.can_update_metadata  # what state comes by instead


async def test_forgotten_room_is_seen_before_the_reconnect_is(
    own_livekit: LiveKitProcess, own_plane: Plane
) -> None:
    """LiveKit restarted: metadata is empty, and everybody is back in it (T39)."""
    plane = own_plane
    ana = await plane.enter("ana", permission=LISTENER)
    await plane.allow("ana", SPEAKER)
    await ana.may_publish()
    await ana.room.publish_audio(Silence(), name="mic", track_source=MICROPHONE)
    await plane.sfu.update_room_metadata(plane.room(), '{"rev": 7}')
    await ana.sees(lambda now: now.metadata == '{"rev": 7}')
    old = ana.state.local.sid
    own_livekit.kill()
    own_livekit.start()
    await ana.hears(Reconnected, timeout=20)
    names = [type(event).__name__ for event in ana.told]
    last_metadata = max(i for i, name in enumerate(names) if "RoomMetadata" in name)

    assert ana.state.metadata == ""
    assert last_metadata < names.index("Reconnected")
    await ana.sees(lambda now: now.local.sid != old)
    assert ana.state.local.permission.may_publish(MICROPHONE)  # of the refreshed token
    await plane.sees_tracks("ana", MICROPHONE)
    await plane.sfu.update_room_metadata(plane.room(), "again")
    await ana.sees(lambda now: now.metadata == "again")
