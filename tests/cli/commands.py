"""The command as people start it: a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.request import urlopen

import attrs

from tests.patience import patient, patient_ports
from utd_stream.compose import UTDStreamClient
from utd_stream.media import Tone

__all__ = [
    "Dev",
    "await_health",
    "children",
    "command",
    "environment",
    "has_ended",
    "named",
    "printing_to",
    "running",
]


def environment(**told: str) -> dict[str, str]:
    """Return this process's, without what would be a setting."""
    ours = ("UTD_STREAM_", "LIVEKIT_", "PYTHON")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {**kept, **told}


def command(
    *arguments: str, folder: Path, within: Sequence[str] = (), **told: str
) -> subprocess.CompletedProcess[str]:
    """Run ``utd-stream`` to its end, in the place that *within* makes."""
    return subprocess.run(  # noqa: S603 -- this interpreter, and words of the tests
        [*within, sys.executable, "-m", "utd_stream", *arguments],
        cwd=folder,
        env=environment(**told),
        check=False,
        capture_output=True,
        text=True,
        timeout=patient(120),
    )


@contextmanager
def running(
    *arguments: str, folder: Path, within: Sequence[str] = (), **told: str
) -> Generator[subprocess.Popen[str]]:
    """Start ``utd-stream``; it is killed at the end, unless it has ended.

    Args:
        arguments: Of the command.
        folder: Where it is started.
        within: A program, and its arguments, that starts it in its own place.
        told: Beside this process's environment.
    """
    with printing_to(
        subprocess.PIPE, *arguments, folder=folder, within=within, **told
    ) as process:
        yield process


@contextmanager
def printing_to(
    stdout: int | IO[str],
    /,
    *arguments: str,
    folder: Path,
    within: Sequence[str] = (),
    **told: str,
) -> Generator[subprocess.Popen[str]]:
    """Start it as `running` does, with a standard output as `subprocess` has it."""
    with subprocess.Popen(  # noqa: S603 -- this interpreter, and words of the tests
        [*within, sys.executable, "-m", "utd_stream", *arguments],
        cwd=folder,
        env=environment(**told),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def await_health(port: int, process: subprocess.Popen[str]) -> None:
    """Return when an engine is served at *port* of this machine, by *process*."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
                assert answer.status == 200
                return
        except OSError:
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.05)


def children(pid: int) -> list[int]:
    """Return the processes that *pid* has started and that run."""
    # The kernel keeps them by the thread that started them.
    told = [each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(number) for number in " ".join(told).split()]


def named(pid: int) -> str:
    """Return the name of the program that a process runs."""
    return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()


def has_ended(pid: int) -> bool:
    """Whether there is no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@attrs.frozen
class Dev:
    """A ``dev`` that runs, and the line that it printed."""

    process: subprocess.Popen[str]
    told: dict[str, str]
    folder: Path

    def client(self) -> UTDStreamClient:
        """Return a client of its app."""
        return UTDStreamClient(
            self.told["app_id"],
            self.told["app_key"],
            base_url=self.told["base_url"],
            microphone=Tone(440),
            ports=patient_ports(),
        )

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[str, str]:
        """Send a signal and return what else it prints."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=patient(30))
