"""``pytest --conformance``: one line a behavior, one column a media plane."""

from __future__ import annotations

import re
import subprocess
from io import StringIO
from pathlib import Path

import attrs
import pytest
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from utd_stream.adapters.livekit_binary import HOME, find_server

__all__ = ["PLANES", "Behavior", "Conformance", "read_law"]

PLANES = ("loopback", "livekit")

_TRAPS = re.compile(r" ?\(([TL]\d+(?:, [TL]\d+)*)\)")
_WIDTH = 110
_PASSED = "passed"
_NOT_RUN = "not run"
_WORSE = (_PASSED, "skipped", "failed")


@attrs.define(eq=False)
class Behavior:
    """What one test says, and what each plane made of it.

    Attributes:
        part: What it is about, from the head of its module.
        law: The test's sentence.
        traps: What it was learned from.
        outcomes: ``passed``, ``failed`` or ``skipped``, by plane.
    """

    part: str
    law: str
    traps: tuple[str, ...]
    outcomes: dict[str, str] = attrs.field(factory=dict[str, str])

    @property
    def holds(self) -> bool:
        """Whether it is the same on every plane, and right."""
        return all(self.outcomes.get(plane) == _PASSED for plane in PLANES)

    def note(self, plane: str, when: str, outcome: str) -> None:
        """Take what one phase of a run came to; a fixture that fails fails it all."""
        if when == "call" or outcome != _PASSED:
            before = self.outcomes.get(plane, outcome)
            self.outcomes[plane] = max(before, outcome, key=_WORSE.index)


class Conformance:
    """Collects what the tests say of each plane.

    Attributes:
        behaviors: By the test and its parameters, without the plane.
    """

    def __init__(self) -> None:
        self.behaviors: dict[str, Behavior] = {}
        self._runs: dict[str, tuple[Behavior, str]] = {}

    @property
    def holds(self) -> bool:
        """Whether every behavior is the same on every plane, and right."""
        return all(behavior.holds for behavior in self.behaviors.values())

    def expect(self, nodeid: str, *, part: str, doc: str) -> bool:
        """Await a test's outcome; return whether it is about a plane."""
        name, _, parameters = nodeid.partition("[")
        given = parameters.removesuffix("]").split("-")
        plane = next((plane for plane in PLANES if plane in given), None)
        if plane is None:
            return False
        given.remove(plane)
        law, traps = read_law(doc)
        if given:
            law = f"{law.removesuffix('.')}: {', '.join(given)}."
        found = Behavior(part, law, traps)
        behavior = self.behaviors.setdefault(f"{name}[{'-'.join(given)}]", found)
        self._runs[nodeid] = (behavior, plane)
        return True

    def table(self, livekit: str) -> Table:
        """Return a row for each behavior; *livekit* heads the last column."""
        table = Table(title="What every media plane does", title_justify="left")
        table.add_column("behavior", overflow="fold", ratio=1)
        table.add_column("traps")
        table.add_column("loopback")
        table.add_column(livekit)
        part = ""
        for behavior in self.behaviors.values():
            if behavior.part != part:
                part = behavior.part
                table.add_section()
                table.add_row(escape(part), style="bold")
            table.add_row(
                escape(behavior.law),
                " ".join(behavior.traps),
                *(behavior.outcomes.get(plane, _NOT_RUN) for plane in PLANES),
                style="" if behavior.holds else "red",
            )
        return table

    def summary(self) -> str:
        """Say which behaviors are not as they should be, and how many are."""
        wrong = [each for each in self.behaviors.values() if not each.holds]
        same, count = len(self.behaviors) - len(wrong), len(self.behaviors)
        return "\n".join(
            [
                *(f"not so on both planes: {each.law}" for each in wrong),
                f"{same} of {count} are equal and right on both planes",
            ]
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Await what could not be collected: its lines would only be missing."""
        if not report.passed:
            law = f"What {report.nodeid} says."
            self.behaviors[report.nodeid] = Behavior("Not collected.", law, ())

    # Last, so that what `-k` leaves out is not awaited.
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Keep the tests that are about a plane."""
        kept: list[pytest.Item] = []
        dropped: list[pytest.Item] = []
        for item in items:
            is_about_one = self.expect(item.nodeid, part=_part(item), doc=_doc(item))
            (kept if is_about_one else dropped).append(item)
        items[:] = kept
        config.hook.pytest_deselected(items=dropped)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what each phase of a test came to."""
        behavior, plane = self._runs[report.nodeid]
        behavior.note(plane, report.when, report.outcome)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail where a plane was left out."""
        if session.exitstatus == pytest.ExitCode.OK and not self.holds:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, config: pytest.Config
    ) -> None:
        """Print the table."""
        is_colored = terminalreporter.hasmarkup
        shown = StringIO()
        console = Console(file=shown, width=_WIDTH, force_terminal=is_colored)
        console.print(self.table(_livekit_version(config.rootpath / HOME)))
        terminalreporter.write_line("")
        terminalreporter.write(shown.getvalue())
        for line in self.summary().splitlines():
            terminalreporter.write_line(line)


def read_law(doc: str) -> tuple[str, tuple[str, ...]]:
    """Split a test's docstring into its sentence and the traps that it names."""
    sentence = " ".join(doc.split("\n\n", maxsplit=1)[0].split())
    traps = [name for found in _TRAPS.findall(sentence) for name in found.split(", ")]
    return _TRAPS.sub("", sentence), tuple(traps)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag."""
    parser.addoption(
        "--conformance",
        action="store_true",
        help="run what is said of every media plane, and print it as a table",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to collect, where it was asked for."""
    if config.getoption("--conformance"):
        config.pluginmanager.register(Conformance(), "utd-stream-conformance")


def _livekit_version(home: Path) -> str:
    server = find_server(home)
    if server is None:
        return "LiveKit (none found)"
    told = subprocess.run(  # noqa: S603 -- the server of the tests
        [server, "--version"], capture_output=True, text=True, check=True
    ).stdout
    return f"LiveKit {told.split()[-1]}"


def _doc(item: pytest.Item) -> str:
    return getattr(getattr(item, "obj", None), "__doc__", None) or item.name


def _part(item: pytest.Item) -> str:
    module = item.getparent(pytest.Module)
    doc = module.obj.__doc__ if module is not None else None
    return (doc or item.path.name).split("\n", maxsplit=1)[0]
