"""One party of a call in a process of its own: calls, or waits for a call.

It tells the frequency it hears, then the row of the call and how long it lasted by
its own clock, in seconds: one JSON object a line.  The caller hangs up at the first
line of its input.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from tests.patience import patient_ports
from tests.planes import heard_hz
from utd_stream.client.call import UTDCallSession
from utd_stream.compose import UTDStreamClient
from utd_stream.machines.signal import SignalState
from utd_stream.media import Tone
from utd_stream.models import UTDCallStatus, UTDStreamType
from utd_stream.wire import to_json


async def main(
    base_url: str, app_id: str, identity: str, hz: str, callee: str = ""
) -> None:
    """Call *callee*, or wait for a call where there is none."""
    async with UTDStreamClient(
        app_id,
        "key",
        base_url=base_url,
        microphone=Tone(float(hz)),
        ports=patient_ports(),
    ) as client:
        await client.authenticate(identity)
        await client.signal_state.until(SignalState.READY, 20)
        say(ready=True)
        session = await talk(client, callee)
        call = await session.call.until(
            lambda call: call is not None and call.status is UTDCallStatus.ACTIVE, 60
        )
        assert call is not None
        began = time.monotonic()
        other = callee or call.caller_identity
        say(heard=await heard_hz(session.audio(other)))
        if callee:
            await asyncio.to_thread(sys.stdin.readline)
            await session.end()
        await session.end_info.until(lambda end: end is not None, 60)
        lasted = time.monotonic() - began
        assert session.call.value is not None
        say(call=to_json(session.call.value), lasted=lasted)
        await session.aclose()


async def talk(client: UTDStreamClient, callee: str) -> UTDCallSession:
    """Return a session of a call."""
    if callee:
        session = client.call_session(UTDStreamType.AUDIO_CALL)
        await session.start(callee)
        return session
    (incoming,) = await client.ringing_calls.until(bool, 60)
    return await incoming.answer()


def say(**told: object) -> None:
    """Tell the test."""
    print(json.dumps(told), flush=True)  # noqa: T201 -- the test reads it


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
