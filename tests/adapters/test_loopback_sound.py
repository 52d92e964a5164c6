"""Sound over the loopback plane: where it comes from, and when there is none.

The times are LiveKit's; they pass on virtual time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.planes import LISTENER, MICROPHONE, Plane, heard_hz
from utd_stream.adapters.loopback import Loopback
from utd_stream.errors import PublishError
from utd_stream.media import Silence, Tone
from utd_stream.models import AudioFrame

pytestmark = pytest.mark.asyncio(loop_factories=["loopback"])


async def test_cut_line_is_silence(plane: Plane, sfu: Loopback) -> None:
    """A reader goes on, and reads silence, whichever end was cut."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.publish_tone()
    sound = ben.room.audio("ana")
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

    assert await heard_hz(ben.room.audio("ana")) == pytest.approx(440, abs=5)


async def test_sound_nobody_hears_is_not_asked_for(plane: Plane) -> None:
    """A source gives a frame each 10 ms while it is heard, and none before."""
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
    assert asked == 0
    sound = ben.room.audio("ana")
    for _ in range(100):
        await anext(sound)
    assert asked == 100


async def test_source_that_fails_is_silent(
    plane: Plane, caplog: pytest.LogCaptureFixture
) -> None:
    """Its track stays; the app is told in the log, or at once if it cannot open."""

    class Broken:
        """A sound that ends in an error."""

        async def open(self) -> AsyncIterator[AudioFrame]:
            """Yield one frame, and fail."""
            async for frame in Tone(440).open():
                yield frame
                raise OSError

    class Shut:
        """A sound that does not open."""

        def open(self) -> AsyncIterator[AudioFrame]:
            """Fail."""
            raise OSError

    ana, ben = await plane.enter("ana"), await plane.enter("ben", permission=LISTENER)
    await ana.room.publish_audio(Broken(), name="mic", track_source=MICROPHONE)
    sound = ben.room.audio("ana")
    frames = [await anext(sound) for _ in range(10)]
    assert any(frames[0].samples)
    assert not any(frames[-1].samples)
    assert "its track is silent now" in caplog.text
    with pytest.raises(PublishError, match="cannot be opened"):
        await ana.room.publish_audio(Shut(), name="mic", track_source=MICROPHONE)
