"""Laws of commands whose output nobody takes: closed, full, or read no further."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.commands import await_health, printing_to, running
from tests.cli.test_serve import COMPLETE
from utd_stream.adapters.livekit_process import LiveKitPorts

# What starts a command with descriptors closed, as supervisors do.
CLOSED = ("/bin/sh", "-c", 'exec "$@" >&-', "sh")
ALL_CLOSED = ("/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")
FULL = Path("/dev/full")
NO_SPACE = os.strerror(errno.ENOSPC)

PLACES = ["closed", "all closed", "full", "nobody reads"]
every_place = pytest.mark.parametrize("place", PLACES)


@contextmanager
def unheard(
    *arguments: str, place: str, folder: Path, **told: str
) -> Generator[subprocess.Popen[str]]:
    """Start a command whose output nobody takes."""
    within: Sequence[str] = {"closed": CLOSED, "all closed": ALL_CLOSED}.get(place, ())
    if place != "full":
        with running(*arguments, folder=folder, within=within, **told) as process:
            assert process.stdout is not None
            process.stdout.close()
            process.stdout = None
            yield process
        return
    if not FULL.exists():
        pytest.skip("no /dev/full on this system")
    with (
        FULL.open("w") as full,
        printing_to(full, *arguments, folder=folder, **told) as process,
    ):
        yield process


def served_and_ended(process: subprocess.Popen[str], port: int) -> str:
    """Return what it said on standard error; it has served, and ended well."""
    await_health(port, process)
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in errors
    return errors


@every_place
@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["person", "program"])
def test_serve_goes_on_unheard(
    tmp_path: Path, place: str, flags: tuple[str, ...]
) -> None:
    """That it is ready is worth a word, not the engine; a full disk is told once."""
    port = LiveKitPorts.free().http
    arguments = ("serve", "--port", str(port), *flags)

    with unheard(*arguments, place=place, folder=tmp_path, **COMPLETE) as process:
        errors = served_and_ended(process, port)

    assert errors.count(NO_SPACE) == (place == "full")


@pytest.mark.livekit
@every_place
def test_dev_goes_on_unheard(tmp_path: Path, livekit_binary: Path, place: str) -> None:
    """Likewise, however many of its lines nobody takes."""
    port = LiveKitPorts.free().http
    server = str(livekit_binary)

    with unheard(
        *("dev", "--port", str(port)),
        place=place,
        folder=tmp_path,
        LIVEKIT_SERVER=server,
    ) as process:
        errors = served_and_ended(process, port)

    assert errors.count(NO_SPACE) == (place == "full")


@pytest.mark.livekit
def test_dev_goes_on_when_its_reader_has_seen_enough(
    tmp_path: Path, livekit_binary: Path
) -> None:
    """``utd-stream dev | head -1`` leaves an engine that serves."""
    port = LiveKitPorts.free().http
    with running(
        *("dev", "--port", str(port)),
        folder=tmp_path,
        LIVEKIT_SERVER=str(livekit_binary),
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        served_and_ended(process, port)

    assert first == "utd-stream dev is ready; Ctrl-C ends it\n"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc to look at")
def test_no_file_takes_the_place_of_a_closed_output(tmp_path: Path) -> None:
    """What a library prints must not end up in the database."""
    port = LiveKitPorts.free().http
    with unheard(
        *("serve", "--port", str(port)),
        place="all closed",
        folder=tmp_path,
        **COMPLETE,
    ) as process:
        await_health(port, process)
        folder = Path(f"/proc/{process.pid}/fd")
        held = [(folder / str(number)).readlink() for number in range(3)]

    assert held == [Path(os.devnull)] * 3


@pytest.mark.parametrize(
    ("place", "status", "said"),
    [
        ("closed", 0, ""),
        ("all closed", 0, ""),
        ("nobody reads", 0, ""),
        ("full", 1, f"utd-stream: not all could be printed: {NO_SPACE}\n"),
    ],
)
@pytest.mark.parametrize(
    "arguments",
    [("demo",), ("serve", "--check"), ("--version",), ("--help",)],
    ids=" ".join,
)
def test_a_lost_answer_is_an_exit_status(
    tmp_path: Path, arguments: tuple[str, ...], place: str, status: int, said: str
) -> None:
    """Who reads no further has seen enough; what a full disk has lost is missed."""
    with unheard(*arguments, place=place, folder=tmp_path, **COMPLETE) as process:
        _, errors = process.communicate(timeout=120)

    assert (process.returncode, errors) == (status, said)
