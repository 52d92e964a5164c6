"""Whoever writes walks, worlds and faults of their own needs public names only."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

import utd_stream
from utd_stream import testing

HERE = Path(__file__).parents[2]
PRIVATE = re.compile(r"utd_stream\.(testing\.)?_(?!version|border)\w+ import (.*)")


def public_modules(package: Any) -> Iterator[Any]:
    """Yield *package* and what is in it, but for private modules and the command."""
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not re.search(r"\._|\.cli", found.name):
            yield import_module(found.name)


def public(modules: Iterator[Any]) -> Iterator[Any]:
    """Yield what the modules promise by name."""
    for module in modules:
        yield from (getattr(module, name) for name in getattr(module, "__all__", ()))


def annotated(promised: Any) -> Iterator[Any]:
    """Yield whatever has annotations that a user reads: itself, and its members."""
    yield inspect.unwrap(promised) if inspect.isfunction(promised) else promised
    for name, member in vars(promised).items() if inspect.isclass(promised) else ():
        called = member.fget if isinstance(member, property) else member
        if not name.startswith("_") and inspect.isfunction(called):
            yield inspect.unwrap(called)


def classes(hint: Any) -> Iterator[type]:
    """Yield the classes that a type is made of."""
    whole = get_origin(hint) or hint
    if inspect.isclass(whole):
        yield whole
    for part in get_args(hint):
        for each in part if isinstance(part, list) else [part]:
            yield from classes(each)


PROMISED = [utd_stream.EmbeddedWorld, utd_stream.embedded]
PROMISED += [
    each
    for each in public(public_modules(testing))
    if inspect.isclass(each) or inspect.isfunction(each)
    if each is not testing.VirtualLoop  # whose methods are those of every loop
]
IMPORTABLE = {
    each for each in public(public_modules(utd_stream)) if inspect.isclass(each)
}


@pytest.mark.parametrize("promised", PROMISED, ids=lambda each: each.__qualname__)
def test_what_a_signature_names_can_be_imported(promised: Any) -> None:
    """A function of one's own that takes it can be annotated."""
    for each in annotated(promised):
        for name, hint in inspect.get_annotations(each, eval_str=True).items():
            if name.startswith("_"):
                continue
            ours = {c for c in classes(hint) if c.__module__.startswith("utd_stream")}

            assert ours <= IMPORTABLE, f"{each.__qualname__}: {name}"


def test_tests_of_worlds_need_nothing_private() -> None:
    """Our own are written as a user's could be."""
    written = (*HERE.glob("tests/**/*.py"), *HERE.glob("notebooks/*.ipynb"))
    found = {path.name: PRIVATE.findall(path.read_text("utf-8")) for path in written}

    assert not {name: names for name, names in found.items() if names}
