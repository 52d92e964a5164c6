"""Laws of ``utd-stream demo``: it judges, and can be proved wrong."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.cli.commands import Dev, command
from utd_stream.cli._demo import play
from utd_stream.cli._demo_call_script import CALL_SCRIPT
from utd_stream.cli._demo_places import within
from utd_stream.cli._demo_screen import Screen
from utd_stream.cli._demo_script import SCRIPT, TONES_HZ
from utd_stream.cli._demo_steps import Expectation, Heard, Kept, Seen, Step, Troupe
from utd_stream.cli._demo_video_script import VIDEO_SCRIPT
from utd_stream.testing import Simulation

Act = Callable[[Troupe], Awaitable[object]]

CHECKS = sum(len(step.then) for step in SCRIPT)
STEPS = len(SCRIPT)


def test_demo_needs_nothing_but_the_package(tmp_path: Path) -> None:
    """No server, no other program, no file: it says that it is embedded."""
    told = command("demo", folder=tmp_path, PATH=str(tmp_path))

    assert told.stdout.startswith("utd-stream demo, embedded: ")
    went_as_declared(told.returncode, told.stdout, told.stderr)
    assert not list(tmp_path.iterdir())


@pytest.mark.livekit
def test_demo_brings_livekit(tmp_path: Path, livekit_binary: Path) -> None:
    """The same steps and checks come true on a real server, and it says so."""
    told = command(
        "demo", "--livekit", folder=tmp_path, LIVEKIT_SERVER=str(livekit_binary)
    )

    assert told.stdout.startswith("utd-stream demo, on LiveKit: a server of its own\n")
    went_as_declared(told.returncode, told.stdout, told.stderr)
    assert not list(tmp_path.iterdir())


@pytest.mark.livekit
def test_demo_takes_part_at_an_engine_that_runs(dev: Dev, tmp_path: Path) -> None:
    """Likewise with what ``dev`` prints, and the second line names that engine."""
    told = command(
        *("demo", "--base-url", dev.told["base_url"]),
        *("--app-id", dev.told["app_id"], "--app-key", dev.told["app_key"]),
        folder=tmp_path,
    )

    assert told.stdout.startswith("utd-stream demo, on LiveKit: ")
    assert f"engine {dev.told['base_url']}, room" in told.stdout
    went_as_declared(told.returncode, told.stdout, told.stderr)


def went_as_the_calls_are_declared(status: int, printed: str, errors: str) -> None:
    """Each step is named, each tone and outcome told, in plain text."""
    checks = sum(len(step.then) for step in CALL_SCRIPT)
    steps = len(CALL_SCRIPT)
    assert status == 0, printed + errors
    assert all(step.title in printed for step in CALL_SCRIPT)
    assert all(step.refused in printed for step in CALL_SCRIPT if step.refused)
    for outcome in ("callee_hangup", "busy", "cancelled", "caller_hangup", "no_answer"):
        assert re.search(rf"-> \w+ +\w+ +{outcome}", printed)
    assert f"all as declared: {steps} of {steps} steps, {checks} checks" in printed
    assert printed.isascii()
    assert not errors


def test_demo_plays_calls(tmp_path: Path) -> None:
    """Rung on two devices, answered on one; busy, given up, glare, missed."""
    told = command("demo", "call", folder=tmp_path, PATH=str(tmp_path))

    went_as_the_calls_are_declared(told.returncode, told.stdout, told.stderr)


@pytest.mark.livekit
def test_demo_plays_calls_on_livekit(tmp_path: Path, livekit_binary: Path) -> None:
    """The same, on a real server."""
    told = command(
        *("demo", "call", "--livekit"),
        folder=tmp_path,
        LIVEKIT_SERVER=str(livekit_binary),
    )

    went_as_the_calls_are_declared(told.returncode, told.stdout, told.stderr)


def went_as_the_video_call_is_declared(status: int, printed: str, errors: str) -> None:
    """Cameras and a screen are seen, by what they show, in plain text."""
    checks = sum(len(step.then) for step in VIDEO_SCRIPT)
    steps = len(VIDEO_SCRIPT)
    assert status == 0, printed + errors
    assert all(step.title in printed for step in VIDEO_SCRIPT)
    for seen in ("ana sees the camera of ben", "ben sees the screen share of ana"):
        assert re.search(rf"{seen}: pictures \d+ to \d+", printed)
    assert f"all as declared: {steps} of {steps} steps, {checks} checks" in printed
    assert printed.isascii()
    assert not errors


def test_demo_plays_a_video_call(tmp_path: Path) -> None:
    """Cameras, a screen beside one, another camera, off and on again."""
    told = command("demo", "video-call", folder=tmp_path, PATH=str(tmp_path))

    went_as_the_video_call_is_declared(told.returncode, told.stdout, told.stderr)


@pytest.mark.livekit
def test_demo_plays_a_video_call_on_livekit(
    tmp_path: Path, livekit_binary: Path
) -> None:
    """The same, on a real server."""
    told = command(
        *("demo", "video-call", "--livekit"),
        folder=tmp_path,
        LIVEKIT_SERVER=str(livekit_binary),
    )

    went_as_the_video_call_is_declared(told.returncode, told.stdout, told.stderr)


def test_demo_knows_its_scenes(tmp_path: Path) -> None:
    """Another one is refused by name."""
    told = command("demo", "opera", folder=tmp_path)

    assert told.returncode == 2
    assert "opera" in told.stderr


def test_demo_says_what_must_be_set_right_before_it_plays(tmp_path: Path) -> None:
    """An address that is none is told by itself, with the status that says so."""
    told = command(
        *("demo", "--base-url", "localhost:8080"),
        *("--app-id", "app", "--app-key", "key"),
        folder=tmp_path,
    )

    assert told.returncode == 2
    assert not told.stdout
    assert "base_url must begin with http:// or https://" in told.stderr


def went_as_declared(status: int, printed: str, errors: str) -> None:
    """Each step is named, each error, tone and presence told, in plain text."""
    assert status == 0, printed + errors
    assert all(step.title in printed for step in SCRIPT)
    assert all(step.refused in printed for step in SCRIPT if step.refused)
    assert re.search(r"dan hears ana at 4[34]\d Hz", printed)
    assert re.search(r"ana    publishing  \d", printed)
    assert "dan    publishing  never" in printed
    assert f"all as declared: {STEPS} of {STEPS} steps, {CHECKS} checks" in printed
    assert printed.isascii()
    assert "\x1b" not in printed
    assert not errors


async def sit(troupe: Troupe) -> None:
    await troupe["ana"].take_seat(0)


async def stand_up(troupe: Troupe) -> None:
    await troupe["ana"].leave_seat()


async def sit_elsewhere(troupe: Troupe) -> None:
    await troupe["ana"].take_seat(1)


async def sit_and_stand_up(troupe: Troupe) -> None:
    await sit(troupe)
    await stand_up(troupe)


async def enter(troupe: Troupe) -> None:
    await troupe.enter("ana", as_host=True)
    await troupe.enter("dan")


def played(*script: Step[Troupe]) -> tuple[int, str]:
    """Return the exit status of a script, and what was printed."""
    printed = StringIO()
    screen = Screen(TONES_HZ, Console(file=printed, width=300))
    with Simulation() as sim:
        status = sim.run(play(script, within(sim.world), screen))
    return status, printed.getvalue()


def step(act: Act, *then: Expectation, refused: str | None = None) -> Step[Troupe]:
    """Return a step of ana's, called by its act."""
    what = getattr(act, "__name__", "")
    return Step(who="ana", what=what, act=act, refused=refused, then=then)


ENTRANCE = step(enter, Seen("ana", "role", "host"))
SEATED = step(sit, Seen("ana", "occupancy", "speaking"))


@pytest.mark.parametrize(
    ("wrong", "expected", "seen"),
    [
        (
            step(sit, Seen("ana", "occupancy", "silent")),
            "ana.occupancy = silent",
            "speaking",
        ),
        (
            step(sit, refused="ConflictError 409 seat_taken"),
            "ConflictError 409 seat_taken",
            "no error",
        ),
        (
            step(sit_and_stand_up, Kept("ana", "seat")),
            "ana.seat to stay none",
            "seat 0",
        ),
        (
            step(sit, Heard("dan", "ana", 880)),
            "dan to hear ana at 880 Hz",
            "440 Hz",
        ),
        (
            step(stand_up, Heard("dan", "ana", 440)),
            "dan to hear ana at 440 Hz",
            "silence",
        ),
    ],
    ids=["value", "refusal", "kept", "tone", "silence"],
)
def test_a_wrong_expectation_is_found(
    wrong: Step[Troupe], expected: str, seen: str
) -> None:
    """Status 1, with the step, what was expected and what was seen; then it ends."""
    script = (ENTRANCE, wrong, SEATED)

    status, printed = played(*script)

    assert status == 1
    assert f"BROKEN at step 2: {wrong.title}" in printed
    assert f"expected  {expected}" in printed
    assert f"saw       {seen}" in printed
    assert "BROKEN: 1 of 3 steps" in printed


def test_an_error_that_nobody_declared_is_found() -> None:
    """Another error than the declared one is no better than none."""
    other = step(sit_elsewhere, refused="ConflictError 409 seat_locked")

    status, printed = played(ENTRANCE, SEATED, other)

    assert status == 1
    assert "expected  ConflictError 409 seat_locked" in printed
    assert "already_seated" in printed


def test_a_right_script_ends_well() -> None:
    """The same steps, rightly declared: status 0, and the timeline tells the seat."""
    heard = step(sit, Heard("dan", "ana", 440), Kept("dan", "seat"))
    stood = step(stand_up, Seen("ana", "occupancy", "listening"))

    status, printed = played(ENTRANCE, heard, stood)

    assert status == 0, printed
    assert "BROKEN" not in printed
    assert "(seat 0)" in printed
    assert "ana    publishing  never" not in printed
    assert "dan    publishing  never" in printed
