"""One party of a call in a process of its own: calls, or waits for a call.

It tells the frequency it hears; in a video call also which pictures it sees when, of
the camera and of the screen, and when its own began; in an audio call how its camera
is refused; then the row of the call.  One JSON object a line.  The caller hangs up at
the first line of its input.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator

import attrs

from tests.patience import patient_ports, patiently
from tests.planes import heard_hz
from utd_stream.client.call import UTDCallSession
from utd_stream.compose import UTDStreamClient
from utd_stream.errors import RefusedError
from utd_stream.machines.signal import SignalState
from utd_stream.media import TestPattern, Tone, read_pattern
from utd_stream.models import TrackSource, UTDCallStatus, UTDStreamType, VideoFrame
from utd_stream.wire import to_json

SCREEN = TestPattern(640, 360, 5)


@attrs.define
class Film:
    """Numbered pictures, and when the first one was sent, on the machine's clock."""

    began: float | None = None

    async def open(self) -> AsyncIterator[VideoFrame]:
        """Yield them."""
        async for frame in TestPattern(320, 180, 15).open():
            yield frame
            if self.began is None:
                self.began = time.monotonic()


async def main(  # noqa: PLR0913, PLR0917 -- the words of a command
    base_url: str, app_id: str, identity: str, hz: str, kind: str, callee: str = ""
) -> None:
    """Call *callee*, or wait for a call where there is none."""
    film = Film()
    async with UTDStreamClient(
        app_id,
        "key",
        base_url=base_url,
        microphone=Tone(float(hz)),
        camera=film,
        screen=SCREEN,
        ports=patient_ports(),
    ) as client:
        await client.authenticate(identity)
        await client.signal_state.until(SignalState.READY, 20)
        say(ready=True)
        session = await talk(client, UTDStreamType(kind), callee)
        call = await session.call.until(
            lambda call: call is not None and call.status is UTDCallStatus.ACTIVE, 60
        )
        assert call is not None
        other = callee or call.caller_identity
        say(heard=await heard_hz(session.audio(other)))
        if call.type.has_video:
            await film_and_look(session, other, film)
        else:
            await try_to_film(session)
        if callee:
            await asyncio.to_thread(sys.stdin.readline)
            await session.end()
        await session.end_info.until(lambda end: end is not None, 60)
        assert session.call.value is not None
        say(call=to_json(session.call.value))
        await session.aclose()


async def talk(
    client: UTDStreamClient, kind: UTDStreamType, callee: str
) -> UTDCallSession:
    """Return a session of a call."""
    if callee:
        session = client.call_session(kind)
        await session.start(callee)
        return session
    (incoming,) = await client.ringing_calls.until(bool, 60)
    return await incoming.answer()


async def film_and_look(session: UTDCallSession, other: str, film: Film) -> None:
    """Tell what is seen of the other one, camera and screen."""
    say(seen=await look(session.video(other), 30))
    await session.set_screen_share(True)
    say(shown=await look(session.video(other, TrackSource.SCREEN_SHARE), 5))
    say(seen=await look(session.video(other), 10))
    say(began=film.began)


async def look(frames: AsyncIterator[VideoFrame], count: int) -> list[object]:
    """Return so many numbers of pictures, their widths, and when they were seen."""
    seen: list[object] = []
    async with patiently(30):
        async for frame in frames:
            number = read_pattern(frame)
            if number is not None:
                seen.append((number, frame.width_px, time.monotonic()))
            if len(seen) == count:
                break
    return seen


async def try_to_film(session: UTDCallSession) -> None:
    """Tell how camera and screen are refused."""
    for turn_on in (session.set_camera, session.set_screen_share):
        try:
            await turn_on(True)  # noqa: FBT003 -- the API
        except RefusedError as error:
            say(refused=error.code)


def say(**told: object) -> None:
    """Tell the test."""
    print(json.dumps(told), flush=True)  # noqa: T201 -- the test reads it


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
