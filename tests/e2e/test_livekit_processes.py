"""What would end, starve or wedge a whole process does not.

The scenarios wait most of their time, up to 17 s, so all run at once, each in
a process of its own.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.e2e.scenarios import ROOMS, SCENARIOS
from tests.patience import patient
from tests.planes import livekit_plane
from utd_stream.adapters.livekit_process import LiveKitProcess

pytestmark = pytest.mark.livekit

_ROOT = Path(__file__).parents[2]


@attrs.define(eq=False)
class Played:
    """A scenario in its process.

    Attributes:
        app_id: Its rooms are this app's.
        process: It says what happens, one JSON object a line.
    """

    app_id: str
    process: subprocess.Popen[str]

    @classmethod
    def start(cls, name: str, server: LiveKitProcess) -> Played:
        """Let a scenario begin."""
        app_id = secrets.token_hex(5)
        told = {
            "LIVEKIT_URL": server.url,
            "LIVEKIT_API_KEY": server.api_key,
            "LIVEKIT_API_SECRET": server.api_secret,
            "APP_ID": app_id,
        }
        process = subprocess.Popen(  # noqa: S603 -- our own module
            [sys.executable, "-m", "tests.e2e.scenarios", name],
            cwd=_ROOT,
            env=os.environ | told,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return cls(app_id, process)

    def says(self) -> dict[str, Any]:
        """Wait for the next thing it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            _, errors = self.process.communicate(timeout=patient(30))
            pytest.fail(f"exit status {self.process.returncode}: {errors[-2000:]}")
        said: dict[str, Any] = json.loads(line)
        return said

    def ends(self) -> int:
        """Wait for its end; return the exit status."""
        self.process.communicate(timeout=patient(30))
        return self.process.returncode


@pytest.fixture(scope="module")
def played(livekit: LiveKitProcess) -> Iterator[dict[str, Played]]:
    """All scenarios, begun."""
    begun = {name: Played.start(name, livekit) for name in SCENARIOS}
    yield begun
    for each in begun.values():
        each.process.kill()
        each.process.communicate()


def test_few_descriptors_are_an_error_and_no_abort(played: dict[str, Played]) -> None:
    """The room refuses and says the limit wanted; with that limit it connects (T42)."""
    told = played["few_descriptors"].says()

    assert f"ulimit -n {told['wanted']}" in told["message"]
    assert told["then"] == 2
    assert played["few_descriptors"].ends() == 0


def test_rooms_leave_no_more_behind_than_livekit_alone(
    played: dict[str, Played],
) -> None:
    """Of ours nothing stays; threads and descriptors are LiveKit's share (T20, T28).

    That share varies between 3 and 20 for each room, of about 130 while it is
    connected: a room that is not freed shows.
    """
    told = played["leaks"].says()
    for kind in ("handles", "rooms", "queues", "tasks"):
        assert told["ours"][kind] <= max(told["bare"][kind], 0), told

    for kind in ("descriptors", "threads"):
        assert told["ours"][kind] <= max(told["bare"][kind], 40 * ROOMS), told
    assert played["leaks"].ends() == 0


def test_cameras_leave_no_more_behind_than_livekit_alone(
    played: dict[str, Played],
) -> None:
    """Published, read and withdrawn again and again: no handle, task or queue stays."""
    told = played["pictures"].says()
    for kind in ("handles", "rooms", "queues", "tasks"):
        assert told["ours"][kind] <= max(told["bare"][kind], 0), told

    for kind in ("descriptors", "threads"):  # a room that is not freed shows
        assert told["ours"][kind] <= max(told["bare"][kind], 80), told
    assert played["pictures"].ends() == 0


async def test_cancelled_connects_end_no_process(
    livekit: LiveKitProcess, played: dict[str, Played]
) -> None:
    """16 s after cancelled connects the process lives, and nobody is in (T34)."""
    scenario = played["cancelled_connects"]
    assert scenario.says() == {"cancelled": True}
    plane = livekit_plane(livekit, scenario.app_id)
    await plane.sees()
    await plane.aclose()

    assert scenario.says() == {"alive": True}
    assert scenario.ends() == 0
