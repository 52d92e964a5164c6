"""Each trap of the ground and each lesson of other SDKs has a test that says so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.conformance_plugin import read_law
from tests.planes import ON_EVERY_PLANE

ROOT = Path(__file__).parent
# What the audio room stands on; calls, live streams and chat bring the rest.
TRAPS = (
    *("T1", "T2", "T5", "T9", "T11", "T13", "T18", "T19", "T20"),
    *("T22", "T23", "T24", "T25", "T26", "T28", "T29", "T30"),
    *(f"T{number}" for number in range(32, 44)),
)
LESSONS = (
    *("L1", "L2", "L3", "L4", "L7", "L8", "L9", "L10"),
    *("L13", "L14", "L15", "L16", "L17", "L21", "L22", "L23", "L24"),
    *("L27", "L28", "L29", "L30", "L36", "L37"),
)
# Where the loopback plane must be like LiveKit, and where that is said of both.
COMMON = (
    *("T1", "T2", "T3", "T4", "T5", "T8", "T9", "T10", "T11", "T12", "T13"),
    *("T15", "T18", "T19", "T20"),
    *("T22", "T23", "T24", "T25", "T26", "T27", "T29", "T30"),
    *(f"T{number}" for number in range(33, 42)),
    "T43",
)
SAID_OF_BOTH = (ROOT / "contract", ROOT / "conformance")


def laws() -> str:
    """The first lines of every test's docstring, of classes and modules too."""
    told: list[str] = []
    for path in sorted(ROOT.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                is_test = node.name.lower().startswith("test")
                told.append(ast.get_docstring(node) or "" if is_test else "")
    return "\n".join(told)


def shared_tests() -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """What `make conformance` is to run on the loopback and on LiveKit."""
    return [
        node
        for folder in SAID_OF_BOTH
        for path in sorted(folder.glob("test_*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]


def test_whatever_is_said_of_planes_is_said_of_each() -> None:
    """A test that asks for no plane would be no line in the table."""
    about_none = [
        node.name
        for node in shared_tests()
        if ON_EVERY_PLANE.isdisjoint(each.arg for each in node.args.args)
    ]

    assert about_none == []


def test_each_trap_that_the_planes_share_is_a_law_of_both() -> None:
    """The table of `make conformance` has a line for each."""
    laws_of_both = [ast.get_docstring(node) or "" for node in shared_tests()]
    named = {trap for law in laws_of_both for trap in read_law(law)[1]}

    assert [name for name in COMMON if name not in named] == []


def test_each_trap_and_each_lesson_has_a_named_test() -> None:
    """What was learned the hard way is not learned again."""
    named = set(re.findall(r"\b[TL]\d+\b", laws()))

    assert [name for name in (*TRAPS, *LESSONS) if name not in named] == []
