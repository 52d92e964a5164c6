"""The Media port: who is told of whom, and when; whose data it is."""

from __future__ import annotations

import attrs
import pytest

from tests.contract.faults import Notices, comings_and_goings
from tests.planes import LISTENER, MICROPHONE, Guest, Plane, eventually
from utd_stream.errors import ConnectError, TransportError
from utd_stream.media import Silence
from utd_stream.models import DisconnectReason
from utd_stream.models.room_events import (
    DataReceived,
    Disconnected,
    ParticipantActive,
    ParticipantConnected,
    ParticipantDisconnected,
)
from utd_stream.ports import (
    OtherNotice,
    ParticipantJoined,
    ParticipantLeft,
    RoomFinished,
    RoomStarted,
)


async def after_a_tick(plane: Plane, witness: Guest) -> None:
    """Return when the SFU has just told of newcomers; it does so every 3 s (T11)."""
    await plane.enter("tick", permission=LISTENER)
    await witness.sees_remote("tick")


async def test_who_publishes_is_announced_before_the_audience(plane: Plane) -> None:
    """The audience waits for the next tick, those with a track do not (T11, T26)."""
    ana = await plane.enter("ana")
    await after_a_tick(plane, ana)
    await plane.enter("audience", permission=LISTENER)
    speaker = await plane.enter("speaker")
    await speaker.room.publish_audio(Silence(), name="any", track_source=MICROPHONE)
    await ana.sees_remote("audience")

    told = [each.participant.identity for each in ana.of(ParticipantConnected)]
    assert told == ["tick", "speaker", "audience"]


async def test_speaker_is_missed_before_the_audience(plane: Plane) -> None:
    """That a speaker left is told at once, that a listener did a tick later (T11)."""
    ana = await plane.enter("ana")
    audience = await plane.enter("audience", permission=LISTENER)
    speaker = await plane.enter("speaker")
    await speaker.room.publish_audio(Silence(), name="any", track_source=MICROPHONE)
    await ana.sees_remote("speaker")
    await after_a_tick(plane, ana)
    await audience.room.disconnect()
    await plane.sees("ana", "speaker", "tick")
    await speaker.room.disconnect()
    await eventually(lambda: len(ana.of(ParticipantDisconnected)) == 2)

    gone = [each.participant.identity for each in ana.of(ParticipantDisconnected)]
    assert gone == ["speaker", "audience"]


async def test_who_is_granted_something_is_announced_at_once(plane: Plane) -> None:
    """A change of rights is told without delay, and of whom it is (T11)."""
    ana = await plane.enter("ana")
    await after_a_tick(plane, ana)
    await plane.enter("audience", permission=LISTENER)
    await plane.enter("guest", permission=LISTENER)
    await plane.allow("guest", LISTENER, metadata="now known")
    await ana.sees_remote("audience")

    told = [each.participant for each in ana.of(ParticipantConnected)]
    assert [each.identity for each in told] == ["tick", "guest", "audience"]
    assert told[1].metadata == "now known"


async def test_newcomer_is_told_once_and_as_ready(plane: Plane) -> None:
    """A newcomer is told as connected, then active; as gone, with the reason (T13)."""
    ana = await plane.enter("ana")
    ben = await plane.enter("ben", permission=LISTENER)
    await ana.hears(ParticipantActive)
    assert [each.participant.identity for each in ana.of(ParticipantConnected)] == [
        "ben"
    ]
    await ben.room.disconnect()
    gone = await ana.hears(ParticipantDisconnected)

    assert gone.participant.identity == "ben"
    assert gone.reason is DisconnectReason.CLIENT_INITIATED
    assert ana.state.remotes == ()


async def test_hidden_one_is_listed_and_seen_by_nobody(plane: Plane) -> None:
    """Who is hidden sees the others, is listed, and is counted."""
    ana = await plane.enter("ana")
    hidden = await plane.enter("hidden", permission=attrs.evolve(LISTENER, hidden=True))
    await after_a_tick(plane, ana)
    assert [each.identity for each in ana.state.remotes] == ["tick"]
    assert "ana" in {each.identity for each in hidden.state.remotes}
    late = await plane.enter("late")

    assert "hidden" not in {each.identity for each in late.state.remotes}
    assert set(await plane.listed()) == {"ana", "hidden", "tick", "late"}
    await counts(plane, 4)


async def counted(plane: Plane) -> int:
    """How many are in the room, as the list of rooms has it."""
    rooms = {room.name: room for room in await plane.sfu.list_rooms()}
    return rooms[plane.room()].num_participants


async def counts(plane: Plane, wanted: int) -> None:
    """Wait until so many are counted; it lags, by 5 s at most."""

    async def is_counted() -> bool:
        return await counted(plane) == wanted

    await plane.until(is_counted, timeout=15)


async def test_number_of_participants_lags(plane: Plane) -> None:
    """The SFU counts every 5 s: its number is no proof of an empty room."""
    await plane.enter("ana")
    assert await counted(plane) == 0
    await counts(plane, 1)


async def test_newcomer_can_pose_as_the_server(plane: Plane) -> None:
    """Data of somebody not announced yet names nobody: no proof of anything (T43)."""
    ana = await plane.enter("ana")
    await after_a_tick(plane, ana)
    eve = await plane.enter("eve", permission=LISTENER)
    await eve.room.send_data(b'{"type": "_banned"}', reliable=True, to=[], topic="")

    assert (await ana.hears(DataReceived)).identity is None
    await ana.sees_remote("eve")
    ana.told.clear()
    await eve.room.send_data(b"now known", reliable=True, to=[], topic="")
    assert (await ana.hears(DataReceived)).identity == "eve"


async def test_data_arrives_in_the_order_it_was_sent(plane: Plane) -> None:
    """Reliable messages of one sender overtake none of its others."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben")
    await ben.sees_remote("ana")
    sent = [str(number).encode() for number in range(50)]
    for data in sent:
        await ana.room.send_data(data, reliable=True, to=[], topic="")
    await eventually(lambda: len(ben.of(DataReceived)) == len(sent))

    assert [each.data for each in ben.of(DataReceived)] == sent
    assert not ana.of(DataReceived)


async def test_unreliable_data_says_so(plane: Plane) -> None:
    """The receiver is told how a message was sent."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben")
    await ben.sees_remote("ana")

    async def is_heard() -> bool:  # it may be lost
        await ana.room.send_data(b"now", reliable=False, to=[], topic="t")
        return bool(ben.of(DataReceived))

    await plane.until(is_heard)

    assert ben.of(DataReceived)[0] == DataReceived(b"now", "ana", "t", reliable=False)


async def test_data_too_long_is_refused_to_clients(plane: Plane) -> None:
    """The client negotiated 64,000 bytes with the SFU, and says so (T40)."""
    ana = await plane.enter("ana")
    for size in (64_000, 300_000):
        with pytest.raises(TransportError, match="64000 bytes"):
            await ana.room.send_data(bytes(size), reliable=True, to=[], topic="")


async def test_data_too_long_is_lost_to_the_server(plane: Plane) -> None:
    """Data of the server that is too long is answered, and lost (T40)."""
    ana = await plane.enter("ana")

    async def is_heard() -> bool:  # it takes a moment until she can hear it
        await plane.sfu.send_data(plane.room(), b"hint", to=["ana"])
        return bool(ana.of(DataReceived))

    await plane.until(is_heard)
    for size in (300_000, 200_000):
        await plane.sfu.send_data(plane.room(), bytes(size), to=["ana"])
    await eventually(lambda: len(ana.of(DataReceived)[-1].data) == 200_000)

    assert 300_000 not in {len(each.data) for each in ana.of(DataReceived)}


async def test_what_is_told_of_a_visit(plane: Plane, notices: Notices) -> None:
    """Each step of a visit is noticed in order, with its connection (T15)."""
    ana = await plane.enter("ana")
    sid = ana.state.local.sid
    await ana.room.publish_audio(Silence(), name="any", track_source=MICROPHONE)
    await plane.sees_tracks("ana", MICROPHONE)
    await ana.room.unpublish(MICROPHONE)
    await plane.sees_tracks("ana")
    await ana.room.disconnect()
    await plane.sees()
    await plane.sfu.delete_room(plane.room())
    await eventually(lambda: any(isinstance(n, RoomFinished) for n in notices()))

    told = notices()
    assert [type(each) for each in told] == [
        RoomStarted,
        ParticipantJoined,
        OtherNotice,
        OtherNotice,
        ParticipantLeft,
        RoomFinished,
    ]
    assert [each.event for each in told if isinstance(each, OtherNotice)] == [
        "track_published",
        "track_unpublished",
    ]
    assert {each.room.name for each in told if each.room} == {plane.room()}
    people = [n for n in told if isinstance(n, ParticipantJoined | ParticipantLeft)]
    assert {each.participant.sid for each in people} == {sid}


async def test_replaced_connection_leaves_with_its_own_sid(
    plane: Plane, notices: Notices
) -> None:
    """A `left` names the connection that ended, not the one that took over (T25)."""
    first = await plane.enter("ana")
    old = first.state.local.sid
    second = await plane.enter("ana")
    await first.hears(Disconnected)
    told = await comings_and_goings(notices, "ana", 3)

    joined, left, rejoined = told
    assert isinstance(left, ParticipantLeft)
    assert joined.participant.sid == left.participant.sid == old
    assert left.reason is DisconnectReason.DUPLICATE_IDENTITY
    assert rejoined.participant.sid == second.state.local.sid


@pytest.mark.parametrize("speaks", [False, True], ids=["audience", "speaker"])
async def test_replacement_is_told_to_the_others_at_once(
    plane: Plane, *, speaks: bool
) -> None:
    """The others see the replaced one go and the newer come, at once (T10)."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben")
    if speaks:
        await ben.room.publish_audio(Silence(), name="any", track_source=MICROPHONE)
    await ana.sees_remote("ben")
    ana.told.clear()
    second = await plane.enter("ben")
    await ana.hears(ParticipantConnected)

    gone, came = [
        each
        for each in ana.told
        if isinstance(each, ParticipantDisconnected | ParticipantConnected)
    ]
    assert isinstance(gone, ParticipantDisconnected)
    assert gone.reason is DisconnectReason.UNKNOWN_REASON
    assert came.participant.sid == second.state.local.sid


async def test_full_room_is_refused_with_its_code(plane: Plane) -> None:
    """A room that is full says so; who is in it may come again (T27)."""

    async def enter(identity: str) -> Guest:
        config = {"roomConfig": {"maxParticipants": 1}}
        token = plane.sfu.sign_token(plane.claims(identity) | config)
        guest = plane.guest()
        await guest.room.connect(plane.url, token, auto_subscribe=True)
        return guest

    first = await enter("ana")
    with pytest.raises(ConnectError) as refused:
        await enter("ben")
    assert refused.value.code == "room_full"

    await enter("ana")
    await first.hears(Disconnected)
    await plane.sees("ana")


async def test_room_outlives_the_last_one_by_what_its_token_says(
    plane: Plane,
) -> None:
    """An empty room ends, and what it knew with it (T39)."""

    async def has_ended() -> bool:
        return plane.room() not in {each.name for each in await plane.sfu.list_rooms()}

    config = {"roomConfig": {"emptyTimeout": 1, "departureTimeout": 1}}
    token = plane.sfu.sign_token(plane.claims("ana") | config)
    ana = plane.guest()
    await ana.room.connect(plane.url, token, auto_subscribe=True)
    await plane.sfu.update_room_metadata(plane.room(), "known")
    await ana.sees(lambda now: now.metadata == "known")
    await ana.room.disconnect()
    await plane.until(has_ended, timeout=15)

    assert (await plane.enter("ana")).state.metadata == ""
