"""Notebooks are short, ask one question, and need no more than the package.

That they run is for ``make notebooks``, that they hold no output for ``make
check``.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MAX_CELLS = 20
MAX_LINES = 15
# What pip brings with the package, its extra for notebooks, and Jupyter.
BROUGHT = {*sys.stdlib_module_names, "IPython", "hypothesis", "reactivex", "utd_stream"}
OF_ONE_MACHINE = re.compile(
    r"^[%!].*|sys\.path|/(?:home|Users|tmp|root)/", re.MULTILINE
)

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str | None = None) -> list[str]:
    """The text of the cells of a notebook, or of those of one kind."""
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return [
        "".join(cell["source"])
        for cell in read["cells"]
        if kind in (None, cell["cell_type"])
    ]


def imports(code: str) -> Iterator[str]:
    """The modules that a cell imports, and the names it takes from them."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=module, names=names):
                yield from (f"{module}.{name.name}" for name in names)
            case _:
                pass


def test_there_are_notebooks() -> None:
    """The laws below are about something."""
    assert len(NOTEBOOKS) >= 2


@each_notebook
def test_a_notebook_asks_one_question(path: Path) -> None:
    """It is numbered, its title is a question, and it says what it needs."""
    first = cells(path)[0]

    assert re.fullmatch(r"\d\d_[a-z_]+", path.stem)
    assert re.fullmatch(r"# [A-Z].*\?", first.splitlines()[0])
    assert "\nNeeded: " in first


@each_notebook
def test_a_notebook_is_short(path: Path) -> None:
    """It has few cells, and each fits on a screen with what it shows."""
    lengths = [
        sum(bool(line.strip()) for line in code.splitlines())
        for code in cells(path, "code")
    ]

    assert len(cells(path)) <= MAX_CELLS
    assert max(lengths) <= MAX_LINES


@each_notebook
def test_a_notebook_needs_no_more_than_the_package(path: Path) -> None:
    """It imports public names only, and nothing that pip has not brought."""
    taken = [name for code in cells(path, "code") for name in imports(code)]

    assert {name.partition(".")[0] for name in taken} <= BROUGHT
    assert [name for name in taken if "._" in name] == []


@each_notebook
def test_a_notebook_runs_anywhere(path: Path) -> None:
    """It names the common kernel, and no command or path of one machine."""
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    told = "\n".join(cells(path))

    assert read["metadata"]["kernelspec"]["name"] == "python3"
    assert OF_ONE_MACHINE.findall(told) == []


@each_notebook
def test_a_notebook_closes_what_it_opened(path: Path) -> None:
    """Its last cell ends the world that its first one started."""
    code = cells(path, "code")

    assert "await embedded().start()" in code[0].replace("us.", "")
    assert "await world.aclose()" in code[-1]


@each_notebook
def test_a_notebook_proves_what_it_says(path: Path) -> None:
    """Each heading is followed by code that asserts."""
    sections = "\0".join(cells(path)).split("\0## ")[1:]

    assert sections
    assert [text for text in sections if "\nassert " not in text] == []
