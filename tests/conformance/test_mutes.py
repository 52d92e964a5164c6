"""Hard mutes: the SFU refuses what a moderator took, and nothing opens by itself."""

from __future__ import annotations

import pytest

from tests.planes import heard_hz
from tests.world import World
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.errors import InvalidArgumentError, PermissionDeniedError
from utd_stream.models import SeatOccupancy, TrackSource, UTDRole

AUDIO = {TrackSource.MICROPHONE, TrackSource.SCREEN_SHARE_AUDIO}
SILENT, SPEAKING = SeatOccupancy.SILENT, SeatOccupancy.SPEAKING


async def is_silent(world: World, session: UTDAudioRoomSession) -> None:
    """Wait until a seated member has no track, and none at the SFU."""
    await session.occupancy.until(SILENT, 10)
    await world.until(lambda: _sends_nothing(world, session))


async def _sends_nothing(world: World, session: UTDAudioRoomSession) -> bool:
    listed = await world.listed(session.local_participant.identity)
    if listed is None or listed.permission is None:
        return False
    return not listed.permission.can_publish and not listed.track_sources


async def test_who_is_muted_is_heard_no_more(world: World) -> None:
    """The seat is kept; unmuted, the microphone opens when its owner turns it on."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    await host.mute_participant("speaker", video=False)

    await speaker.muted.until(lambda muted: muted == AUDIO, 10)
    await is_silent(world, speaker)
    assert await world.seat_of("speaker") == 1

    await host.unmute_participant("speaker", video=False)
    await speaker.can_publish.until(bool, 10)
    await speaker.muted.until(lambda muted: not muted, 10)
    # Had it opened by itself, it would be published before this is answered.
    await speaker.get_seats()
    assert speaker.occupancy.value is SILENT
    await speaker.set_microphone(True)
    await speaker.occupancy.until(SPEAKING, 10)
    assert await heard_hz(host.audio("speaker")) == pytest.approx(440, rel=0.1)


async def test_who_is_muted_sits_down_silent(world: World) -> None:
    """take_seat returns once seated, and unmuting opens nothing (L67)."""
    host = await world.join("host", as_host=True)
    await world.join("speaker")
    await host.mute_participant("speaker")
    speaker = await world.join("speaker")
    await speaker.take_seat(2)
    assert speaker.occupancy.value is SILENT

    await host.unmute_participant("speaker")
    await speaker.can_publish.until(bool, 10)
    await speaker.get_seats()
    assert speaker.occupancy.value is SILENT


async def test_a_mute_of_all_spares_moderators(world: World) -> None:
    """Late joiners find it (L64, L66); so does who connects anew."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await host.take_seat(0)
    await speaker.take_seat(1)
    await host.mute_all(video=False)

    await is_silent(world, speaker)
    late = await world.join("late")
    await late.muted.until(lambda muted: muted == AUDIO, 10)
    await late.take_seat(2)
    assert late.occupancy.value is SILENT
    assert host.occupancy.value is SPEAKING
    assert host.muted.value == frozenset()
    await world.reconnect(speaker)
    await is_silent(world, speaker)

    await host.set_role("late", UTDRole.ADMIN)
    await late.muted.until(lambda muted: not muted, 10)
    await host.unmute_all()
    await speaker.muted.until(lambda muted: not muted, 10)
    await speaker.set_microphone(True)
    await speaker.occupancy.until(SPEAKING, 10)


async def test_a_seat_and_a_person_are_muted_apart(world: World) -> None:
    """The mute of the seat says nothing of the person, and ends no agreement."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    await host.mute_seat(1)
    await is_silent(world, speaker)
    assert speaker.muted.value == frozenset()

    await host.unmute_seat(1)
    await speaker.occupancy.until(SPEAKING, 10)


async def test_mutes_are_the_moderators(world: World) -> None:
    """Nobody else mutes or unmutes; a mute of nothing is an argument error."""
    host = await world.join("host", as_host=True)
    guest = await world.join("guest")
    with pytest.raises(PermissionDeniedError):
        await guest.unmute_participant("guest")
    with pytest.raises(PermissionDeniedError):
        await guest.mute_all()
    with pytest.raises(InvalidArgumentError, match="audio, video or both"):
        await host.mute_all(audio=False, video=False)
    with pytest.raises(InvalidArgumentError, match="audio, video or both"):
        await host.mute_participant("guest", audio=False, video=False)
    assert guest.muted.value == frozenset()
