"""Laws of the search for a LiveKit server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from utd_stream.adapters.livekit_binary import REMEDY, build_server, find_server
from utd_stream.errors import UsageError

UNUSED_TEST = """
import pytest

@pytest.mark.livekit
@pytest.mark.parametrize("number", range(3))
def test_call(number):
    raise AssertionError
"""


def program(path: Path) -> Path:
    """Make something that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_named_server_comes_first(tmp_path: Path) -> None:
    """Whoever names a server gets that one."""
    named = program(tmp_path / "mine")
    installed = program(tmp_path / "bin" / "livekit-server")
    environment = {"LIVEKIT_SERVER": str(named), "PATH": str(installed.parent)}

    assert find_server(tmp_path, environment) == named


def test_installed_server_comes_before_the_built_one(tmp_path: Path) -> None:
    """The machine's own is preferred to ours."""
    installed = program(tmp_path / "bin" / "livekit-server")
    program(tmp_path / "v1.13.5" / "server")

    assert find_server(tmp_path, {"PATH": str(installed.parent)}) == installed


def test_built_server_is_found_again(tmp_path: Path) -> None:
    """It is built once."""
    built = program(tmp_path / "v1.13.5" / "server")

    assert find_server(tmp_path, {"PATH": ""}) == built


def test_no_server_is_none(tmp_path: Path) -> None:
    """Looking builds nothing."""
    assert find_server(tmp_path, {"PATH": ""}) is None
    assert list(tmp_path.iterdir()) == []


def test_wrong_name_is_an_error(tmp_path: Path) -> None:
    """A typing error is not passed over in silence."""
    environment = {"LIVEKIT_SERVER": str(tmp_path / "mien"), "PATH": ""}

    with pytest.raises(UsageError, match="mien"):
        find_server(tmp_path, environment)


def test_failed_build_says_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has neither Go nor a registry learns what to install."""
    monkeypatch.setenv("PATH", "")
    # No Go on the path, and a `python` that brings none.
    go = program(tmp_path / "go" / "bin" / "go")
    go.write_text("#!/bin/false\n")

    with pytest.raises(UsageError, match="official livekit-server"):
        build_server(tmp_path)

    assert list((tmp_path / "v1.13.5").iterdir()) == []


@pytest.mark.parametrize(
    ("ci", "status", "counted"), [("", 0, "3 skipped"), ("true", 1, "3 errors")]
)
def test_missing_server_is_counted_in_one_line(
    tmp_path: Path, ci: str, status: int, counted: str
) -> None:
    """Nobody takes a run without LiveKit for a whole one; CI never passes it."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = livekit\n")
    (tmp_path / "test_call.py").write_text(UNUSED_TEST)
    command = [sys.executable, "-m", "pytest", "-ra", "-p", "tests.livekit_plugin"]

    run = subprocess.run(  # noqa: S603 -- this interpreter, our own tests
        [*command, "--rootdir", tmp_path, tmp_path],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "", "CI": ci},
    )

    assert run.returncode == status
    assert counted in run.stdout
    skips = [line for line in run.stdout.splitlines() if line.startswith("SKIPPED")]
    assert len(skips) == (0 if ci else 1)
    assert REMEDY in run.stdout


# Works until somebody writes a line into the pipe, then leaves a server.
WAITING_GO = """\
#!/bin/sh
read line < pipe
: > "$GOBIN/server"
"""

BUILD = """
import pathlib
from utd_stream.adapters.livekit_binary import build_server
build_server(pathlib.Path("."), sign_every=0.01)
"""


def test_long_work_says_that_it_goes_on(tmp_path: Path) -> None:
    """Whoever waits reads which step has begun, and again that it still runs."""
    go = program(tmp_path / "go" / "bin" / "go")
    go.write_text(WAITING_GO)
    os.mkfifo(tmp_path / "pipe")

    with subprocess.Popen(  # noqa: S603 -- this interpreter, a program from above
        [sys.executable, "-c", BUILD],
        cwd=tmp_path,
        env={"PATH": ""},
        stderr=subprocess.PIPE,
        text=True,
    ) as building:
        assert building.stderr is not None
        said = [building.stderr.readline() for _ in range(3)]
        (tmp_path / "pipe").write_text("go on\n")
        building.communicate(timeout=60)

    assert said[0] == "livekit: compiling it\n"
    assert all(re.fullmatch(r"livekit: .* \d+ s so far\n", each) for each in said[1:])
    assert building.returncode == 0
    assert (tmp_path / "v1.13.5" / "server").exists()
