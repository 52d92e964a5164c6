"""Cameras and readers that come and go a thousand times leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import attrs
import pytest

from utd_stream import EmbeddedWorld, embedded
from utd_stream._embedded.webhooks import Webhook
from utd_stream.client.call import UTDCallSession
from utd_stream.machines.signal import SignalState
from utd_stream.media import Silence, TestPattern
from utd_stream.models import UTDStreamType
from utd_stream.testing import VirtualLoop, run

HANDLES = Path("/proc/self/fd")
FEW, MANY = 100, 1_000


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Count no object of the tests before, which may be freed meanwhile."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@attrs.frozen
class Used:
    """What is in use; objects by the names of their classes."""

    objects: Counter[str]
    tasks: int
    descriptors: int


def used() -> Used:
    """Return what is in use once what can be freed is."""
    gc.collect()
    return Used(
        # The world keeps the newest thousand webhooks.
        Counter(
            type(each).__name__
            for each in gc.get_objects()
            if not isinstance(each, Webhook)
        ),
        len(asyncio.all_tasks()),
        sum(1 for _ in HANDLES.iterdir()) if HANDLES.is_dir() else 0,
    )


async def once(calling: UTDCallSession, answering: UTDCallSession) -> None:
    """Turn a camera on, see a picture, and turn it off."""
    await calling.set_camera(True)
    frames: Any = answering.video("ana")
    async with aclosing(frames):
        await anext(frames)
    await calling.set_camera(False)


async def call(world: EmbeddedWorld) -> tuple[UTDCallSession, UTDCallSession]:
    """Return both sides of a video call."""
    ana = world.client(microphone=Silence(), camera=TestPattern(80, 80, 30))
    ben = world.client(microphone=Silence())
    ben.incoming_calls.subscribe()
    for client, identity in ((ana, "ana"), (ben, "ben")):
        await client.authenticate(identity)
        await client.signal_state.until(SignalState.READY, 20)
    calling = ana.call_session(UTDStreamType.VIDEO_CALL)
    await calling.set_camera(False)
    await calling.start("ben")
    (incoming,) = await ben.ringing_calls.until(bool, 20)
    return calling, await incoming.answer()


def test_a_thousand_cameras_leave_nothing() -> None:
    """Objects, tasks and descriptors are after a thousand what they are after few."""

    async def program() -> tuple[Used, Used]:
        clock = cast("VirtualLoop", asyncio.get_running_loop()).clock
        async with embedded(clock=clock) as world:
            sessions = await call(world)
            for _ in range(FEW):
                await once(*sessions)
            await clock.sleep(2)
            few = used()
            for _ in range(MANY - FEW):
                await once(*sessions)
            await clock.sleep(2)
            many = used()
            for session in sessions:
                await session.dispose()
        return few, many

    few, many = run(program())
    assert many.tasks == few.tasks
    assert many.descriptors == few.descriptors
    more = many.objects - few.objects
    assert more.total() < MANY / 2, more.most_common(10)  # not one for each
