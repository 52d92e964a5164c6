"""Laws of the command itself."""

from __future__ import annotations

from pathlib import Path

import pytest

import utd_stream
from tests.cli.commands import command


def test_version_is_told(tmp_path: Path) -> None:
    """--version names the program and its version."""
    told = command("--version", folder=tmp_path)

    assert told.stdout == f"utd-stream {utd_stream.__version__}\n"
    assert told.returncode == 0


def test_help_names_every_command(tmp_path: Path) -> None:
    """Who knows nothing is told what there is."""
    told = command("--help", folder=tmp_path)

    assert told.returncode == 0
    assert all(name in told.stdout for name in ("serve", "dev", "demo"))


@pytest.mark.parametrize(
    "arguments", [("dev", "--port", "0"), ("demo", "--livekit")], ids=" ".join
)
def test_without_livekit_the_remedy_is_told(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """No LiveKit server: status 2, one line that says how to get one, no file."""
    told = command(*arguments, folder=tmp_path, PATH=str(tmp_path))

    assert told.returncode == 2
    assert "make livekit" in told.stderr
    assert len(told.stderr.splitlines()) == 1
    assert not told.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "more", [(), ("--livekit", "--app-id", "a", "--app-key", "k")], ids=["half", "both"]
)
def test_demo_takes_all_of_an_engine_or_nothing(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    """Half an address, or one beside --livekit, plays nowhere else than was meant."""
    engine = ("--base-url", "http://127.0.0.1:9")

    told = command("demo", *engine, *more, folder=tmp_path)

    assert told.returncode == 2
    assert "--app-key go together, without --livekit" in told.stderr
    assert not told.stdout
