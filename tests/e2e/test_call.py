"""A call of two processes, beside an engine and a LiveKit server in theirs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.serving import serve_settings, serving
from tests.patience import patiently
from tests.relay import Registration
from utd_stream.adapters.livekit_process import LiveKitProcess

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


async def test_two_processes_talk(
    livekit: LiveKitProcess,
    app_id: str,
    register_engine: Callable[[str], Registration],
    tmp_path: Path,
) -> None:
    """Tones both ways; both are told the same end, and the same duration."""
    settings = serve_settings(livekit, app_id, tmp_path / "engine.db")
    async with serving(settings) as (base_url, _):
        register_engine(f"{base_url}/livekit/webhook")
        async with party(base_url, app_id, "ben", "660") as ben:
            assert await ben.says("ready")
            async with party(base_url, app_id, "ana", "440", "ben") as ana:
                assert await ana.says("ready")
                heard = await asyncio.gather(ana.says("heard"), ben.says("heard"))
                await ana.hangs_up()
                calls = await asyncio.gather(ana.says("call"), ben.says("call"))

    assert heard == pytest.approx([660, 440], abs=5)
    assert [call["end_reason"] for call in calls] == ["caller_hangup"] * 2
    lasted = [call["duration_seconds"] for call in calls]
    assert lasted[0] == pytest.approx(lasted[1], abs=1)
    assert lasted[0] >= 0
