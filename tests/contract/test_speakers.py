"""The Media port: who is told to speak, and that the room is another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from tests.planes import LISTENER, MICROPHONE, Guest, Plane, eventually
from utd_stream.media import Silence, Tone
from utd_stream.models import AudioFrame
from utd_stream.models.room_events import (
    ActiveSpeakersChanged,
    RoomMetadataChanged,
    RoomUpdated,
)
from utd_stream.ports import AudioSource


async def publish(guest: Guest, source: AudioSource) -> None:
    """Publish a sound as the microphone."""
    await guest.room.publish_audio(source, name="mic", track_source=MICROPHONE)


async def read(guest: Guest, identity: str) -> None:
    """Read the sound of *identity* until the connection ends."""
    async for _ in guest.room.audio(identity, MICROPHONE):
        pass


@pytest.mark.parametrize("is_read", [True, False], ids=["read", "unread"])
async def test_who_begins_to_speak_is_named_to_everybody(
    plane: Plane, *, is_read: bool
) -> None:
    """An event names who began to speak, and nobody when somebody ended.

    It does not matter whether anybody reads the sound.
    """
    ana, ben = await plane.enter("ana"), await plane.enter("ben")
    cem = await plane.enter("cem", permission=LISTENER)
    for guest in (ana, ben):
        await guest.sees_remote("cem")
    read_of = ("ana", "ben") if is_read else ()
    reading = [asyncio.create_task(read(cem, name)) for name in read_of]

    def named(guest: Guest) -> list[tuple[str, ...]]:
        return [each.identities for each in guest.of(ActiveSpeakersChanged)]

    async def tells(is_told: Callable[[tuple[str, ...]], bool]) -> None:
        # Where the sound falters on its way, there are more events between.
        for guest in (ana, ben, cem):
            await eventually(lambda: any(map(is_told, named(guest))))  # noqa: B023 -- awaited in here
            guest.told.clear()

    await publish(ben, Silence())
    await publish(ana, Tone(440))
    await tells(lambda names: names == ("ana",))
    ana.room.set_muted(MICROPHONE, muted=True)
    await tells(lambda names: not names)
    ana.room.set_muted(MICROPHONE, muted=False)
    for guest in (ana, ben, cem):
        await eventually(lambda: ("ana",) in named(guest))  # noqa: B023 -- likewise
        assert set(named(guest)) <= {("ana",), ()}
    await publish(ben, Tone(550))
    # Who falters just then begins anew, and is named as well.
    await tells(lambda names: "ben" in names)
    await cem.room.disconnect()
    await asyncio.gather(*reading)


async def test_who_begins_after_a_silence_is_named(plane: Plane) -> None:
    """Whoever was silent, and is read by nobody, is named when the sound begins."""
    begins = asyncio.Event()

    class Late:
        """A silence that becomes a tone."""

        async def open(self) -> AsyncIterator[AudioFrame]:
            """Yield frames."""
            tone = Tone(440).open()
            async for frame in Silence().open():
                yield await anext(tone) if begins.is_set() else frame

    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await publish(ana, Late())
    await plane.sees_tracks("ana", MICROPHONE)
    assert ben.of(ActiveSpeakersChanged) == []

    begins.set()

    assert (await ben.hears(ActiveSpeakersChanged, timeout=20)).identities == ("ana",)


async def test_new_metadata_makes_another_room(plane: Plane) -> None:
    """Whoever is told of new metadata is told next that the room changed."""
    ana = await plane.enter("ana")
    await plane.sfu.update_room_metadata(plane.room(), "new")
    await ana.hears(RoomMetadataChanged)

    def told_since() -> list[type]:
        both = RoomMetadataChanged | RoomUpdated
        told = [type(each) for each in ana.told if isinstance(each, both)]
        return told[told.index(RoomMetadataChanged) + 1 :]

    await eventually(told_since)
    assert told_since()[0] is RoomUpdated
