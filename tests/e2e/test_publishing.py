"""Video past the SDK, through LiveKit's own client: the loopback has none."""

from __future__ import annotations

import asyncio

import pytest
from livekit import rtc

from tests.world import World
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.models import SeatOccupancy, TrackSource

pytestmark = pytest.mark.livekit


async def publish_video(session: UTDAudioRoomSession) -> None:
    """Publish a camera by hand."""
    native: rtc.Room = session.room.room
    video = rtc.VideoSource(320, 240)
    track = rtc.LocalVideoTrack.create_video_track("by hand", video)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA)
    try:
        await native.local_participant.publish_track(track, options)
    finally:
        await video.aclose()


async def test_no_camera_gets_through(world: World) -> None:
    """Neither of who speaks, nor of who is muted, nor of who listens (T22, T37)."""
    host = await world.join("host", as_host=True)
    speaker, muted = await world.join("speaker"), await world.join("muted")
    await speaker.take_seat(0)
    await muted.take_seat(1)
    await host.mute_seat(1)
    await muted.occupancy.until(lambda s: s is SeatOccupancy.SILENT, 10)

    refused = await asyncio.gather(
        *(publish_video(each) for each in (host, speaker, muted)),
        return_exceptions=True,
    )

    assert [type(each) for each in refused] == [rtc.participant.PublishTrackError] * 3
    for identity, sources in (
        ("host", ()),
        ("speaker", (TrackSource.MICROPHONE,)),
        ("muted", ()),
    ):
        listed = await world.listed(identity)
        assert listed is not None
        assert listed.track_sources == sources
