"""What becomes of clients of the loopback plane when their lines break.

The times are LiveKit's; they pass on virtual time.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.planes import LISTENER, MICROPHONE, SPEAKER, Plane, heard_hz
from utd_stream.adapters.loopback import Loopback
from utd_stream.errors import (
    ClosedError,
    ConnectError,
    DisconnectedError,
    SfuNotFoundError,
)
from utd_stream.media import Silence
from utd_stream.models import DisconnectReason
from utd_stream.models.room_events import (
    ConnectionQualityChanged,
    DataReceived,
    Disconnected,
    LocalTrackPublished,
    ParticipantDisconnected,
    Reconnected,
    Reconnecting,
    RoomMetadataChanged,
    TokenRefreshed,
    TrackPublished,
    TrackSubscribed,
    TrackUnpublished,
)
from utd_stream.ports import ParticipantLeft, SfuNotice

pytestmark = pytest.mark.asyncio(loop_factories=["loopback"])


async def test_cut_line_that_is_mended_is_resumed(plane: Plane, sfu: Loopback) -> None:
    """Both ends keep what they had, and learn what they missed (T13, T29)."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben")
    await ana.publish_tone()
    before = ana.state.local
    sfu.lines.cut(plane.room(), "ana")
    await ana.hears(Reconnecting)
    await ben.room.disconnect()
    await sfu.update_room_metadata(plane.room(), "meanwhile")
    await plane.allow("ana", SPEAKER, metadata="meanwhile too")
    await plane.clock.sleep(10)
    assert not ana.of(RoomMetadataChanged)
    sfu.lines.mend(plane.room(), "ana")
    await ana.hears(Reconnected)

    now = ana.state
    assert (now.metadata, now.local.metadata) == ("meanwhile", "meanwhile too")
    assert now.remotes == ()
    assert now.local.sid == before.sid == (await plane.listed())["ana"]
    assert now.local.publications == before.publications
    assert len(ana.of(Reconnecting)) == len(ana.of(Reconnected)) == 1
    await plane.clock.sleep(60)
    assert set(await plane.listed()) == {"ana"}
    assert not ana.of(Disconnected)


async def test_cut_line_mended_late_is_connected_anew(
    plane: Plane, sfu: Loopback
) -> None:
    """Once the SFU has dropped a client, it comes back with new sids (T38)."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.publish_tone()
    old = ana.state.local
    sfu.lines.cut(plane.room(), "ana")
    gone = await ben.hears(ParticipantDisconnected, timeout=30)
    assert gone.reason is DisconnectReason.CONNECTION_TIMEOUT
    assert ben.of(TrackUnpublished)
    sfu.lines.mend(plane.room(), "ana")
    await ana.hears(Reconnected)

    now = ana.state.local
    assert now.sid != old.sid
    assert now.publications[0].sid != old.publications[0].sid
    await plane.sees_tracks("ana", MICROPHONE)
    assert await heard_hz(ben.room.audio("ana", MICROPHONE)) == pytest.approx(
        440, abs=5
    )
    await plane.clock.sleep(60)
    assert not ana.of(Disconnected)


async def test_what_was_under_way_is_lost_with_the_line(
    plane: Plane, sfu: Loopback
) -> None:
    """It is told when the line is mended, and only then."""
    ana = await plane.enter("ana")
    await sfu.update_room_metadata(plane.room(), "under way")
    sfu.lines.cut(plane.room(), "ana")
    await plane.clock.sleep(1)
    assert not ana.of(RoomMetadataChanged)
    sfu.lines.mend(plane.room(), "ana")

    assert (await ana.hears(RoomMetadataChanged)).metadata == "under way"


async def test_track_withdrawn_stays_until_the_next_one(plane: Plane) -> None:
    """Others see the new one first; one withdrawn at once is never received."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.publish_tone()
    await ben.hears(TrackSubscribed)
    await ana.room.publish_audio(Silence(), name="second", track_source=MICROPHONE)
    await plane.clock.sleep(0.05)
    assert [each.publication.name for each in ben.of(TrackUnpublished)] == ["mic"]
    await ana.room.unpublish(MICROPHONE)
    await plane.clock.sleep(1)

    tracks = TrackPublished | TrackUnpublished | TrackSubscribed
    told = [each for each in ben.told if isinstance(each, tracks)]
    assert [(type(each), each.publication.name) for each in told] == [
        (TrackPublished, "mic"),
        (TrackSubscribed, "mic"),
        (TrackPublished, "second"),
        (TrackUnpublished, "mic"),
        (TrackUnpublished, "second"),
    ]


async def test_line_that_stays_cut_is_given_up(plane: Plane, sfu: Loopback) -> None:
    """The SFU drops the silent one; its client gives up, without a reason (T41)."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.publish_tone()
    sfu.lines.cut(plane.room(), "ana")
    waiting = asyncio.create_task(ana.publish_tone())
    told = await ana.hears(Disconnected, timeout=30)

    assert told.reason is DisconnectReason.UNKNOWN_REASON
    with pytest.raises(DisconnectedError):
        await waiting
    with pytest.raises(DisconnectedError):
        ana.room.state()
    assert ben.of(ParticipantDisconnected)
    with pytest.raises(SfuNotFoundError):
        sfu.lines.mend(plane.room(), "ana")


async def test_what_was_asked_on_a_cut_line_is_done_when_it_is_mended(
    plane: Plane, sfu: Loopback
) -> None:
    """A publish and a message wait; a withdrawal is made good."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben")
    await ana.publish_tone()
    sfu.lines.cut(plane.room(), "ana")
    await ana.room.unpublish(MICROPHONE)
    sending = asyncio.create_task(
        ana.room.send_data(b"late", reliable=True, to=[], topic="")
    )
    await plane.clock.sleep(5)
    assert not sending.done()
    sfu.lines.mend(plane.room(), "ana")
    await sending

    assert (await ben.hears(DataReceived)).data == b"late"
    await plane.sees_tracks("ana")
    await ana.publish_tone()
    await plane.sees_tracks("ana", MICROPHONE)


async def test_silent_one_is_lost_before_it_is_missed(
    plane: Plane, sfu: Loopback
) -> None:
    """Those who received it are told after 10 s, with a tick; and that it is back.

    LiveKit's was seen to take 11 s (T12).
    """
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    cem = await plane.enter("cem", permission=LISTENER)
    await ana.publish_tone()
    await plane.clock.sleep(6)
    for guest in (ana, ben, cem):
        guest.told.clear()
    for identity in ("ana", "cem"):
        sfu.lines.cut(plane.room(), identity)
    await plane.clock.sleep(9.9)
    assert not ben.of(ConnectionQualityChanged)
    await plane.clock.sleep(5.1)
    told = [(each.identity, each.quality) for each in ben.of(ConnectionQualityChanged)]
    assert told == [("ben", "excellent"), ("ana", "lost")]
    assert not ben.of(ParticipantDisconnected)
    for identity in ("ana", "cem"):
        sfu.lines.mend(plane.room(), identity)
    await plane.clock.sleep(60)

    told = [(each.identity, each.quality) for each in ben.of(ConnectionQualityChanged)]
    assert told[2:] == [("ben", "excellent"), ("ana", "excellent")]
    told = [(each.identity, each.quality) for each in cem.of(ConnectionQualityChanged)]
    assert told == [("cem", "excellent"), ("ana", "excellent")]


async def test_killed_client_is_missed_after_a_while(
    plane: Plane, sfu: Loopback
) -> None:
    """It is told nothing and does nothing; the SFU lists it for 20 s (T38)."""
    heard: list[SfuNotice] = []
    sfu.watch(
        lambda body, signature: heard.append(
            sfu.read_notice(body, signature, plane.clock.now())
        )
    )
    ana = await plane.enter("ana")
    sfu.lines.kill(plane.room(), "ana")
    told = len(ana.told)
    await plane.clock.sleep(19)
    assert set(await plane.listed()) == {"ana"}
    await plane.sees(timeout=5)

    assert len(ana.told) == told
    (left,) = [each for each in heard if isinstance(each, ParticipantLeft)]
    assert left.reason is DisconnectReason.CONNECTION_TIMEOUT


async def test_leaving_on_a_cut_line_leaves_a_ghost(
    plane: Plane, sfu: Loopback
) -> None:
    """The farewell is lost: the SFU lists the one who left for 20 s."""
    ana = await plane.enter("ana")
    sfu.lines.cut(plane.room(), "ana")
    await ana.room.disconnect()

    assert ana.of(Disconnected) == [Disconnected(DisconnectReason.CLIENT_INITIATED)]
    assert set(await plane.listed()) == {"ana"}
    await plane.sees()


async def test_kicked_on_a_cut_line_comes_back(plane: Plane, sfu: Loopback) -> None:
    """The client never heard of its removal, and its token is good (T8)."""
    ana = await plane.enter("ana")
    sfu.lines.cut(plane.room(), "ana")
    await sfu.remove_participant(plane.room(), "ana")
    assert await plane.listed() == {}
    sfu.lines.mend(plane.room(), "ana")
    await ana.hears(Reconnected)

    await plane.sees("ana")


async def test_lost_grant_is_confirmed_and_not_made(
    plane: Plane, sfu: Loopback
) -> None:
    """Whoever trusts the answer alone is wrong; a late one comes on time (T9)."""
    ana = await plane.enter("ana", permission=LISTENER)
    sfu.grant_delay = None
    await plane.allow("ana", SPEAKER)
    await plane.clock.sleep(60)
    assert ana.state.local.permission == LISTENER
    sfu.grant_delay = 5.0
    await plane.allow("ana", SPEAKER)
    await plane.clock.sleep(4)
    assert ana.state.local.permission == LISTENER
    await ana.may_publish()
    ben = await plane.enter("ben")
    await plane.allow("ana", LISTENER)
    await ana.room.disconnect()
    await plane.clock.sleep(60)
    assert ben.state.remotes == ()  # nor does it bring anybody back


async def test_token_is_refreshed_at_once_and_then_every_five_minutes(
    plane: Plane,
) -> None:
    """Whoever stays never holds an old token (T8)."""
    began = plane.clock.now()
    ana = await plane.enter("ana")
    await ana.hears(TokenRefreshed)
    while len(ana.of(TokenRefreshed)) < 4:
        await plane.clock.sleep(1)

    passed = plane.clock.now() - began
    assert timedelta(minutes=15) <= passed < timedelta(minutes=15, seconds=5)


async def test_who_is_removed_again_and_again_gives_up(
    plane: Plane, sfu: Loopback
) -> None:
    """Each of four tries to come in takes 15 s, then the connect fails (T15).

    LiveKit's client was seen to say so after 60 s.
    """
    began = plane.clock.now()
    ana = plane.guest()
    entering = asyncio.create_task(
        ana.room.connect(plane.url, plane.token("ana"), auto_subscribe=True)
    )
    while not entering.done():
        if sfu.participant(plane.room(), "ana") is not None:
            await sfu.remove_participant(plane.room(), "ana")
        await plane.clock.sleep(0.01)
    with pytest.raises(ConnectError, match="in time"):
        await entering

    passed = plane.clock.now() - began
    assert timedelta(seconds=60) <= passed < timedelta(seconds=61)
    assert not await plane.listed()


async def test_cancelled_connect_leaves_a_ghost(
    plane: Plane, caplog: pytest.LogCaptureFixture
) -> None:
    """As with LiveKit; whoever does that is told, and cannot undo it (T34)."""
    ana = plane.guest()
    entering = asyncio.create_task(
        ana.room.connect(plane.url, plane.token("ana"), auto_subscribe=True)
    )
    await plane.clock.sleep(0.04)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    await ana.room.disconnect()

    assert set(await plane.listed()) == {"ana"}
    assert "ghost" in caplog.text


async def test_cancelled_publish_leaves_a_ghost(plane: Plane) -> None:
    """As with LiveKit; the client does not know of the track it has (T18, T36)."""
    ana = await plane.enter("ana")
    publishing = asyncio.create_task(ana.publish_tone())
    await plane.clock.sleep(0.001)
    publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing
    await plane.sees_tracks("ana", MICROPHONE)

    assert ana.state.local.publications == ()
    assert not ana.of(LocalTrackPublished)
    await ana.room.unpublish(MICROPHONE)
    await plane.sees_tracks("ana", MICROPHONE)


async def test_nothing_is_told_in_the_stack_of_who_causes_it(
    plane: Plane, sfu: Loopback
) -> None:
    """Events come in turns of their own, as from a network."""
    ana = await plane.enter("ana")
    await ana.publish_tone()
    told = len(ana.told)
    sfu.lines.resume(plane.room(), "ana")
    ana.room.set_muted(MICROPHONE, muted=True)
    sfu.leave(plane.room(), "ana", DisconnectReason.PARTICIPANT_REMOVED)

    assert len(ana.told) == told


async def test_idle_room_waits_for_one_timer(plane: Plane) -> None:
    """However many are in it, one task waits, and none when they have gone."""
    mine = asyncio.all_tasks()
    people = [await plane.enter(f"{n}", permission=LISTENER) for n in range(20)]
    await plane.clock.sleep(10)
    assert len(asyncio.all_tasks() - mine) == 1
    for guest in people:
        await guest.room.disconnect()
    await plane.clock.sleep(600)

    assert asyncio.all_tasks() == mine


async def test_pushed_out_on_the_way_in_one_comes_in_although_one_has_left(
    plane: Plane,
) -> None:
    """Its client goes on connecting: 15 s later it pushes the newer one out (T58)."""
    first, second = plane.guest(), plane.guest()
    token = plane.token("ana")
    entering = asyncio.create_task(
        first.room.connect(plane.url, token, auto_subscribe=True)
    )
    await plane.clock.sleep(0.015)
    entered = asyncio.create_task(
        second.room.connect(plane.url, token, auto_subscribe=True)
    )
    await plane.clock.sleep(0.02)
    await first.room.disconnect()
    await entered
    with pytest.raises(ClosedError):
        await entering

    told = await second.hears(Disconnected)
    assert told.reason is DisconnectReason.DUPLICATE_IDENTITY
    assert await plane.listed() == {}
