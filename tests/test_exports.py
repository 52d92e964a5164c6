"""What the package promises by name."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType

import pytest

import utd_stream
from utd_stream import testing

PUBLIC = ("models", "machines", "errors", "engine", "testing")
MODULES = ["utd_stream", *(f"utd_stream.{name}" for name in PUBLIC)]

every_module = pytest.mark.parametrize("module", MODULES)
every_lazy_module = pytest.mark.parametrize(
    "module", [utd_stream, testing], ids=lambda module: module.__name__
)


def natural(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest: the order which ruff keeps."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@every_module
def test_public_names_are_sorted_and_unique(module: str) -> None:
    """A list of names can be read, and a merge conflict in it be solved."""
    names = import_module(module).__all__

    assert names == sorted(set(names), key=natural)


@every_module
def test_public_names_exist(module: str) -> None:
    """Every promised name can be had."""
    home = import_module(module)

    for name in home.__all__:
        assert getattr(home, name) is not None
        assert name in dir(home)


@every_lazy_module
def test_lazy_names_have_one_home(module: ModuleType) -> None:
    """What users import, what is promised and what checkers read are the same."""
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text())
    told = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert told == module._HOMES
    assert set(told) == {*module.__all__} - {"__version__"}


@every_lazy_module
def test_unknown_name_is_an_attribute_error(module: ModuleType) -> None:
    """Laziness does not change what a typing error looks like."""
    with pytest.raises(
        AttributeError, match=f"'{module.__name__}' has no attribute 'Sesion'"
    ):
        _ = module.Sesion


@every_lazy_module
def test_a_lazy_name_is_looked_up_once(module: ModuleType) -> None:
    """The next use finds it where any other name is."""
    for name in module._HOMES:
        assert getattr(module, name) is vars(module)[name]


def test_version_is_that_of_the_distribution() -> None:
    """The version is written in one place."""
    assert utd_stream.__version__ == metadata.version("utd-stream")


def test_import_loads_nothing_heavy() -> None:
    """A bare import costs neither LiveKit nor an HTTP stack nor a loop."""
    program = "import sys, utd_stream; print(*sys.modules)"
    run = subprocess.run(  # noqa: S603 -- this interpreter, a program from above
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert not loaded & {"aiohttp", "asyncio", "livekit", "reactivex", "sqlalchemy"}
