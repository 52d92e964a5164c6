"""Laws of how the demo looks."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.console import Console

from utd_stream.cli._demo_screen import Screen
from utd_stream.cli._demo_script import SCRIPT, TONES_HZ
from utd_stream.cli._demo_trace import Change
from utd_stream.models import UTDSeat, UTDSeatGrid

WIDTH = 80
FULL = "request [ana] [locked] [held for ben] [cleo]"
CHANGES = (
    Change(0.2, "ana", "connected", None, "yes"),
    Change(0.2, "ana", "seats", None, FULL),
    Change(0.3, "ana", "seat", "none", "seat 0"),
    Change(0.3, "ana", "occupancy", "listening", "speaking"),
    Change(0.3, "ana", "muted", "yes", "no"),
    Change(0.5, "ana", "seats", FULL, FULL.replace("ana", "ben")),
)
GRID = UTDSeatGrid(
    seats=(
        UTDSeat(seat_index=0, occupant_identity="ana", muted=True),
        UTDSeat(seat_index=1, locked=True),
        UTDSeat(seat_index=2, reserved_for="ben"),
        UTDSeat(seat_index=3),
    )
)


def shown(*, terminal: bool) -> str:
    """Return a short show, as a terminal or a pipe gets it."""
    printed = StringIO()
    console = Console(
        file=printed, force_terminal=terminal, width=WIDTH, highlight=False
    )
    screen = Screen(TONES_HZ, console)
    screen.opening("on a plane", "http://127.0.0.1:8080", "room")
    screen.step(1, SCRIPT[0].who, SCRIPT[0].title)
    for change in CHANGES:
        screen.changed(change)
    screen.refusal(0.6, "ConflictError 409 seat_taken", "the seat is taken")
    screen.grid(GRID, "the grid")
    screen.timeline(CHANGES, 1.0)
    screen.summary(1, 1, len(CHANGES))
    return printed.getvalue()


def test_a_pipe_gets_plain_text() -> None:
    """ASCII, uncolored, a change on one line, times as numbers."""
    text = shown(terminal=False)

    assert text.isascii()
    assert "\x1b" not in text
    assert f"{FULL} -> {FULL.replace('ana', 'ben')}\n" in text
    assert "  ana    seated      0.30-1.00 (seat 0)" in text
    assert "  ana    publishing  0.30-1.00" in text


def test_a_terminal_gets_colors_and_bars() -> None:
    """The grid is a table, and presence is drawn to scale."""
    text = shown(terminal=True)

    assert "\x1b[" in text
    assert "│" in text
    bar = re.sub(r"[^·░▒█]", "", text.split("who was seated")[1].splitlines()[1])
    assert bar.count("█") == pytest.approx(0.7 / 0.8 * len(bar), abs=1)


def test_nothing_is_wider_than_the_terminal() -> None:
    """A long change stands below what it replaces."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown(terminal=True))

    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_a_grid_tells_the_state_of_each_seat(*, terminal: bool) -> None:
    """Muted, locked, held and open are seen."""
    text = shown(terminal=terminal).split("the grid")[1].split("who was")[0]

    assert all(word in text for word in ("muted", "locked", "held for ben", "open"))
