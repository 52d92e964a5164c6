"""An engine as a process: told to stop it ends clean, killed it loses nothing."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest

from tests.engine.engine_process import config
from tests.engine.house import OPEN, app_of
from tests.patience import patiently
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.loopback import Loopback
from utd_stream.adapters.luck import SystemLuck
from utd_stream.engine import Config, serve
from utd_stream.errors import InvalidArgumentError

pytestmark = pytest.mark.real_time

ROOMS = 8
ENOUGH = 200  # answers, before the kill


@asynccontextmanager
async def running(database: Path) -> AsyncIterator[tuple[Any, str]]:
    """Run an engine in a process of its own; killed at last if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.engine.engine_process",
        str(database),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def post(
    pool: aiohttp.ClientSession, url: str, headers: dict[str, str], body: Any = None
) -> dict[str, Any]:
    """Send one request, which must be served."""
    async with pool.post(url, headers=headers, json=body) as response:
        assert response.status == 200, await response.text()
        return dict(await response.json())


async def sit_and_stand(
    pool: aiohttp.ClientSession,
    base: str,
    room: str,
    acknowledged: dict[str, int],
    enough: asyncio.Event,
) -> None:
    """Take and leave a seat until the engine is gone; note what it acknowledged."""
    body = {"type": "audio_room", "room_name": room, "identity": "ana"}
    try:
        minted = await post(pool, f"{base}/api/v1/token", app_of(OPEN), body)
        bearer = {"Authorization": f"Bearer {minted['user_token']}"}
        seats = f"{base}/api/v1/rooms/{room}/seats"
        while True:
            for path in ("0/take", "leave"):
                answer = await post(pool, f"{seats}/{path}", bearer)
                acknowledged[room] = answer["rev"]
                if sum(acknowledged.values()) >= ENOUGH:
                    enough.set()
    except aiohttp.ClientError:
        return


async def test_kill_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Killed in the middle of its work, an engine has every answered write on disk."""
    database = tmp_path / "engine.db"
    acknowledged: dict[str, int] = {}
    enough = asyncio.Event()
    async with aiohttp.ClientSession() as pool:
        async with running(database) as (process, base):
            names = [f"room{number}" for number in range(ROOMS)]
            async with asyncio.TaskGroup() as tasks:
                for name in names:
                    tasks.create_task(
                        sit_and_stand(pool, base, name, acknowledged, enough)
                    )
                async with patiently(20):
                    await enough.wait()
                process.send_signal(signal.SIGKILL)
        async with running(database) as (_, base):
            for name in names:
                url = f"{base}/api/v1/rooms/{name}/seats"
                headers = app_of(OPEN, secret=True)
                async with pool.get(url, headers=headers) as response:
                    grid = await response.json()

                # At most one command was on its way to being answered.
                assert 0 <= grid["rev"] - acknowledged[name] <= 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_ends_it_clean(tmp_path: Path, number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end an engine with status 0, and free its database."""
    database = tmp_path / "engine.db"
    body = {"type": "audio_room", "room_name": "r", "identity": "ana"}
    async with running(database) as (process, base), aiohttp.ClientSession() as pool:
        await post(pool, f"{base}/api/v1/token", app_of(OPEN), body)
        process.send_signal(number)

        assert await process.wait() == 0
    async with running(database):
        pass


def told(database: Path, **changes: Any) -> Config:
    """Return a config that is complete but for the changes."""
    return attrs.evolve(config(database), **changes)


async def run(config: Config) -> None:
    """Serve in this process until it is refused."""
    clock = AsyncioClock()
    await serve(
        config,
        sfu=Loopback(clock),
        clock=clock,
        luck=SystemLuck(),
        on_ready=lambda _: pytest.fail("it serves"),
    )


async def test_incomplete_engine_does_not_start(tmp_path: Path) -> None:
    """Without a secret, an app or an SFU nothing is served, nor a file made."""
    database = tmp_path / "engine.db"
    for changes in ({"secret": ""}, {"apps": ()}, {"livekit_url": ""}):
        with pytest.raises(InvalidArgumentError, match="cannot serve without"):
            await run(told(database, **changes))

    assert not database.exists()


async def test_second_engine_is_refused(tmp_path: Path) -> None:
    """A second engine on one database, or on one port, says so and ends."""
    database = tmp_path / "engine.db"
    async with running(database) as (_, base):
        with pytest.raises(InvalidArgumentError, match="open in another engine"):
            await run(told(database))
        port = int(base.rpartition(":")[2])
        with pytest.raises(InvalidArgumentError, match=f"cannot listen on .*{port}"):
            await run(told(tmp_path / "other.db", port=port))


async def test_cancelling_ends_it_clean(tmp_path: Path) -> None:
    """A cancelled engine frees its database, and signals were never its own."""
    database = tmp_path / "engine.db"
    clock = AsyncioClock()
    signals = (signal.SIGTERM, signal.SIGINT)
    handlers = [signal.getsignal(number) for number in signals]
    for _ in range(2):
        ready = asyncio.Event()

        def is_ready(_: str, ready: asyncio.Event = ready) -> None:
            ready.set()

        serving = asyncio.ensure_future(
            serve(
                config(database),
                sfu=Loopback(clock),
                clock=clock,
                luck=SystemLuck(),
                on_ready=is_ready,
            )
        )
        await ready.wait()
        assert [signal.getsignal(number) for number in signals] == handlers
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
