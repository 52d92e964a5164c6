"""An engine in a process of its own, as ``utd-stream serve`` runs it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.patience import patiently
from utd_stream.adapters.livekit_process import LiveKitProcess

__all__ = ["serve_settings", "serving"]


def serve_settings(
    livekit: LiveKitProcess, app_id: str, database: Path
) -> dict[str, str]:
    """Return the environment of an engine beside that server."""
    return {
        **os.environ,
        "UTD_STREAM_PORT": "0",
        "UTD_STREAM_DATABASE": f"sqlite:///{database}",
        "UTD_STREAM_SECRET": "s" * 32,
        "UTD_STREAM_APP_ID": app_id,
        "UTD_STREAM_APP_KEY": "key",
        "UTD_STREAM_APP_SECRET": "app-secret",
        "UTD_STREAM_ALLOW_APPKEY_IDENTITY_MINT": "true",
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
    }


@asynccontextmanager
async def serving(
    settings: dict[str, str],
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Run ``utd-stream serve`` and yield its address and its process."""
    engine = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "utd_stream", "serve", "--json"),
        stdout=asyncio.subprocess.PIPE,
        env=settings,
    )
    assert engine.stdout is not None
    async with patiently(30):
        told = json.loads(await engine.stdout.readline())
    try:
        yield told["base_url"], engine
    finally:
        if engine.returncode is None:
            engine.terminate()
            assert await engine.wait() == 0
