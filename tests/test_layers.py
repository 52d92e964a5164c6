"""Who may import whom, and how long a file may grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import utd_stream

ROOT = Path(utd_stream.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# Lower may not import higher; siblings in one layer may not either.
LAYERS = (
    {"_lazy", "_version"},
    {"errors"},
    {"models"},
    {"machines", "ports", "contract"},
    {"snapshots"},
    {"_border"},
    {"reactive", "wire"},
    {"client", "adapters", "media", "engine"},
    # From here on adapters are chosen, each on top of the one before.
    {"compose"},
    {"_embedded"},
    {"testing", "notebook"},
    {"cli"},
    {"__init__", "__main__"},
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

PURE = frozenset[str]().union(*LAYERS[:5])
WORLD = {
    *("aiohttp", "asyncio", "http", "livekit", "socket", "sqlalchemy", "ssl"),
    *("multiprocessing", "os", "pathlib", "subprocess", "tempfile", "threading"),
    *("random", "secrets", "time", "uuid"),
}

every_file = pytest.mark.parametrize(
    "path", FILES, ids=lambda path: str(path.relative_to(ROOT))
)


def imported(path: Path) -> Iterator[str]:
    """Every module, or name of `utd_stream`, which *path* imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute"
            module = node.module or ""
            if module == "utd_stream":
                yield from (f"utd_stream.{alias.name}" for alias in node.names)
            else:
                yield module


def package(path: Path) -> str:
    """The entry at the top of the tree to which *path* belongs."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@every_file
def test_every_module_has_a_layer(path: Path) -> None:
    """What is not in the picture of the layers is not in the package."""
    assert package(path) in RANK


@every_file
def test_imports_point_downwards(path: Path) -> None:
    """A module imports its own package or a lower layer."""
    here = package(path)
    for name in imported(path):
        if name.startswith("utd_stream."):
            there = name.split(".")[1]
            # A name that is no module is one of the lazy names of the top.
            rank = RANK.get(there, RANK["__init__"])
            lower = rank < RANK[here]
            assert there == here or lower, f"{path.name} imports {name}"


@every_file
def test_core_performs_no_io(path: Path) -> None:
    """The pure layers, and the engine's rules, import nothing of the world."""
    if package(path) in PURE or path.parent.name == "rules":
        roots = {name.partition(".")[0] for name in imported(path)}
        assert not roots & WORLD


@every_file
def test_only_adapters_import_livekit(path: Path) -> None:
    """What LiveKit is called, and how it fails, is known in one place."""
    roots = {name.partition(".")[0] for name in imported(path)}
    assert "livekit" not in roots or package(path) == "adapters"


@every_file
def test_files_stay_short(path: Path) -> None:
    """No module exceeds 600 lines."""
    length = len(path.read_text().splitlines())

    assert length <= 600
