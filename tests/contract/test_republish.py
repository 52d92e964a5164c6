"""The Media port: a track that is published again, or cannot be."""

from __future__ import annotations

import asyncio

from tests.contract.faults import reconnect, start_reconnect
from tests.planes import LISTENER, MICROPHONE, SPEAKER, Guest, Plane
from utd_stream.media import Silence
from utd_stream.models.room_events import (
    DataReceived,
    LocalTrackUnpublished,
    Reconnected,
)


async def publish(guest: Guest) -> None:
    """Publish silence as the microphone."""
    await guest.room.publish_audio(Silence(), name="mic", track_source=MICROPHONE)


async def test_track_without_its_right_delays_the_end_of_a_reconnect(
    plane: Plane,
) -> None:
    """A track whose right is gone delays the end of a reconnect by 10 s (T22, T29)."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben")
    await publish(ana)
    await plane.regrant(ana, LISTENER)
    old = ana.state.local.sid
    await start_reconnect(plane, ana)
    await ana.sees(lambda now: now.local.sid != old)
    await ana.room.send_data(b"back", reliable=True, to=[], topic="")
    await ben.hears(DataReceived)

    assert not ana.of(Reconnected)
    await ana.hears(Reconnected, timeout=15)
    await plane.sees_tracks("ana")


async def test_track_that_was_not_published_again_can_be_withdrawn(
    plane: Plane,
) -> None:
    """A track not published again stays its owner's, and is no ghost (T18, T24)."""
    ana = await plane.enter("ana")
    await publish(ana)
    before = ana.state.local.publications
    await plane.regrant(ana, LISTENER)
    await start_reconnect(plane, ana)
    await ana.hears(Reconnected, timeout=15)
    assert ana.state.local.publications == before

    await ana.room.unpublish(MICROPHONE)

    assert ana.state.local.publications == ()
    assert [each.publication for each in ana.of(LocalTrackUnpublished)] == [*before]
    await plane.regrant(ana, SPEAKER)
    await publish(ana)
    ana.told.clear()
    await reconnect(plane, ana)
    assert len(ana.state.local.publications) == 1
    await plane.sees_tracks("ana", MICROPHONE)


async def test_track_published_amid_a_negotiation_gets_through(plane: Plane) -> None:
    """A track that the client was just told to withdraw does not swallow the next."""
    ana = await plane.enter("ana", permission=LISTENER)
    await plane.regrant(ana, SPEAKER)
    await publish(ana)
    await plane.sees_tracks("ana", MICROPHONE)

    for pause_ms in range(110, 160, 3):
        await ana.room.unpublish(MICROPHONE)
        # LiveKit's client offers 150 ms after the last change: this is tested.
        await asyncio.sleep(pause_ms / 1_000)
        await publish(ana)

        await plane.sees_tracks("ana", MICROPHONE)
