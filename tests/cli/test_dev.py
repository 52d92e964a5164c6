"""Laws of ``utd-stream dev``."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Iterable
from pathlib import Path

import aiohttp
import pytest

from tests.cli.commands import Dev, children, has_ended, named, running
from tests.patience import patient, patiently
from utd_stream.models import SeatOccupancy

pytestmark = pytest.mark.livekit


def until(printed: Iterable[str], last: str) -> list[str]:
    """Return what is printed up to the line that holds *last*."""
    lines: list[str] = []
    for line in printed:
        lines.append(line)
        if last in line:
            break
    return lines


async def test_one_line_is_all_that_a_client_needs(dev: Dev) -> None:
    """Who has read it joins, sits down and speaks."""
    async with (
        dev.client() as client,
        await client.join_audio_room("ana", "lounge", as_host=True) as session,
    ):
        await session.take_seat(0)

        assert session.occupancy.value is SeatOccupancy.SPEAKING

    rest, _ = dev.end()
    assert set(dev.told) == {
        *("base_url", "livekit_url", "app_id", "app_key", "app_secret"),
    }
    assert not rest


async def test_nobody_is_limited_and_pages_of_this_machine_may_call(dev: Dev) -> None:
    """Whoever tries things out asks as often as they like, from a page too."""
    page = {"Origin": "http://localhost:5173"}
    async with dev.client() as client, aiohttp.ClientSession() as pool:
        await client.authenticate("ana")
        for _ in range(150):
            await client.api.refresh_session()
        async with pool.get(f"{dev.told['base_url']}/ready", headers=page) as answer:
            assert answer.status == 200
            allowed = answer.headers["Access-Control-Allow-Origin"]

    assert allowed == page["Origin"]


def test_a_person_is_told_what_to_type(tmp_path: Path, livekit_binary: Path) -> None:
    """Without --json it prints what starts the README's program, and the demo."""
    with running(
        *("dev", "--port", "0"), folder=tmp_path, LIVEKIT_SERVER=str(livekit_binary)
    ) as process:
        assert process.stdout is not None
        lines = until(process.stdout, "utd-stream demo")
    kept = tomllib.loads((tmp_path / ".utd-stream" / "engine.toml").read_text())

    engine = next(line.split()[1] for line in lines if "engine" in line)
    hello, demo = (line.split("$")[1].split() for line in lines if "$" in line)
    named = [engine, kept["app_id"], kept["app_key"]]
    assert hello == ["python", "hello.py", *named]
    assert demo[:2] == ["utd-stream", "demo"]
    assert demo[3::2] == named


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_a_person_is_told_what_works_without_the_key(
    tmp_path: Path, livekit_binary: Path
) -> None:
    """Where the key signs nobody in, what is printed signs somebody in as it stands."""
    with running(
        *("dev", "--port", "0"),
        folder=tmp_path,
        LIVEKIT_SERVER=str(livekit_binary),
        UTD_STREAM_ALLOW_APPKEY_IDENTITY_MINT="off",
        UTD_STREAM_APP_ID="app",
        UTD_STREAM_APP_KEY="publishable",
        UTD_STREAM_APP_SECRET="of 'ours' & theirs",  # noqa: S106 -- a test's
    ) as process:
        assert process.stdout is not None
        lines = until(process.stdout, "curl")
        (typed,) = (line.partition("$")[2] for line in lines if "$" in line)
        asked = subprocess.run(  # noqa: S602 -- as people type it
            f"{typed.strip()} -s", shell=True, check=True, capture_output=True
        )

    assert json.loads(asked.stdout)["user_token"]


async def test_livekit_tells_the_engine_what_happens(dev: Dev) -> None:
    """Its webhooks arrive: without them nobody would be known to be connected."""
    async with (
        dev.client() as client,
        await client.join_audio_room("ana", "lounge", as_host=True) as ana,
    ):
        async with patiently(10):
            while not (await client.api.get_participant("lounge", "ana")).connected:
                pass

        assert ana.connected.value


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_clean_and_leaves_no_process(dev: Dev, number: signal.Signals) -> None:
    """Status 0, no traceback, and LiveKit is gone with it."""
    started = children(dev.process.pid)
    assert started

    _, errors = dev.end(number)

    assert dev.process.returncode == 0
    assert "Traceback" not in errors
    assert all(map(has_ended, started))


def test_what_its_key_opens_is_said_once(dev: Dev) -> None:
    """Whoever reaches it and has the publishable key can be anybody."""
    _, errors = dev.end()

    warning = f"app {dev.told['app_id']}: its publishable key may sign anybody in"
    assert errors.count(warning) == 1


def test_it_does_not_outlive_livekit(dev: Dev) -> None:
    """Killed or crashed, LiveKit is named in one line, and the status is 1."""
    (livekit,) = (pid for pid in children(dev.process.pid) if "server" in named(pid))

    os.kill(livekit, signal.SIGKILL)
    printed, errors = dev.process.communicate(timeout=patient(30))

    assert dev.process.returncode == 1
    assert not printed
    assert "the LiveKit server has ended, status -9" in errors
    assert "Traceback" not in errors


def test_what_it_keeps_is_its_owners_alone(dev: Dev) -> None:
    """Secret, app and database: 0600 in a folder of 0700."""
    folder = dev.folder / ".utd-stream"
    kept = {each.name: each.stat().st_mode & 0o777 for each in folder.iterdir()}

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {"engine.toml", "engine.db"} <= set(kept)
    assert set(kept.values()) == {0o600}


def test_the_next_one_serves_the_same_app(dev: Dev, livekit_binary: Path) -> None:
    """What was copied from the first start is still good."""
    dev.end()

    with running(
        *("dev", "--json", "--port", "0"),
        folder=dev.folder,
        LIVEKIT_SERVER=str(livekit_binary),
    ) as process:
        assert process.stdout is not None
        again = json.loads(process.stdout.readline())

    for name in ("app_id", "app_key", "app_secret"):
        assert again[name] == dev.told[name]


def test_a_second_one_in_the_same_folder_is_refused(
    dev: Dev, livekit_binary: Path
) -> None:
    """One engine for one SQLite file; the first goes on."""
    with running(
        *("dev", "--json", "--port", "0"),
        folder=dev.folder,
        LIVEKIT_SERVER=str(livekit_binary),
    ) as process:
        printed, errors = process.communicate(timeout=patient(30))

    assert process.returncode == 2
    assert not printed
    assert "engine.db" in errors
    assert len(errors.splitlines()) == 1
    assert dev.process.poll() is None
