"""What a test lets another process do: what might end, starve or wedge it.

``python -m tests.e2e.scenarios NAME``; the server is told by the environment,
the outcome is one JSON object on standard output.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from pathlib import Path
from typing import Any, cast

from livekit import rtc
from livekit.rtc._ffi_client import FfiClient, _live_handles

from tests.planes import Plane
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.livekit_api import LiveKitSfu
from utd_stream.adapters.livekit_rtc import LiveKitMedia
from utd_stream.client.room import UTDRoom
from utd_stream.errors import DescriptorLimitError
from utd_stream.media import Silence, TestPattern
from utd_stream.models import Permission, TrackSource

ROOMS = 6
# Published and read, one after the other; a hundred where somebody has the time.
CAMERAS = int(os.environ.get("CAMERAS", "20"))


def plane() -> Plane:
    """The plane of the server that the environment names."""
    url = os.environ["LIVEKIT_URL"]
    sfu = LiveKitSfu(
        url, os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"]
    )
    return Plane(media=LiveKitMedia(), sfu=sfu, url=url, app_id=os.environ["APP_ID"])


def say(**outcome: Any) -> None:
    """Tell the test."""
    sys.stdout.write(json.dumps(outcome) + "\n")
    sys.stdout.flush()


async def cancelled_connects(here: Plane) -> None:
    """Cancel connects at many points, then stay alive for longer than 15 s."""
    room = UTDRoom(media=here.media, clock=AsyncioClock())
    for after in (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08):
        with suppress(TimeoutError):
            async with asyncio.timeout(after):
                await room.connect(here.url, here.token("ghost"))
            await room.disconnect()
    say(cancelled=True)
    await asyncio.sleep(16)  # the pause itself is what is tested: LiveKit ends at 15 s
    await room.aclose()
    say(alive=True)


async def leaks(here: Plane) -> None:
    """Count what rooms leave behind: LiveKit's alone, then ours."""

    async def bare() -> None:
        room = rtc.Room()
        await room.connect(here.url, here.token("bare"))
        source = rtc.AudioSource(48_000, 1)
        track = rtc.LocalAudioTrack.create_audio_track("mic", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        sent = await room.local_participant.publish_track(track, options)
        await room.local_participant.unpublish_track(sent.sid)
        await room.disconnect()
        await source.aclose()

    async def ours() -> None:
        async with UTDRoom(media=here.media, clock=AsyncioClock()) as room:
            await room.connect(here.url, here.token("ours"))
            await room.publish(TrackSource.MICROPHONE, Silence())
            await room.unpublish(TrackSource.MICROPHONE)

    async def growth(one: Callable[[], Awaitable[None]]) -> dict[str, int]:
        await one()  # what is made once, is made now
        before = await settled()
        for _ in range(ROOMS):
            await one()
        after = await settled()
        return {key: value - before[key] for key, value in after.items()}

    say(bare=await growth(bare), ours=await growth(ours))


async def pictures(here: Plane) -> None:
    """Count what cameras and readers leave behind: LiveKit's alone, then ours."""
    claims = Permission(can_publish=True, can_publish_sources=(TrackSource.CAMERA,))
    camera = TestPattern(160, 90, 15)

    async def ours(name: str) -> None:
        async with AsyncExitStack() as stack:
            one, other = [
                await stack.enter_async_context(
                    UTDRoom(media=here.media, clock=AsyncioClock())
                )
                for _ in range(2)
            ]
            await one.connect(here.url, here.token(name, permission=claims))
            await other.connect(here.url, here.token(f"{name}-eye"))
            for _ in range(CAMERAS):
                await one.set_camera(True, camera)  # noqa: FBT003 -- the API
                async with aclosing(cast("Any", other.video(name))) as frames:
                    await anext(frames)
                await one.set_camera(False)

    async def bare(name: str) -> None:
        room, eye = rtc.Room(), rtc.Room()
        await room.connect(here.url, here.token(name, permission=claims))
        await eye.connect(here.url, here.token(f"{name}-eye"))
        came: asyncio.Queue[rtc.Track] = asyncio.Queue()
        eye.on("track_subscribed", lambda track, *_: came.put_nowait(track))
        for _ in range(CAMERAS):
            source = rtc.VideoSource(160, 90)
            track = rtc.LocalVideoTrack.create_video_track("camera", source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA)
            sent = await room.local_participant.publish_track(track, options)
            feeding = asyncio.ensure_future(film(source))
            stream = rtc.VideoStream(await came.get(), capacity=2)
            await anext(stream)
            feeding.cancel()
            await stream.aclose()
            await room.local_participant.unpublish_track(sent.sid)
            await source.aclose()
        await room.disconnect()
        await eye.disconnect()

    async def film(source: rtc.VideoSource) -> None:
        picture = rtc.VideoFrame(160, 90, rtc.VideoBufferType.I420, bytes(21_600))
        while True:
            source.capture_frame(picture)
            await asyncio.sleep(1 / 15)  # the pace of a camera

    async def growth(
        one: Callable[[str], Awaitable[None]], name: str
    ) -> dict[str, int]:
        await one(f"{name}-first")  # what is made once, is made now
        before = await settled()
        await one(name)
        after = await settled()
        return {key: value - before[key] for key, value in after.items()}

    say(bare=await growth(bare, "bare"), ours=await growth(ours, "ours"))


async def settled() -> dict[str, int]:
    """What is in use when it has not changed for a second: threads end late."""
    now, since = used(), time.monotonic()
    while time.monotonic() - since < 1:
        await asyncio.sleep(0.1)  # nothing tells when a thread of LiveKit's ends
        if used() != now:
            now, since = used(), time.monotonic()
    return now


def used() -> dict[str, int]:
    """Descriptors, threads, tasks, queues, handles and rooms in use now."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    threads = next(row for row in status.splitlines() if row.startswith("Threads"))

    return {
        "descriptors": len(tuple(Path("/proc/self/fd").iterdir())),
        "threads": int(threads.split()[1]),
        "python_threads": threading.active_count(),
        "tasks": len(asyncio.all_tasks()),
        "queues": len(FfiClient.instance.queue._subscribers),
        "handles": len(_live_handles),
        "rooms": sum(isinstance(each, rtc.Room) for each in gc.get_objects()),
    }


async def few_descriptors(here: Plane) -> None:
    """Try to connect with a limit of 150, where LiveKit would end the process."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (150, hard))
    room = UTDRoom(media=here.media, clock=AsyncioClock())
    try:
        await room.connect(here.url, here.token("ana"))
    except DescriptorLimitError as error:
        resource.setrlimit(resource.RLIMIT_NOFILE, (error.wanted, hard))
        await room.connect(here.url, here.token("ana"))
        say(message=str(error), wanted=error.wanted, then=room.connection)
    await room.aclose()


SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (
        cancelled_connects,
        leaks,
        pictures,
        few_descriptors,
    )
}


async def main(name: str) -> None:
    """Play one scenario."""
    here = plane()
    try:
        await SCENARIOS[name](here)
    finally:
        await here.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
