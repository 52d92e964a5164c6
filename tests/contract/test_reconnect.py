"""The Media port: connections that break and are repaired."""

from __future__ import annotations

import pytest

from tests.contract.faults import (
    Mortal,
    Notices,
    comings_and_goings,
    lose_signal,
    reconnect,
    start_reconnect,
)
from tests.planes import (
    LISTENER,
    MICROPHONE,
    SPEAKER,
    Plane,
    eventually,
    heard_hz,
)
from utd_stream.media import Silence, Tone
from utd_stream.models import DisconnectReason
from utd_stream.models.room_events import (
    Disconnected,
    LocalTrackRepublished,
    Reconnected,
    Reconnecting,
    TrackMuted,
)
from utd_stream.ports import ParticipantLeft


async def test_full_reconnect_is_a_departure_that_is_none(
    plane: Plane, notices: Notices
) -> None:
    """A client that repairs itself leaves and comes with a new sid (T38)."""
    ana = await plane.enter("ana")
    old = ana.state.local.sid
    await comings_and_goings(notices, "ana", 1)  # else she is one who never came (T15)
    await reconnect(plane, ana)
    told = await comings_and_goings(notices, "ana", 3)

    left = [each for each in told if isinstance(each, ParticipantLeft)]
    assert [(each.participant.sid, each.reason) for each in left] == [
        (old, DisconnectReason.CLIENT_INITIATED)
    ]
    # The SFU's webhook may come before the client knows its new sid.
    await eventually(lambda: ana.state.local.sid != old)
    assert (await plane.listed())["ana"] == ana.state.local.sid
    assert told[-1].participant.sid == ana.state.local.sid
    assert not ana.of(Disconnected)


async def test_reconnect_is_told_from_both_ends(plane: Plane) -> None:
    """Each kind of reconnect is told once as it begins and once as it ends (T29)."""
    ana = await plane.enter("ana")
    await lose_signal(plane, ana)
    assert (len(ana.of(Reconnecting)), len(ana.of(Reconnected))) == (1, 1)
    ana.told.clear()
    await reconnect(plane, ana)

    assert (len(ana.of(Reconnecting)), len(ana.of(Reconnected))) == (1, 1)


async def test_published_track_survives_a_full_reconnect(plane: Plane) -> None:
    """Published again a track has a new sid, and is heard and muted as before (T29)."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_audio(Tone(700), name="mic", track_source=MICROPHONE)
    old = ana.state.local.publications[0].sid
    await reconnect(plane, ana)
    told = await ana.hears(LocalTrackRepublished)

    (sent,) = ana.state.local.publications
    assert (told.publication.sid, told.previous_sid) == (sent.sid, old)
    assert sent.sid != old
    assert sent.source is MICROPHONE
    assert await heard_hz(ben.room.audio("ana", MICROPHONE)) == pytest.approx(
        700, rel=0.1
    )
    ana.room.set_muted(MICROPHONE, muted=True)
    await ben.hears(TrackMuted)
    await ana.room.unpublish(MICROPHONE)
    await plane.sees_tracks("ana")


async def test_listener_hears_on_after_a_full_reconnect(plane: Plane) -> None:
    """A reader of sound outlives the reconnect of its own client (T29)."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_audio(Tone(700), name="mic", track_source=MICROPHONE)
    sound = ben.room.audio("ana", MICROPHONE)
    await anext(sound)
    await reconnect(plane, ben)
    await heard_hz(sound)  # what was on its way
    assert await heard_hz(sound) == pytest.approx(700, rel=0.1)


async def test_resumed_connection_keeps_its_sids(
    plane: Plane, notices: Notices
) -> None:
    """A lost signal connection alone changes nothing of ours (T29); takes 3 s."""
    ana = await plane.enter("ana")
    await ana.room.publish_audio(Silence(), name="mic", track_source=MICROPHONE)

    def departures() -> int:
        return sum(isinstance(each, ParticipantLeft) for each in notices())

    # On a busy machine LiveKit's client may fail to resume, and connects anew.
    for _ in range(3):
        await plane.sees_tracks("ana", MICROPHONE)
        before, left = ana.state.local, departures()
        await lose_signal(plane, ana)
        after = ana.state.local
        if (after.sid, after.publications) == (before.sid, before.publications):
            break
    else:
        pytest.fail("it was never resumed")

    assert departures() == left


async def test_state_after_a_reconnect_is_the_truth(plane: Plane) -> None:
    """What changed during a reconnect is in the state, event or not (T13)."""
    ana = await plane.enter("ana")
    ben = await plane.enter("ben")
    await ben.room.publish_audio(Silence(), name="mic", track_source=MICROPHONE)
    await ana.sees_remote("ben")
    await start_reconnect(plane, ana)
    await ben.room.disconnect()
    await plane.sfu.update_room_metadata(plane.room(), "new")
    await ana.hears(Reconnected)

    await ana.sees(lambda now: not now.remotes and now.metadata == "new")


async def test_promotion_survives_a_full_reconnect(plane: Plane) -> None:
    """The refreshed token carries the rights of now, not of the mint (T9)."""
    ana = await plane.enter("ana", permission=LISTENER)
    await plane.regrant(ana, SPEAKER)
    await plane.regrant(ana, SPEAKER, metadata="promoted")
    await ana.room.publish_audio(Silence(), name="mic", track_source=MICROPHONE)
    await reconnect(plane, ana)

    assert ana.state.local.permission == SPEAKER
    assert ana.state.local.metadata == "promoted"
    await plane.sees_tracks("ana", MICROPHONE)


async def test_revoked_right_stays_revoked_over_a_reconnect(plane: Plane) -> None:
    """The token of the mint does not bring back what was taken since (T9)."""
    ana = await plane.enter("ana", permission=SPEAKER)
    await plane.regrant(ana, LISTENER)
    await reconnect(plane, ana)

    assert ana.state.local.permission == LISTENER


async def test_forgotten_room_is_seen_before_the_reconnect_is(mortal: Mortal) -> None:
    """The SFU restarted: metadata is empty, and everybody is back in it (T39)."""
    plane = mortal.plane
    ana = await plane.enter("ana", permission=LISTENER)
    await plane.regrant(ana, SPEAKER)
    await ana.room.publish_audio(Silence(), name="mic", track_source=MICROPHONE)
    await plane.sfu.update_room_metadata(plane.room(), '{"rev": 7}')
    await ana.sees(lambda now: now.metadata == '{"rev": 7}')
    old = ana.state.local.sid
    await mortal.restart()
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
