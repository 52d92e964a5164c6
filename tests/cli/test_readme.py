"""What the README prints can be run as it is printed."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import Dev, command, environment, running
from tests.patience import patient
from tests.readme import README, block

HELLO = "usage: python hello.py"


def python(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run this interpreter in a folder of its own."""
    return subprocess.run(  # noqa: S603 -- this interpreter, and the README's programs
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=patient(60),
    )


def test_the_first_program_needs_nothing(tmp_path: Path) -> None:
    """Copied as it stands, it prints what the README says that it prints."""
    program = block("python", 'join_audio_room("dan"')
    (tmp_path / "room.py").write_text(program, encoding="utf-8")

    run = python("room.py", folder=tmp_path)

    assert run.returncode == 0, run.stderr
    assert not run.stderr
    printed = block("", "dan hears")
    assert run.stdout == printed


def test_the_program_of_a_call_prints_what_it_says(tmp_path: Path) -> None:
    """Copied as it stands, in a world of its own."""
    (tmp_path / "call.py").write_text(block("python", "call_session"))

    told = python("call.py", folder=tmp_path)

    assert told.stderr == ""
    assert told.stdout == block("", "callee_hangup\n")


def test_the_program_of_a_moderator_prints_what_it_says(tmp_path: Path) -> None:
    """A role, a mute and a locked chat, in a world of its own."""
    program = block("python", "mute_participant")
    (tmp_path / "moderation.py").write_text(program, encoding="utf-8")

    told = python("moderation.py", folder=tmp_path)

    assert told.stderr == ""
    assert told.stdout == block("", "quiet, please\n")


def test_the_first_program_is_short() -> None:
    """Fifteen lines of code, none of which a screen must break."""
    lines = [
        line for line in block("python", 'join_audio_room("dan"').splitlines() if line
    ]

    assert len(lines) <= 15
    assert max(map(len, lines)) <= 90


@pytest.mark.livekit
def test_the_program_runs_as_printed(dev: Dev, tmp_path: Path) -> None:
    """With what ``dev`` prints as arguments, it sits down and speaks."""
    (tmp_path / "hello.py").write_text(block("python", HELLO), encoding="utf-8")
    told = (dev.told[name] for name in ("base_url", "app_id", "app_key"))

    run = python("hello.py", *told, folder=tmp_path)

    assert run.returncode == 0, run.stderr
    assert "ana is speaking" in run.stdout
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "usage: python hello.py URL APP_ID APP_KEY"),
        (("http://127.0.0.1:9", "app"), "usage: python hello.py URL APP_ID APP_KEY"),
        (("127.0.0.1:9", "app", "key"), "base_url must begin with http:// or https://"),
        (("http://127.0.0.1:9", "app", "key"), "127.0.0.1:9"),
    ],
    ids=["nothing", "half", "no URL", "nobody there"],
)
def test_the_program_says_what_is_wrong(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    """One line, and no traceback, for whoever has typed something wrong."""
    (tmp_path / "hello.py").write_text(block("python", HELLO), encoding="utf-8")

    run = python("hello.py", *arguments, folder=tmp_path)

    assert run.returncode == 1
    assert words in run.stderr
    assert len(run.stderr.splitlines()) == 1


@pytest.mark.livekit
def test_the_program_says_that_its_key_is_wrong(dev: Dev, tmp_path: Path) -> None:
    """The engine's own sentence, in one line."""
    (tmp_path / "hello.py").write_text(block("python", HELLO), encoding="utf-8")
    told = (dev.told["base_url"], dev.told["app_id"], "another-key")

    run = python("hello.py", *told, folder=tmp_path)

    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert "hello.py: " in run.stderr


@pytest.mark.livekit
def test_the_back_end_gives_the_role(tmp_path: Path, livekit_binary: Path) -> None:
    """Where only the secret signs in, its mint makes a host, and nobody else is one."""
    program = block("python", "session_provider=")
    (tmp_path / "both.py").write_text(program, encoding="utf-8")
    with running(
        *("dev", "--json", "--port", "0"),
        folder=tmp_path,
        LIVEKIT_SERVER=str(livekit_binary),
        UTD_STREAM_ALLOW_APPKEY_IDENTITY_MINT="false",
    ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        named = (told[name] for name in ("base_url", "app_id", "app_secret"))

        run = python("both.py", *named, folder=tmp_path)

    assert run.returncode == 0, run.stderr
    assert run.stdout == "ana is UTDRole.HOST\nben is UTDRole.AUDIENCE\n"


@pytest.mark.parametrize(
    ("marked_by", "passed"),
    [("Simulation(", 1), ("SeatGridMachine", 2)],
    ids=["virtual time", "fixture and machine"],
)
def test_the_tests_pass(tmp_path: Path, marked_by: str, passed: int) -> None:
    """Copied as they stand, pytest finds them and they hold."""
    program = block("python", marked_by)
    (tmp_path / "test_lounge.py").write_text(program, encoding="utf-8")

    run = python("-m", "pytest", "-q", "test_lounge.py", folder=tmp_path)

    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{passed} passed" in run.stdout


def test_the_notebooks_are_where_the_link_points() -> None:
    """Whoever wants to try it finds them."""
    (folder,) = re.findall(r"\[the notebooks\]\((.*?)\)", README.read_text("utf-8"))

    assert list((README.parent / folder).glob("*.ipynb"))


PLACEHOLDER = re.compile("<[^>]*>")


def test_the_file_of_settings_is_refused_as_printed(tmp_path: Path) -> None:
    """Nobody serves with a secret that everybody can read: each one is named."""
    text = block("toml", "port")
    filled = 0
    while PLACEHOLDER.search(text):
        (tmp_path / "engine.toml").write_text(text, encoding="utf-8")

        told = command("serve", "--check", "--config", "engine.toml", folder=tmp_path)

        assert told.returncode == 2
        assert "is a placeholder" in told.stderr
        assert len(told.stderr.splitlines()) == 1
        filled += 1
        text = PLACEHOLDER.sub(f"{filled}" * 32, text, count=1)

    assert filled == 5


def test_the_file_of_settings_is_taken_once_filled(tmp_path: Path) -> None:
    """``serve`` finds in it all that it needs, and shows what may be shown."""
    numbers = itertools.count(1)
    text = PLACEHOLDER.sub(lambda _: f"{next(numbers)}" * 32, block("toml", "port"))
    (tmp_path / "engine.toml").write_text(text, encoding="utf-8")

    told = command("serve", "--check", "--config", "engine.toml", folder=tmp_path)

    assert told.returncode == 0, told.stderr
    assert "allow_appkey_identity_mint=false" in told.stdout


def test_the_first_screen_is_a_screen() -> None:
    """What it is, how it is installed, a whole program and the demo, in 40 lines."""
    first = "\n".join(README.read_text(encoding="utf-8").splitlines()[:40])

    assert "pip install" in first
    assert "embedded()" in first
    assert "asyncio.run" in first
    assert "utd-stream demo" in first


def test_a_newcomer_is_told_what_is_needed_first() -> None:
    """A room in one process, the picture, a real server, tests, the commands."""
    text = README.read_text(encoding="utf-8")
    order = ["embedded()", "client   ", HELLO, "Simulation(", "--check", "## Limits"]

    places = [text.index(words) for words in order]

    assert places == sorted(places)
