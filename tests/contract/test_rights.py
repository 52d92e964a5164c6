"""The Media port: rights, and what is done without them."""

from __future__ import annotations

import asyncio

import pytest

from tests.patience import patiently
from tests.planes import (
    LISTENER,
    MICROPHONE,
    SPEAKER,
    Guest,
    Plane,
    eventually,
)
from utd_stream.errors import ConnectError, PublishError
from utd_stream.media import Silence
from utd_stream.models import Permission, TrackSource
from utd_stream.models.room_events import (
    DataReceived,
    Disconnected,
    LocalTrackUnpublished,
    ParticipantMetadataChanged,
    ParticipantPermissionsChanged,
    RoomMetadataChanged,
    TokenRefreshed,
    TrackPublished,
    TrackSubscribed,
    TrackUnpublished,
    TrackUnsubscribed,
)

SHARED_SOUND = TrackSource.SCREEN_SHARE_AUDIO


async def publish(guest: Guest, source: TrackSource = MICROPHONE) -> None:
    """Publish silence."""
    await guest.room.publish_audio(Silence(), name="any", track_source=source)


async def test_equal_grant_brings_no_event(plane: Plane) -> None:
    """Nobody is told of a permission that is what it was (T2)."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben")
    await ana.hears(TokenRefreshed)
    for _ in range(2):
        await plane.allow("ana", SPEAKER)
    await plane.sfu.update_room_metadata(plane.room(), "and this is told")
    for guest in (ana, ben):
        await guest.hears(RoomMetadataChanged)

        assert not guest.of(ParticipantPermissionsChanged)
    assert len(ana.of(TokenRefreshed)) == 1  # it says nothing new either


async def test_empty_metadata_leaves_what_was_there(plane: Plane) -> None:
    """A grant without metadata is a grant alone."""
    ana = await plane.enter("ana", permission=LISTENER)
    await plane.allow("ana", LISTENER, metadata="m")
    await plane.allow("ana", SPEAKER)
    await ana.may_publish()

    assert ana.state.local.metadata == "m"


async def test_others_are_told_of_a_right(plane: Plane) -> None:
    """Everybody hears of a change, the one concerned included; once (T3)."""
    ana = await plane.enter("ana", permission=LISTENER)
    ben = await plane.enter("ben", permission=LISTENER)
    told = ParticipantPermissionsChanged("ana", SPEAKER)
    await plane.allow("ana", SPEAKER)
    for guest in (ana, ben):
        await guest.hears(ParticipantPermissionsChanged)

        assert guest.of(ParticipantPermissionsChanged) == [told]


async def test_metadata_is_told_before_the_right(plane: Plane) -> None:
    """One update is two events, the metadata's first (T5)."""
    ana = await plane.enter("ana", permission=LISTENER)
    ben = await plane.enter("ben", permission=LISTENER)
    await plane.allow("ana", SPEAKER, metadata="m")
    for guest in (ana, ben):
        await guest.hears(ParticipantPermissionsChanged)
        changes = ParticipantMetadataChanged | ParticipantPermissionsChanged
        told = [each for each in guest.told if isinstance(each, changes)]

        assert told == [
            ParticipantMetadataChanged("ana", "m"),
            ParticipantPermissionsChanged("ana", SPEAKER),
        ]


async def test_narrowed_right_takes_the_tracks_outside_it(plane: Plane) -> None:
    """A revoke is by source: what may still be published stays (T4)."""
    ana = await plane.enter("ana", permission=Permission(can_publish=True))
    ben = await plane.enter("ben", permission=LISTENER)
    await publish(ana, MICROPHONE)
    await publish(ana, SHARED_SOUND)
    await eventually(lambda: len(ben.of(TrackSubscribed)) == 2)
    narrow = Permission(can_publish=True, can_publish_sources=(SHARED_SOUND,))
    await plane.allow("ana", narrow)
    await ben.hears(TrackUnpublished)
    await plane.sees_tracks("ana", SHARED_SOUND)

    gone = [each.publication.source for each in ben.of(TrackUnpublished)]
    assert gone == [MICROPHONE]
    assert [each.publication.source for each in ben.of(TrackUnsubscribed)] == gone
    (ana_seen,) = ben.state.remotes
    assert [each.source for each in ana_seen.publications] == [SHARED_SOUND]


async def test_owner_is_not_told_of_the_track_that_went_with_its_right(
    plane: Plane,
) -> None:
    """A track that went with its right stays its owner's until withdrawn (T24)."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await publish(ana)
    await ben.hears(TrackSubscribed)
    before = ana.state.local.publications
    await plane.allow("ana", LISTENER)
    await ana.may_publish(expected=False)
    await ben.hears(TrackUnpublished)
    await plane.allow("ana", SPEAKER)
    await ana.may_publish()

    assert ana.state.local.publications == before
    assert not ana.of(LocalTrackUnpublished)
    await plane.sees_tracks("ana")  # the right alone does not bring it back


async def test_publish_without_the_right_is_never_answered(plane: Plane) -> None:
    """A publish without its right gets no answer, granted meanwhile or not (T22)."""
    ana = await plane.enter("ana")
    ben = await plane.enter("ben", permission=LISTENER)
    cem = await plane.enter("cem", permission=LISTENER)

    async def grant() -> None:
        await asyncio.sleep(0.1)  # the SFU says nothing that could be waited for
        await plane.allow("cem", SPEAKER)
        await cem.may_publish()

    async with patiently(20):
        *refused, _ = await asyncio.gather(
            publish(ana, SHARED_SOUND),
            publish(ben),
            publish(cem),
            grant(),
            return_exceptions=True,
        )

    for error in refused:
        assert isinstance(error, PublishError)
        assert "no response received from the server" in str(error)
    for guest in (ana, ben, cem):
        assert guest.state.local.publications == ()


async def test_deaf_one_receives_nothing_until_it_may(plane: Plane) -> None:
    """Without the right to subscribe no track comes; with it, those that are there."""
    deaf = Permission(can_subscribe=False)
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=deaf)
    cem = await plane.enter("cem", permission=LISTENER)
    await publish(ana)
    await cem.hears(TrackSubscribed)
    await ben.hears(TrackPublished)
    assert not ben.of(TrackSubscribed)
    await plane.allow("ben", LISTENER)

    assert (await ben.hears(TrackSubscribed)).identity == "ana"


async def test_one_made_deaf_hears_no_more_and_is_not_told(plane: Plane) -> None:
    """One made deaf is not told until the track comes again; its reader waits."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await publish(ana)
    heard = 0

    async def read() -> None:
        nonlocal heard
        async for _ in ben.room.audio("ana", MICROPHONE):
            heard += 1

    async def is_waiting() -> bool:
        before = heard
        await asyncio.sleep(0.5)  # of frames that do not come nothing tells
        return heard == before

    reading = asyncio.create_task(read())
    await eventually(lambda: heard > 20)
    await plane.allow("ben", Permission(can_subscribe=False))
    async with patiently(10):
        while not await is_waiting():
            pass
    assert not ben.of(TrackUnsubscribed)
    before = heard
    await plane.allow("ben", LISTENER)
    await eventually(lambda: heard > before + 20)

    assert len(ben.of(TrackUnsubscribed)) == 1
    assert len(ben.of(TrackSubscribed)) == 2
    await ben.room.disconnect()
    await reading


async def test_data_without_the_right_is_lost_without_a_word(plane: Plane) -> None:
    """Data sent without the right is lost without a word to anybody."""
    no_data = Permission(can_publish_data=False)
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=no_data)
    await ben.room.send_data(b"not mine to say", reliable=True, to=[], topic="")
    await plane.allow("ben", LISTENER)
    await ben.has(LISTENER)
    await ben.room.send_data(b"but this is", reliable=True, to=[], topic="")
    await ana.hears(DataReceived)

    assert [each.data for each in ana.of(DataReceived)] == [b"but this is"]


async def test_removed_one_may_come_back_with_the_token_it_had(plane: Plane) -> None:
    """A kick revokes no token (T8)."""
    token = plane.token("ana")
    first, second = plane.guest(), plane.guest()
    await first.room.connect(plane.url, token, auto_subscribe=True)
    await plane.sfu.remove_participant(plane.room(), "ana")
    await first.hears(Disconnected)
    await second.room.connect(plane.url, token, auto_subscribe=True)

    assert set(await plane.listed()) == {"ana"}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"nbf": 4_000_000_000, "exp": 4_000_000_600}, "unauthenticated"),
        ({"video": {"room": "somewhere"}}, "unauthenticated"),
        ({"video": {"roomJoin": True}}, "invalid"),
        ({"sub": ""}, "invalid"),
    ],
    ids=["early", "not to join", "no room", "nobody"],
)
async def test_refused_token_is_quoted_nowhere(
    plane: Plane, caplog: pytest.LogCaptureFixture, wrong: dict[str, object], code: str
) -> None:
    """A refused token has its code; neither error nor log quotes it (T23)."""
    token = plane.sfu.sign_token(plane.claims("ana") | wrong)
    with pytest.raises(ConnectError) as refused:
        await plane.guest().room.connect(plane.url, token, auto_subscribe=True)
    error = refused.value

    assert error.code == code
    assert error.__cause__ is error.__context__ is None
    assert "eyJ" not in caplog.text + str(error)


@pytest.mark.parametrize("wrong", ["nbf", "exp"])
async def test_clocks_may_differ_by_a_minute(plane: Plane, wrong: str) -> None:
    """A token is good a little before its time, and after it; not for long."""
    now = int(plane.clock.now().timestamp())
    towards = 1 if wrong == "nbf" else -1
    near, far = (
        plane.sfu.sign_token(plane.claims("ana") | {wrong: now + towards * apart})
        for apart in (30, 100)
    )
    await plane.guest().room.connect(plane.url, near, auto_subscribe=True)
    assert set(await plane.listed()) == {"ana"}
    with pytest.raises(ConnectError) as refused:
        await plane.guest().room.connect(plane.url, far, auto_subscribe=True)

    assert refused.value.code == "unauthenticated"


async def test_forged_token_is_refused(plane: Plane) -> None:
    """A token that was changed after it was signed is nobody's (T23)."""
    token = plane.token("ana")
    forged = token[:-4] + ("AAAA" if not token.endswith("AAAA") else "BBBB")
    with pytest.raises(ConnectError) as refused:
        await plane.guest().room.connect(plane.url, forged, auto_subscribe=True)

    assert refused.value.code == "unauthenticated"


async def test_what_a_token_does_not_say_is_granted(plane: Plane) -> None:
    """A bare token lets one do everything but write its own metadata."""
    grants = {"video": {"roomJoin": True, "room": plane.room()}}
    ana = plane.guest()
    token = plane.sfu.sign_token(plane.claims("ana") | grants)
    await ana.room.connect(plane.url, token, auto_subscribe=True)

    assert ana.state.local.permission == Permission(can_publish=True)
