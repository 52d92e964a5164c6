"""The Media port: sound, rights, data and metadata."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest

from tests.patience import patiently
from tests.planes import (
    LISTENER,
    MICROPHONE,
    SPEAKER,
    Plane,
    eventually,
    heard_hz,
)
from utd_stream.media import Silence, Tone
from utd_stream.models import AudioFrame, Permission, TrackSource
from utd_stream.models.room_events import (
    DataReceived,
    LocalTrackPublished,
    LocalTrackUnpublished,
    RoomMetadataChanged,
    TrackMuted,
    TrackPublished,
    TrackSubscribed,
    TrackUnmuted,
    TrackUnsubscribed,
)


async def test_tone_arrives_as_it_was_sent(plane: Plane) -> None:
    """Whoever listens hears the frequency that was published."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    async with aclosing(ben.room.audio("ana", MICROPHONE)) as sound:  # type: ignore[type-var]  # a generator
        await ana.publish_tone(660)
        assert await heard_hz(sound) == pytest.approx(660, rel=0.1)


async def test_sound_goes_on_with_the_next_track(plane: Plane) -> None:
    """A reader outlives the track it reads, and hears the one that follows."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    async with aclosing(ben.room.audio("ana", MICROPHONE)) as sound:  # type: ignore[type-var]  # a generator
        await ana.publish_tone(440)
        assert await heard_hz(sound) == pytest.approx(440, rel=0.1)
        await ana.room.unpublish(MICROPHONE)
        await ben.hears(TrackUnsubscribed)
        await ana.publish_tone(880)
        await eventually(lambda: len(ben.of(TrackSubscribed)) == 2)
        await anext(sound)
        assert await heard_hz(sound) == pytest.approx(880, rel=0.1)


async def test_sound_ends_with_the_connection(plane: Plane) -> None:
    """Readers, of tracks that came and that never came, end on leaving."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)

    async def frames_of(identity: str) -> int:
        return len([frame async for frame in ben.room.audio(identity, MICROPHONE)])

    heard = asyncio.create_task(frames_of("ana"))
    unheard = asyncio.create_task(frames_of("nobody"))
    await ana.publish_tone()
    await ben.hears(TrackSubscribed)
    await ben.room.disconnect()
    async with patiently(10):
        await asyncio.wait((heard, unheard))

    assert unheard.result() == 0


class Voice:
    """A voice that falls silent when it is told to."""

    def __init__(self) -> None:
        self.is_silent = False

    async def open(self) -> AsyncIterator[AudioFrame]:
        """Yield sound, then nothing."""
        async for frame in Tone(440).open():
            if self.is_silent:
                await asyncio.Event().wait()
            yield frame


def is_loud(frame: AudioFrame) -> bool:
    """Whether somebody speaks in it."""
    return int(np.abs(np.frombuffer(frame.samples, "<i2")).max(initial=0)) > 1_000


async def test_slow_reader_gets_the_newest_frames(plane: Plane) -> None:
    """At most 100 frames wait for a reader, whatever it has missed."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    voice, waiting = Voice(), 0
    async with aclosing(ben.room.audio("ana", MICROPHONE)) as sound:  # type: ignore[type-var]  # a generator
        await ana.room.publish_audio(voice, name="mic", track_source=MICROPHONE)
        while not is_loud(await anext(sound)):
            pass
        await asyncio.sleep(2)  # the pause itself is what is tested
        voice.is_silent = True
        while is_loud(await anext(sound)):
            waiting += 1

    # Two seconds are 200 frames; some are still on their way when the voice ends.
    assert 0 < waiting <= 140


async def test_published_and_withdrawn_is_seen_by_the_sfu(plane: Plane) -> None:
    """The SFU lists a track from publish to unpublish; each is told once, in time."""
    ana = await plane.enter("ana")
    await ana.publish_tone()
    (told,) = ana.of(LocalTrackPublished)
    assert ana.state.local.publications == (told.publication,)
    await plane.sees_tracks("ana", MICROPHONE)

    await ana.room.unpublish(MICROPHONE)

    assert [each.publication.sid for each in ana.of(LocalTrackUnpublished)] == [
        told.publication.sid
    ]
    assert [*ana.state.local.publications] == []
    await plane.sees_tracks("ana")
    assert len(ana.of(LocalTrackPublished)) == 1
    assert len(ana.of(LocalTrackUnpublished)) == 1


async def test_publishing_again_replaces(plane: Plane) -> None:
    """One source is one track, however often it is published."""
    ana = await plane.enter("ana")
    await ana.publish_tone(440)
    await ana.publish_tone(550)

    await plane.sees_tracks("ana", MICROPHONE)
    assert len(ana.state.local.publications) == 1


async def test_unpublishing_nothing_is_no_error(plane: Plane) -> None:
    """Withdrawing what is not there, or is being withdrawn, changes nothing."""
    ana = await plane.enter("ana")
    await ana.room.unpublish(MICROPHONE)
    await ana.publish_tone()

    await asyncio.gather(*(ana.room.unpublish(MICROPHONE) for _ in range(2)))
    await plane.sees_tracks("ana")


async def test_mute_is_seen_by_the_others(plane: Plane) -> None:
    """Muting and unmuting keep the track, and are told to the others."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    ana.room.set_muted(MICROPHONE, muted=True)  # nothing is published yet
    await ana.publish_tone()
    await ben.hears(TrackSubscribed)
    ana.room.set_muted(MICROPHONE, muted=True)
    assert (await ben.hears(TrackMuted)).identity == "ana"
    assert (await ana.hears(TrackMuted)).publication.muted
    assert ana.state.local.publications[0].muted

    ana.room.set_muted(MICROPHONE, muted=False)

    assert (await ben.hears(TrackUnmuted)).identity == "ana"
    assert not (await ana.hears(TrackUnmuted)).publication.muted


async def test_muted_track_is_heard_as_silence(plane: Plane) -> None:
    """A reader of a muted track goes on, and reads silence."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.publish_tone()
    sound = ben.room.audio("ana", MICROPHONE)
    await heard_hz(sound)
    ana.room.set_muted(MICROPHONE, muted=True)
    await ben.hears(TrackMuted)
    async with patiently(10):
        silent = 0
        while silent < 50:
            silent = 0 if any((await anext(sound)).samples) else silent + 1
    ana.room.set_muted(MICROPHONE, muted=False)

    assert await heard_hz(sound) == pytest.approx(440, rel=0.1)


async def test_track_not_subscribed_is_announced_only(plane: Plane) -> None:
    """Without `auto_subscribe` tracks are known, and not received."""
    ana, ben = await plane.enter("ana"), plane.guest()
    await ben.room.connect(plane.url, plane.token("ben"), auto_subscribe=False)
    cem = await plane.enter("cem")
    await ana.publish_tone()
    await cem.hears(TrackSubscribed)
    await ben.hears(TrackPublished)

    assert not ben.of(TrackSubscribed)


async def test_revoked_track_is_gone_and_may_be_withdrawn(plane: Plane) -> None:
    """The SFU takes the track with the right; unpublishing then is no error (T24)."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.publish_tone()
    await ben.hears(TrackSubscribed)
    await plane.allow("ana", LISTENER)
    await ben.hears(TrackUnsubscribed)
    await plane.sees_tracks("ana")

    await ana.room.unpublish(MICROPHONE)
    assert ana.state.local.publications == ()

    await plane.allow("ana", SPEAKER)
    await ana.may_publish()
    await ana.publish_tone()
    await plane.sees_tracks("ana", MICROPHONE)


async def test_empty_sources_mean_every_source(plane: Plane) -> None:
    """Narrowed to no source, a permission to publish opens all of them (T37)."""
    everything = Permission(can_publish=True)
    ana = await plane.enter("ana", permission=SPEAKER)
    await plane.regrant(ana, everything)
    for source in (MICROPHONE, TrackSource.SCREEN_SHARE_AUDIO):
        assert everything.may_publish(source)
        await ana.room.publish_audio(Silence(), name="any", track_source=source)

    await plane.sees_tracks("ana", MICROPHONE, TrackSource.SCREEN_SHARE_AUDIO)


async def test_data_reaches_those_it_names(plane: Plane) -> None:
    """A message has its bytes, its topic and its sender, and goes to nobody else."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben")
    cem = await plane.enter("cem")
    for guest in (ben, cem):
        await guest.sees_remote("ana")
    await ana.room.send_data(b"\x00for ben", reliable=True, to=["ben"], topic="t")
    await ana.room.send_data(b"for all", reliable=True, to=[], topic="")
    await eventually(lambda: len(ben.of(DataReceived)) == 2)
    await cem.hears(DataReceived)

    assert ben.of(DataReceived)[0] == DataReceived(b"\x00for ben", "ana", "t")
    assert [each.data for each in cem.of(DataReceived)] == [b"for all"]


async def test_sixty_thousand_bytes_arrive(plane: Plane) -> None:
    """The longest message that our clients send arrives whole (T40)."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben")
    await ben.sees_remote("ana")
    sent = bytes(range(250)) * 240
    await ana.room.send_data(sent, reliable=True, to=[], topic="")

    assert (await ben.hears(DataReceived)).data == sent


async def test_data_of_the_server_has_no_sender(plane: Plane) -> None:
    """The engine's messages name nobody; so may others, so that proves nothing."""
    ana = await plane.enter("ana")
    async with patiently(10):
        while not ana.of(DataReceived):  # it takes a moment until she can hear it
            await plane.sfu.send_data(plane.room(), b"hint", to=["ana"])
            await asyncio.sleep(0.05)

    assert ana.of(DataReceived)[0].identity is None


async def test_room_metadata_arrives_in_order(plane: Plane) -> None:
    """Writes of metadata are told in order, none twice; the state holds the last.

    On an idle machine none is merged with another (T43).
    """
    ana = await plane.enter("ana")
    written = [f'{{"rev": {rev}}}' for rev in range(10)]
    for text in written:
        await plane.sfu.update_room_metadata(plane.room(), text)
    await ana.sees(lambda now: now.metadata == written[-1])

    told = [each.metadata for each in ana.of(RoomMetadataChanged)]
    assert told == [text for text in written if text in told]
    assert told[-1] == written[-1]
