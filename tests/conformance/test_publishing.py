"""Who sits is heard, who does not sit is not: the engine grants, the SFU enforces."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from tests.planes import eventually, heard_hz
from tests.world import World
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.errors import PublishError, RefusedError
from utd_stream.media import Silence
from utd_stream.models import SeatOccupancy, TrackSource

Ending = Callable[[UTDAudioRoomSession, UTDAudioRoomSession], Awaitable[object]]


async def is_unanswered(session: UTDAudioRoomSession, *sources: TrackSource) -> None:
    """Publish past the SDK, as these sources, of which the SFU takes none."""
    connection = session.room._connection
    assert connection is not None
    answers = await asyncio.gather(
        *(
            connection.media.publish_audio(
                Silence(), name="by hand", track_source=source
            )
            for source in sources
        ),
        return_exceptions=True,
    )

    for answer in answers:
        assert isinstance(answer, PublishError)
        assert "no response" in str(answer)


async def hears_nothing_of(listener: UTDAudioRoomSession, identity: str) -> None:
    """Wait until the listener has no track of somebody."""
    await listener.remote_participants.until(
        lambda all_: not any(p.publications for p in all_ if p.identity == identity), 10
    )


async def tracks_at_the_sfu(world: World, identity: str) -> tuple[TrackSource, ...]:
    listed = await world.listed(identity)
    return () if listed is None else listed.track_sources


async def test_publishing_past_the_sdk_without_a_seat_is_not_heard(
    world: World,
) -> None:
    """The SFU takes no track of a listener, whoever asks it (T22)."""
    host = await world.join("host", as_host=True)
    guest = await world.join("guest")

    await is_unanswered(guest, TrackSource.MICROPHONE)

    assert await tracks_at_the_sfu(world, "guest") == ()
    assert not any(p.publications for p in host.remote_participants.value)


async def test_the_sdk_refuses_a_listener_at_once(world: World) -> None:
    """Without a seat a microphone is refused with a typed error (T22)."""
    guest = await world.join("guest")

    with pytest.raises(RefusedError) as refused:
        await guest.set_microphone(True)

    assert refused.value.is_forbidden
    with pytest.raises(RefusedError):
        await guest.room.set_microphone(True)


async def test_who_sits_is_heard(world: World) -> None:
    """After take_seat the listener receives the very tone that is sent."""
    host = await world.join("host", as_host=True)
    listener = await world.join("listener")

    await host.take_seat(0)

    assert await heard_hz(listener.audio("host")) == pytest.approx(440, rel=0.1)
    assert host.occupancy.value is SeatOccupancy.SPEAKING
    assert await tracks_at_the_sfu(world, "host") == (TrackSource.MICROPHONE,)


async def by_leaving(host: UTDAudioRoomSession, speaker: UTDAudioRoomSession) -> None:
    await speaker.leave_seat()


async def by_a_kick(host: UTDAudioRoomSession, speaker: UTDAudioRoomSession) -> object:
    return await host.kick_from_seat(3)


async def by_a_lock(host: UTDAudioRoomSession, speaker: UTDAudioRoomSession) -> object:
    return await host.lock_seat(3)


async def by_resizing(
    host: UTDAudioRoomSession, speaker: UTDAudioRoomSession
) -> object:
    return await host.setup_seats(seat_count=2)


@pytest.mark.parametrize(
    "ends",
    [by_leaving, by_a_kick, by_a_lock, by_resizing],
    ids=["by leaving", "by a kick", "by a lock", "by resizing"],
)
async def test_who_sits_no_more_is_gone_everywhere(world: World, ends: Ending) -> None:
    """Who loses the seat is unheard, unlisted and unpublished (T24)."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(3)
    await host.remote_participants.until(
        lambda all_: any(p.publications for p in all_), 10
    )

    await ends(host, speaker)

    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 10)
    await hears_nothing_of(host, "speaker")
    await world.nothing_is_left("speaker")
    await eventually(lambda: not speaker.room.state().local.publications)
    assert speaker.seat.value is None


async def test_a_muted_speaker_can_publish_nothing(world: World) -> None:
    """A muted seat opens neither the microphone nor the camera (T4, T22, T37)."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(1)

    await host.mute_seat(1)

    await speaker.occupancy.until(lambda s: s is SeatOccupancy.SILENT, 10)
    await speaker.microphone_muted.until(bool, 10)  # shown after the right is revoked
    assert speaker.seat.value == 1
    await is_unanswered(speaker, TrackSource.MICROPHONE, TrackSource.CAMERA)
    assert await tracks_at_the_sfu(world, "speaker") == ()


async def test_a_speaker_can_publish_no_camera(world: World) -> None:
    """A seat opens the microphone and nothing else (T22, T37)."""
    speaker = await world.join("speaker")
    await speaker.take_seat(0)

    await is_unanswered(speaker, TrackSource.CAMERA, TrackSource.SCREEN_SHARE_AUDIO)
    for refuses in (speaker.set_camera, speaker.set_screen_share):
        with pytest.raises(RefusedError):
            await refuses(True)  # noqa: FBT003 -- the SDK's own signature

    assert await tracks_at_the_sfu(world, "speaker") == (TrackSource.MICROPHONE,)


async def test_unmuting_a_seat_brings_the_voice_back_by_itself(world: World) -> None:
    """Whoever sits with the right publishes, unless it was said otherwise."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    await host.mute_seat(1)
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.SILENT, 10)

    await host.unmute_seat(1)

    await speaker.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)
    assert await heard_hz(host.audio("speaker")) == pytest.approx(440, rel=0.1)


async def test_the_switch_mutes_and_keeps_the_track(world: World) -> None:
    """set_microphone(False) mutes; the track stays published at the SFU."""
    speaker = await world.join("speaker")
    listener = await world.join("listener")
    await speaker.take_seat(0)
    await listener.remote_participants.until(
        lambda all_: any(p.publications for p in all_), 10
    )

    await speaker.set_microphone(False)

    await speaker.microphone_muted.until(lambda muted: muted, 10)
    await listener.remote_participants.until(
        lambda all_: all(t.muted for p in all_ for t in p.publications), 10
    )
    assert await tracks_at_the_sfu(world, "speaker") == (TrackSource.MICROPHONE,)
    await speaker.set_microphone(True)
    await speaker.microphone_muted.until(lambda muted: not muted, 10)


async def test_the_switch_is_seen_when_it_returns(world: World) -> None:
    """`muted` says what was asked, before the SFU has heard of it."""
    speaker = await world.join("speaker")
    await speaker.set_microphone(False)
    await speaker.take_seat(0)
    await speaker.can_publish.until(bool, 10)

    for on in (True, False, True, False):
        await speaker.set_microphone(on)
        assert speaker.microphone_muted.value is not on


async def test_a_cancelled_publish_leaves_no_ghost_and_no_wedge(world: World) -> None:
    """Whenever a publish is left, no track stays, and events go on (T18)."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.set_microphone(False)
    await speaker.take_seat(0)  # with the right, and silent
    await speaker.can_publish.until(bool, 10)

    async def is_withdrawn() -> bool:
        return not await tracks_at_the_sfu(world, "speaker")

    for step in range(12):
        with suppress(TimeoutError):
            async with asyncio.timeout(step * 0.002):
                await speaker.room.publish(TrackSource.MICROPHONE, Silence())
            await speaker.room.unpublish(TrackSource.MICROPHONE)
        await speaker.room.set_microphone(False)  # after all that runs on
        assert not speaker.room.state().local.publications
    await world.until(is_withdrawn)

    await host.lock_seat(8)
    await speaker.seats.until(lambda grid: grid.seats[8].locked, 10)
    await speaker.set_microphone(True)
    assert await heard_hz(host.audio("speaker")) == pytest.approx(440, rel=0.1)
