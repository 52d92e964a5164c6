"""The Media port: who is told how well somebody is connected."""

from __future__ import annotations

from tests.planes import LISTENER, MICROPHONE, Guest, Plane, eventually
from utd_stream.media import Silence
from utd_stream.models.room_events import ConnectionQualityChanged, TrackSubscribed


def told(guest: Guest) -> set[str]:
    """Those of whose connection *guest* was told, and that they are not lost."""
    changes = guest.of(ConnectionQualityChanged)
    return {each.identity for each in changes if each.quality != "lost"}


async def test_one_is_told_of_oneself_and_of_those_one_receives(plane: Plane) -> None:
    """Quality is told every 5 s, of oneself and of those whose track is received."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_audio(Silence(), name="mic", track_source=MICROPHONE)
    await ben.hears(TrackSubscribed)
    await ana.sees_remote("ben")
    await eventually(lambda: told(ana) == {"ana"})
    await eventually(lambda: told(ben) == {"ana", "ben"})
    cem = await plane.enter("cem", permission=LISTENER)
    await eventually(lambda: told(cem) == {"ana", "cem"})

    assert told(ana) == {"ana"}
    assert told(ben) == {"ana", "ben"}
