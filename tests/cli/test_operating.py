"""What ``docs/operating.md`` prints can be done as it is printed."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.cli.commands import await_health, running
from tests.cli.test_serve import COMPLETE
from tests.readme import OPERATING, README, block
from utd_stream.adapters.livekit_process import LiveKitPorts

LINK = re.compile(r"\]\(([^)#:]+)(#[^)]*)?\)")


@contextmanager
def engine(folder: Path) -> Generator[tuple[subprocess.Popen[str], int]]:
    """Serve from ``data/rooms.db`` until it is told to end, which it does well."""
    port = LiveKitPorts.free().http
    arguments = ("serve", "--port", str(port), "--database", "sqlite:///data/rooms.db")
    with running(*arguments, folder=folder, **COMPLETE) as process:
        await_health(port, process)
        yield process, port
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 0


def shell(folder: Path, text: str, **told: str) -> str:
    """Return what the commands of a block print; each must succeed."""
    return subprocess.run(  # noqa: S602 -- the document's own commands
        f"set -e\n{text}",
        shell=True,
        cwd=folder,
        env={**os.environ, **told},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


def ask(port: int, path: str, **body: str) -> dict[str, object]:
    """Return what the engine answers to a back end."""
    request = Request(
        f"http://127.0.0.1:{port}/api/v1{path}",
        data=json.dumps(body).encode() if body else None,
        headers={
            "X-App-Id": COMPLETE["UTD_STREAM_APP_ID"],
            "X-App-Secret": COMPLETE["UTD_STREAM_APP_SECRET"],
            "Content-Type": "application/json",
        },
    )
    with urlopen(request, timeout=30) as answer:  # noqa: S310 -- ours
        read: dict[str, object] = json.load(answer)
        return read


def mint(port: int, identity: str) -> None:
    """Make somebody a member of the room."""
    ask(port, "/token", type="audio_room", room_name="lounge", identity=identity)


def members(port: int) -> set[str]:
    """Return who is a member of the room."""
    return set(re.findall(r"'identity': '(\w+)'", str(ask(port, "/rooms/lounge"))))


def test_a_running_engine_is_backed_up_and_restored(tmp_path: Path) -> None:
    """The copy is whole, the engine goes on, and a restore is the room of then."""
    (tmp_path / "data").mkdir()
    (tmp_path / "backup").mkdir()
    with engine(tmp_path) as (process, port):
        mint(port, "ana")
        backup = block("sh", "kill -STOP", OPERATING)
        shell(tmp_path, backup, ENGINE=str(process.pid))
        mint(port, "ben")
        assert members(port) == {"ana", "ben"}

    shell(tmp_path, block("sh", "cp -p backup/", OPERATING))
    with engine(tmp_path) as (_, port):
        assert members(port) == {"ana"}


def test_a_copy_of_a_running_engine_is_whole(tmp_path: Path) -> None:
    """What is printed to look at the copy finds nothing wrong with it."""
    if shutil.which("sqlite3") is None:
        pytest.skip("there is no sqlite3")
    (tmp_path / "data").mkdir()
    (tmp_path / "backup").mkdir()
    with engine(tmp_path) as (process, port):
        mint(port, "ana")
        backup = block("sh", "kill -STOP", OPERATING)
        shell(tmp_path, backup, ENGINE=str(process.pid))

    assert shell(tmp_path, block("sh", "integrity_check", OPERATING)) == "ok\n"
    with closing(sqlite3.connect(tmp_path / "backup" / "rooms.db")) as copy:
        assert copy.execute("SELECT name FROM rooms").fetchall() == [("lounge",)]


def test_nobody_else_opens_the_file_of_a_running_engine(tmp_path: Path) -> None:
    """That is why the document does not say ``VACUUM INTO``."""
    (tmp_path / "data").mkdir()
    with (
        engine(tmp_path),
        closing(sqlite3.connect(tmp_path / "data" / "rooms.db", timeout=0)) as other,
        pytest.raises(sqlite3.OperationalError, match="database is locked"),
    ):
        other.execute("VACUUM INTO ?", [str(tmp_path / "copy.db")])


@pytest.mark.parametrize("document", [README, OPERATING], ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    """Every file that is linked is there."""
    linked = [found[0] for found in LINK.findall(document.read_text(encoding="utf-8"))]

    assert linked
    assert all((document.parent / each).exists() for each in linked)
