"""What the docstrings print can be run as it is printed."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from tests.patience import patient
from utd_stream.testing import grids, plugin, rooms

pytest_plugins = ["pytester"]


def example(module: ModuleType) -> str:
    """The program in a module's docstring."""
    text = inspect.getdoc(module) or ""
    _, _, rest = text.partition("::\n\n")
    lines: list[str] = []
    for line in rest.splitlines():
        if line and not line.startswith("    "):
            break
        lines.append(line)
    return textwrap.dedent("\n".join(lines))


@pytest.mark.parametrize("module", [grids, plugin, rooms], ids=lambda m: m.__name__)
def test_an_example_runs_as_printed(
    module: ModuleType, pytester: pytest.Pytester
) -> None:
    """Copied into a file of tests, with nothing before it, it passes."""
    pytester.makeconftest(
        """
        from hypothesis import settings
        settings.register_profile("few", max_examples=5, database=None)
        settings.load_profile("few")
        """
    )
    Path("test_example.py").write_text(example(module), encoding="utf-8")

    told = pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=patient(100))

    told.assert_outcomes(passed=1)
