"""Sound over the loopback plane: where it comes from, and when there is none.

The times are LiveKit's; they pass on virtual time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.planes import LISTENER, MICROPHONE, Plane, heard_hz
from utd_stream.adapters.loopback import Loopback
from utd_stream.media import Silence, Tone
from utd_stream.models import AudioFrame
from utd_stream.models.room_events import ActiveSpeakersChanged

pytestmark = pytest.mark.asyncio(loop_factories=["loopback"])


async def test_cut_line_is_silence(plane: Plane, sfu: Loopback) -> None:
    """A reader goes on, and reads silence, whichever end was cut."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.publish_tone()
    sound = ben.room.audio("ana", MICROPHONE)
    for identity in ("ana", "ben"):
        assert await heard_hz(sound) == pytest.approx(440, abs=5)
        sfu.lines.cut(plane.room(), identity)
        await plane.clock.sleep(2)  # what was heard before is dropped by then
        assert not any((await anext(sound)).samples)
        sfu.lines.mend(plane.room(), identity)


async def test_sound_over_a_resume_goes_on(plane: Plane, sfu: Loopback) -> None:
    """A track that came while the line was cut is received when it is mended."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    sfu.lines.cut(plane.room(), "ben")
    await ana.publish_tone()
    await plane.clock.sleep(1)
    sfu.lines.mend(plane.room(), "ben")

    assert await heard_hz(ben.room.audio("ana", MICROPHONE)) == pytest.approx(
        440, abs=5
    )


@pytest.mark.parametrize("seconds", [0.0, 0.005, 0.1, 0.395, 0.4, 0.6, 3.0, 60.0])
async def test_the_first_frame_is_sound(plane: Plane, seconds: float) -> None:
    """Whenever somebody begins to listen to a tone, no silence comes before it."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.publish_tone()
    await plane.clock.sleep(seconds)
    sound = ben.room.audio("ana", MICROPHONE)

    assert all([any((await anext(sound)).samples) for _ in range(50)])


async def test_sound_nobody_hears_is_hardly_asked_for(plane: Plane) -> None:
    """A source gives a frame each 10 ms while it is heard, and few before."""
    asked = 0

    class Counted(Silence):
        """A silence that counts its frames."""

        async def open(self) -> AsyncIterator[AudioFrame]:
            """Yield frames."""
            nonlocal asked
            async for frame in super().open():
                asked += 1
                yield frame

    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_audio(Counted(), name="mic", track_source=MICROPHONE)
    await plane.clock.sleep(3_600)
    assert asked < 3_600 * 100 / 50
    before, sound = asked, ben.room.audio("ana", MICROPHONE)
    for _ in range(100):
        await anext(sound)
    assert 100 <= asked - before <= 102


async def test_a_change_that_nobody_hears_is_noticed(plane: Plane) -> None:
    """After hours of silence it takes ten seconds to be told who speaks, or ends."""
    stages = {"begins": False, "ends": False}

    class Late:
        """A silence that becomes a tone, and fails."""

        async def open(self) -> AsyncIterator[AudioFrame]:
            """Yield frames."""
            tone = Tone(440).open()
            async for frame in Silence().open():
                yield await anext(tone) if stages["begins"] else frame
                if stages["ends"]:
                    raise OSError

    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_audio(Late(), name="mic", track_source=MICROPHONE)
    await plane.clock.sleep(3_600)
    assert ben.of(ActiveSpeakersChanged) == []

    stages["begins"] = True
    await plane.clock.sleep(11)
    assert [told.identities for told in ben.of(ActiveSpeakersChanged)] == [("ana",)]
    stages["ends"] = True
    await plane.clock.sleep(11)
    assert ana.state.local.publications[0].muted
    assert ben.of(ActiveSpeakersChanged)[-1].identities == ()
