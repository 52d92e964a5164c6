"""A test is a law, and a law is a sentence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FILES = sorted(TESTS.rglob("test_*.py"))


def laws(path: Path) -> Iterator[tuple[str, str]]:
    """The tests of a file, each with what it says; those of classes included."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if name.startswith("test_"):
                    yield name, ast.get_docstring(node) or ""
            case _:
                pass


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_every_test_states_its_law(path: Path) -> None:
    """The first line of a test's docstring is a sentence."""
    silent = [name for name, law in laws(path) if not law.partition("\n")[0].strip()]
    assert silent == []
