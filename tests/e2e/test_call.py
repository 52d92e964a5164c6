"""Calls beside an engine and a LiveKit server in processes of their own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.e2e.serving import serve_settings, serving
from tests.patience import patient, patient_ports, patiently
from tests.relay import Registration
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.client.incoming import IncomingCall
from utd_stream.compose import UTDStreamClient
from utd_stream.models import UTDCallStatus, UTDStreamType

pytestmark = pytest.mark.livekit


class Party:
    """One of the two, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def says(self, what: str) -> Any:
        """Wait for what it says next."""
        assert self._process.stdout is not None
        async with patiently(60):
            line = await self._process.stdout.readline()
        assert line, "it ended without a word"
        return json.loads(line)[what]

    async def hangs_up(self) -> None:
        """Let it end the call."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        await self._process.stdin.drain()


@asynccontextmanager
async def party(*told: str) -> AsyncIterator[Party]:
    """Run a party until it ends by itself."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.e2e.party", *told),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Party(process)
        async with patiently(60):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def two_parties(
    livekit: LiveKitProcess,
    app_id: str,
    register_engine: Callable[[str], Registration],
    database: Path,
    kind: UTDStreamType,
) -> AsyncIterator[tuple[Party, Party]]:
    """Let ana call ben, each in a process of its own."""
    settings = serve_settings(livekit, app_id, database)
    async with serving(settings) as (base_url, _):
        register_engine(f"{base_url}/livekit/webhook")
        async with party(base_url, app_id, "ben", "660", kind.value) as ben:
            assert await ben.says("ready")
            calls = base_url, app_id, "ana", "440", kind.value, "ben"
            async with party(*calls) as ana:
                assert await ana.says("ready")
                yield ana, ben


async def both(ana: Party, ben: Party, what: str) -> list[Any]:
    """Return what each says next."""
    return list(await asyncio.gather(ana.says(what), ben.says(what)))


async def test_two_processes_talk(
    livekit: LiveKitProcess,
    app_id: str,
    register_engine: Callable[[str], Registration],
    tmp_path: Path,
) -> None:
    """Tones both ways, no cameras; both are told the same end and duration."""
    kind, database = UTDStreamType.AUDIO_CALL, tmp_path / "engine.db"
    async with two_parties(livekit, app_id, register_engine, database, kind) as parties:
        heard = await both(*parties, "heard")
        refused = [await both(*parties, "refused") for _ in range(2)]
        await parties[0].hangs_up()
        calls = await both(*parties, "call")

    assert heard == pytest.approx([660, 440], abs=5)
    assert refused == [["forbidden"] * 2] * 2
    assert [call["end_reason"] for call in calls] == ["caller_hangup"] * 2
    lasted = [call["duration_seconds"] for call in calls]
    assert lasted[0] == pytest.approx(lasted[1], abs=1)
    assert lasted[0] >= 0


async def test_two_processes_see_each_other(
    livekit: LiveKitProcess,
    app_id: str,
    register_engine: Callable[[str], Registration],
    tmp_path: Path,
) -> None:
    """Pictures are known by what they show, in order, soon after they were sent.

    A screen is seen beside the camera.  `make bench` says how soon.
    """
    kind, database = UTDStreamType.VIDEO_CALL, tmp_path / "engine.db"
    async with two_parties(livekit, app_id, register_engine, database, kind) as parties:
        heard = await both(*parties, "heard")
        seen = await both(*parties, "seen")
        shown = await both(*parties, "shown")
        again = await both(*parties, "seen")
        began = await both(*parties, "began")
        await parties[0].hangs_up()
        calls = await both(*parties, "call")

    assert heard == pytest.approx([660, 440], abs=5)
    for pictures in (*seen, *shown, *again):
        numbers = [number for number, _, _ in pictures]
        assert numbers == sorted(numbers)
        assert len(set(numbers)) >= 0.9 * len(numbers)
    assert {width for pictures in seen for _, width, _ in pictures} == {320}
    assert max(width for pictures in shown for _, width, _ in pictures) == 640
    for pictures, sent in zip(seen, reversed(began), strict=True):
        late = median(at - sent - number / 15 for number, _, at in pictures)
        assert 0 < late < patient(2)
    assert [call["type"] for call in calls] == ["video_call"] * 2


async def test_a_ring_survives_kill_9(
    livekit: LiveKitProcess,
    app_id: str,
    register_engine: Callable[[str], Registration],
    tmp_path: Path,
) -> None:
    """The deadline fires once all the same, the device is told once, and both are free.

    The callee's device was connected when the engine died, and dials again.
    """
    settings = serve_settings(livekit, app_id, tmp_path / "engine.db")
    settings["UTD_STREAM_RING_TIMEOUT"] = "10"
    async with AsyncExitStack() as stack:
        base_url, engine = await stack.enter_async_context(serving(settings))
        register_engine(f"{base_url}/livekit/webhook").drop()
        ana, ben = [
            await stack.enter_async_context(
                UTDStreamClient(app_id, "key", base_url=base_url, ports=patient_ports())
            )
            for _ in range(2)
        ]
        await ana.authenticate("ana")
        await ben.authenticate("ben")
        rang: list[IncomingCall] = []
        ben.incoming_calls.subscribe(rang.append)
        call = await ana.api.create_call("ben", UTDStreamType.AUDIO_CALL)
        await ben.ringing_calls.until(bool, 20)
        engine.kill()
        await engine.wait()

        settings["UTD_STREAM_PORT"] = base_url.rpartition(":")[2]
        await stack.enter_async_context(serving(settings))
        end = await rang[0].ended.until(lambda end: end is not None, 60)

        assert end is not None
        assert (end.status, end.by) == (UTDCallStatus.MISSED, None)
        assert [each.call.value.call_id for each in rang] == [call.call_id]
        assert ben.ringing_calls.value == ()
        assert (await ana.api.get_call(call.call_id)).rev == rang[0].call.value.rev
        again = await ben.api.create_call("ana", UTDStreamType.AUDIO_CALL)
        assert again.status is UTDCallStatus.INITIATING
