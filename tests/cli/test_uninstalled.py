"""Laws of a checkout that nobody has installed, as on ``PYTHONPATH`` or frozen."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

import utd_stream
from tests.cli.commands import environment
from tests.cli.test_serve import COMPLETE

PACKAGE = Path(utd_stream.__file__).parent
PROGRAM = "from utd_stream import *; print(UTDStreamClient.__name__, __version__)"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the package and all that it needs, and no word of its version."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    # Wherever the tests' environment has them; attrs stands for all.
    for each in Path(attrs.__file__).parents[1].iterdir():
        if not each.name.lower().startswith(("utd_stream", "_utd_stream")):
            (folder / each.name).symlink_to(each)
    (folder / "utd_stream").symlink_to(PACKAGE)
    return folder


def start(checkout: Path, *arguments: str, **told: str) -> subprocess.Popen[str]:
    """Start Python with nothing but *checkout* to import from."""
    return subprocess.Popen(  # noqa: S603 -- this interpreter, and words of the tests
        [sys.executable, "-S", *arguments],
        cwd=checkout,
        env=environment(PYTHONPATH=str(checkout), **told),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (("-m", "utd_stream", "--version"), "utd-stream unknown\n"),
        (("-c", PROGRAM), "UTDStreamClient unknown\n"),
    ],
    ids=["command", "star"],
)
def test_an_unknown_version_is_said_so(
    checkout: Path, arguments: tuple[str, ...], printed: str
) -> None:
    """The command runs and every public name is there; the version is unknown."""
    with start(checkout, *arguments) as process:
        assert process.communicate(timeout=60) == (printed, "")

    assert process.returncode == 0


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["person", "program"])
def test_serve_needs_no_version(checkout: Path, flags: tuple[str, ...]) -> None:
    """It says that it is ready, and serves until it is told to end."""
    arguments = ("-m", "utd_stream", "serve", "--port", "0", *flags)
    with start(checkout, *arguments, **COMPLETE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)

    assert json.loads(first) if flags else "utd-stream unknown serves" in first
    assert "Traceback" not in errors
    assert process.returncode == 0
