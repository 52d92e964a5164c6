"""The microphone of a room: published, muted and withdrawn, whoever is cancelled."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from tests.client.people import Person
from tests.planes import (
    LISTENER,
    MICROPHONE,
    SPEAKER,
    Plane,
    eventually,
    heard_hz,
)
from utd_stream.errors import (
    InvalidArgumentError,
    RefusedError,
)
from utd_stream.media import Silence, Tone
from utd_stream.models.room_events import (
    DataReceived,
    ParticipantPermissionsChanged,
    TrackSubscribed,
    TrackUnsubscribed,
)


async def test_publishing_without_the_right_is_refused_at_once(ana: Person) -> None:
    """The SFU would not answer for 10 s; the room says no, with a code (T22)."""
    await ana.enter("ana", permission=LISTENER)
    for refused in (
        ana.room.publish(MICROPHONE, Silence()),
        ana.room.set_microphone(True, Silence()),  # noqa: FBT003 -- the API
    ):
        with pytest.raises(RefusedError) as raised:
            refused.send(None)  # runs to its first wait, and meets none
        assert raised.value.is_forbidden

    assert ana.room.state().local.publications == ()


async def test_microphone_is_heard_muted_and_heard_again(
    ana: Person, ben: Person
) -> None:
    """`set_microphone` publishes once, then only mutes and unmutes."""
    await ana.enter("ana")
    await ben.enter("ben", permission=LISTENER)
    sound = ben.room.audio("ana")
    await ana.room.set_microphone(True, Tone(500))  # noqa: FBT003 -- the API
    assert await heard_hz(sound) == pytest.approx(500, rel=0.1)
    sid = ana.room.state().local.publications[0].sid
    await ana.room.set_microphone(False)
    assert ana.room.state().local.publications[0].muted
    await ana.room.set_microphone(True)
    ana.room.mute(MICROPHONE, True)  # noqa: FBT003 -- the API
    ana.room.mute(MICROPHONE, False)  # noqa: FBT003 -- the API

    sent = ana.room.state().local.publications[0]
    assert (sent.sid, sent.muted) == (sid, False)


async def test_another_source_takes_the_place_of_the_first(ana: Person) -> None:
    """It is heard in the same track; the last one is remembered."""
    await ana.enter("ana")
    with pytest.raises(InvalidArgumentError, match="Tone"):
        await ana.room.set_microphone(True)
    await ana.room.set_microphone(True, Tone(500))  # noqa: FBT003 -- the API
    first = ana.room.state().local.publications[0].sid
    await ana.room.set_microphone(True, Tone(600))  # noqa: FBT003 -- the API
    (second,) = ana.room.state().local.publications
    assert second.sid == first
    await ana.enter("ana")
    await ana.room.set_microphone(True)

    assert len(ana.room.state().local.publications) == 1


async def test_lost_right_takes_the_microphone_with_it(
    ana: Person, ben: Person, plane: Plane
) -> None:
    """With the right gone nothing is listed as published any more (T24)."""
    await ana.enter("ana")
    await ben.enter("ben", permission=LISTENER)
    await ana.room.publish(MICROPHONE, Silence())
    await ben.hears(TrackSubscribed)
    await plane.allow("ana", LISTENER)
    await ben.hears(TrackUnsubscribed)
    await eventually(lambda: not ana.room.state().local.publications)

    await plane.allow("ana", SPEAKER)
    await ana.may_publish()
    await ana.room.publish(MICROPHONE, Silence())
    await plane.sees_tracks("ana", MICROPHONE)


async def test_rights_of_others_are_not_ones_own(
    ana: Person, ben: Person, plane: Plane
) -> None:
    """Somebody else losing the right leaves one's own microphone alone (T3)."""
    await ana.enter("ana")
    await ben.enter("ben")
    await ben.room.publish(MICROPHONE, Silence())  # who speaks is announced at once
    await ana.sees_remote("ben")
    mine = await ana.room.publish(MICROPHONE, Silence())
    await plane.allow("ben", LISTENER)
    await eventually(
        lambda: [
            each
            for each in ana.of(ParticipantPermissionsChanged)
            if each.identity == "ben" and not each.permission.can_publish
        ]
    )
    await ana.room.set_microphone(on=True)  # after all that was asked before

    assert [each.sid for each in ana.room.state().local.publications] == [mine.sid]


async def test_microphone_is_withdrawn_though_the_right_lingers(
    ana: Person, plane: Plane
) -> None:
    """Whoever loses the seat is silent at once, whatever the grant says (L16)."""
    await ana.enter("ana")
    await ana.room.publish(MICROPHONE, Silence())
    await plane.sees_tracks("ana", MICROPHONE)
    await ana.room.unpublish(MICROPHONE)

    assert ana.room.state().local.permission.may_publish(MICROPHONE)
    await plane.sees_tracks("ana")


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 10])
async def test_cancelled_publish_leaves_no_ghost_and_no_wedge(
    ana: Person, ben: Person, plane: Plane, turns: int
) -> None:
    """Cancelled anywhere, the track goes, and the room still hears (T18, T36)."""
    await ana.enter("ana")
    await ben.enter("ben")
    for delay in (0.0, 0.002, 0.005, 0.01, 0.02):
        publishing = asyncio.create_task(ana.room.publish(MICROPHONE, Silence()))
        for _ in range(turns):
            await asyncio.sleep(0)
        await asyncio.sleep(delay)  # on its way, at a point that nothing tells
        publishing.cancel()
        with suppress(asyncio.CancelledError):
            await publishing
            await ana.room.unpublish(MICROPHONE)
    await ana.room.unpublish(MICROPHONE)  # after all that was asked before
    await plane.sees_tracks("ana")
    await ben.room.send_data(b"still there?")

    assert (await ana.hears(DataReceived)).data == b"still there?"


async def test_failing_task_group_leaves_no_ghost(ana: Person, plane: Plane) -> None:
    """A TaskGroup may end whoever publishes; the track goes with it (T36)."""
    await ana.enter("ana")

    async def fail() -> None:
        await asyncio.sleep(0.003)  # on its way, at a point that nothing tells
        raise OSError

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ana.room.publish(MICROPHONE, Silence()))
            tasks.create_task(fail())

    with suppress(ExceptionGroup):
        await group()
    await ana.room.unpublish(MICROPHONE)

    await plane.sees_tracks("ana")
