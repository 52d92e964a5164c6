"""Laws of ``utd-stream demo``: it judges, and can be proved wrong."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.cli.commands import command
from tests.world import World
from utd_stream.cli._demo import play
from utd_stream.cli._demo_screen import Screen
from utd_stream.cli._demo_script import SCRIPT
from utd_stream.cli._demo_stage import Place
from utd_stream.cli._demo_steps import Expectation, Heard, Kept, Seen, Step, Troupe

pytestmark = pytest.mark.livekit

Act = Callable[[Troupe], Awaitable[object]]


def test_demo_goes_as_declared(tmp_path: Path, livekit_binary: Path) -> None:
    """Status 0; every step is named, every error and tone told, in plain text."""
    told = command("demo", folder=tmp_path, LIVEKIT_SERVER=str(livekit_binary))

    assert told.returncode == 0, told.stdout + told.stderr
    assert all(step.title in told.stdout for step in SCRIPT)
    assert all(step.refused in told.stdout for step in SCRIPT if step.refused)
    assert re.search(r"dan hears ana at 4[34]\d Hz", told.stdout)
    assert f"all as declared: {len(SCRIPT)} of {len(SCRIPT)} steps" in told.stdout
    assert told.stdout.isascii()
    assert "\x1b" not in told.stdout
    assert not told.stderr
    assert not list(tmp_path.iterdir())


async def sit(troupe: Troupe) -> None:
    await troupe["ana"].take_seat(0)


async def stand_up(troupe: Troupe) -> None:
    await troupe["ana"].leave_seat()


async def sit_and_stand_up(troupe: Troupe) -> None:
    await sit(troupe)
    await stand_up(troupe)


async def enter(troupe: Troupe) -> None:
    await troupe.enter("ana", as_host=True)
    await troupe.enter("dan")


async def played(
    world: World, *script: Step, patience: float = 10.0
) -> tuple[int, str]:
    """Return the exit status of a script, and what was printed."""
    place = Place(
        base_url=world.base_url,
        app_id=world.app.id,
        app_key=world.app.key,
        room_name="stage",
    )
    printed = StringIO()
    screen = Screen(Console(file=printed, width=300))
    status = await play(script, place, screen, patience=patience)
    return status, printed.getvalue()


def step(act: Act, *then: Expectation, refused: str | None = None) -> Step:
    """Return a step of ana's, called by its act."""
    what = getattr(act, "__name__", "")
    return Step(who="ana", what=what, act=act, refused=refused, then=then)


ENTRANCE = step(enter, Seen("ana", "role", "host"))
SEATED = step(sit, Seen("ana", "occupancy", "speaking"))


# What never comes is waited for in vain: not for long, since it is known here.
@pytest.mark.parametrize(
    ("wrong", "patience", "expected", "seen"),
    [
        (
            step(sit, Seen("ana", "occupancy", "silent")),
            0.1,
            "ana.occupancy = silent",
            "speaking",
        ),
        (
            step(sit, refused="ConflictError 409 seat_taken"),
            10,
            "ConflictError 409 seat_taken",
            "no error",
        ),
        (
            step(sit_and_stand_up, Kept("ana", "seat")),
            10,
            "ana.seat to stay none",
            "seat 0",
        ),
        (
            step(sit, Heard("dan", "ana", 880)),
            5,
            "dan to hear ana at 880 Hz",
            "",  # what a busy machine makes of 440 Hz is not known
        ),
        (
            step(stand_up, Heard("dan", "ana", 440)),
            0.1,
            "dan to hear ana at 440 Hz",
            "silence",
        ),
    ],
    ids=["value", "refusal", "kept", "tone", "silence"],
)
async def test_a_wrong_expectation_is_found(
    world: World, wrong: Step, patience: float, expected: str, seen: str
) -> None:
    """Status 1, with the step, what was expected and what was seen; then it ends."""
    script = (ENTRANCE, wrong, SEATED)

    status, printed = await played(world, *script, patience=patience)

    assert status == 1
    assert f"BROKEN at step 2: {wrong.title}" in printed
    assert f"expected  {expected}" in printed
    assert f"saw       {seen}" in printed
    assert "BROKEN: 1 of 3 steps" in printed


async def test_an_error_that_nobody_declared_is_found(world: World) -> None:
    """Another error than the declared one is no better than none."""
    other = step(sit, refused="ConflictError 409 seat_locked")

    status, printed = await played(world, ENTRANCE, SEATED, other)

    assert status == 1
    assert "expected  ConflictError 409 seat_locked" in printed
    assert "already_seated" in printed


async def test_a_right_script_ends_well(world: World) -> None:
    """The same steps, rightly declared: status 0, and the timeline tells the seat."""
    heard = step(sit, Heard("dan", "ana", 440), Kept("dan", "seat"))
    stood = step(stand_up, Seen("ana", "occupancy", "listening"))

    status, printed = await played(world, ENTRANCE, heard, stood)

    assert status == 0, printed
    assert "BROKEN" not in printed
    assert "(seat 0)" in printed
    assert "ana    publishing  never" not in printed
    assert "dan    publishing  never" in printed
