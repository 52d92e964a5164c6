"""Laws of the table that says what every media plane does."""

from __future__ import annotations

from io import StringIO
from typing import Literal, TypeAlias

import pytest
from rich.console import Console

from tests.conformance_plugin import PLANES, Conformance, read_law

ASKED = "tests/test_x.py::test_asked"
Outcome: TypeAlias = Literal["passed", "failed", "skipped"]
Phase: TypeAlias = Literal["setup", "call", "teardown"]
PHASES: tuple[Phase, ...] = ("setup", "call", "teardown")


def conformance(*ids: str) -> Conformance:
    """Await what one test says, once for each of *ids*."""
    found = Conformance()
    for each in ids:
        found.expect(
            f"{ASKED}[{each}]", part="Of people.", doc="Who asks is told (T1, L22)."
        )
    return found


def report(found: Conformance, ids: str, **phases: Outcome) -> None:
    """Let a test come to what its phases say; those left out passed."""
    for when in PHASES:
        told = pytest.TestReport(
            nodeid=f"{ASKED}[{ids}]",
            location=("test_x.py", 1, ""),
            keywords={},
            outcome=phases.get(when, "passed"),
            longrepr=None,
            when=when,
        )
        found.pytest_runtest_logreport(told)


def shown(found: Conformance) -> str:
    """The table as text."""
    text = StringIO()
    Console(file=text, width=100).print(found.table("LiveKit 9.9"))
    return text.getvalue()


def test_one_behavior_has_one_line_whatever_its_planes() -> None:
    """Its sentence, its traps, an outcome a plane, under the head of its module."""
    found = conformance(*PLANES)
    for plane in PLANES:
        report(found, plane)
    part, law = shown(found).splitlines()[4:6]

    assert found.holds
    assert "Of people." in part
    assert law.split("│")[1].strip() == "Who asks is told."
    assert [cell.strip() for cell in law.split("│")[2:5]] == [
        "T1 L22",
        "passed",
        "passed",
    ]


def test_parameters_are_behaviors_of_their_own() -> None:
    """Each is named behind the sentence, wherever the plane stands among them."""
    found = conformance("loopback-by-day", "livekit-by-day", "loopback-n", "livekit-n")

    assert [each.law for each in found.behaviors.values()] == [
        "Who asks is told: by, day.",
        "Who asks is told: n.",
    ]


def test_what_is_about_no_plane_is_left_out() -> None:
    """Neither a plain test nor one whose name tells of a plane is awaited."""
    found = Conformance()
    for nodeid in ("tests/livekit.py::test_x", "tests/test_x.py::test_x[loopbacks]"):
        assert not found.expect(nodeid, part="", doc="")

    assert not found.behaviors


@pytest.mark.parametrize("plane", PLANES)
def test_missing_plane_fails(plane: str) -> None:
    """What was said of one plane alone does not hold, though it passed there."""
    found = conformance(plane)
    report(found, plane)

    assert not found.holds
    assert "not run" in shown(found)


@pytest.mark.parametrize("when", PHASES)
@pytest.mark.parametrize("outcome", ["failed", "skipped"])
def test_any_phase_that_does_not_pass_fails(when: Phase, outcome: Outcome) -> None:
    """A fixture that fails, or a skip, is no proof of anything."""
    found = conformance(*PLANES)
    report(found, "loopback")
    report(found, "livekit", **{when: outcome})

    assert not found.holds
    assert outcome in shown(found)


@pytest.mark.parametrize("outcome", ["failed", "skipped"])
def test_module_that_is_not_collected_fails(
    outcome: Literal["failed", "skipped"],
) -> None:
    """Its behaviors would only be missing; so it has a line of its own."""
    found = conformance()
    report = pytest.CollectReport("tests/test_y.py", outcome, None, [])
    found.pytest_collectreport(report)

    assert not found.holds
    assert "tests/test_y.py" in shown(found)


def test_summary_names_what_does_not_hold() -> None:
    """Nobody has to look for one line among two hundred."""
    found = conformance(*PLANES, "loopback-alone")
    for ids in (*PLANES, "loopback-alone"):
        report(found, ids)

    assert found.summary().splitlines() == [
        "not so on both planes: Who asks is told: alone.",
        "1 of 2 are equal and right on both planes",
    ]


def test_failure_is_not_forgotten() -> None:
    """What came after a failure does not hide it."""
    found = conformance(*PLANES)
    report(found, "loopback")
    report(found, "livekit", call="failed", teardown="skipped")

    assert "failed" in shown(found)
    assert "0 of 1" in found.summary()


@pytest.mark.parametrize(
    ("doc", "law", "traps"),
    [
        ("It is so.", "It is so.", ()),
        ("It is\n    so (T1).", "It is so.", ("T1",)),
        ("It is (T1, L2); so (T3).\n\nAnd T4.", "It is; so.", ("T1", "L2", "T3")),
        ("It (T) is.", "It (T) is.", ()),
    ],
)
def test_law_is_the_first_sentence_without_its_traps(
    doc: str, law: str, traps: tuple[str, ...]
) -> None:
    """What follows the first paragraph is for readers of the test."""
    assert read_law(doc) == (law, traps)
