"""Building the wheel and installing it, as its users do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.cli.commands import environment
from tests.patience import patient

__all__ = ["ROOT", "built", "newest_python", "pip"]

ROOT = Path(__file__).parents[1]


def pip(*arguments: str | Path, timeout: float) -> None:
    """Run pip, which must end well; *timeout* is in seconds."""
    done = subprocess.run(  # noqa: S603 -- this interpreter's pip
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def built(folder: Path) -> Path:
    """Build the wheel in *folder* and return its path."""
    pip("wheel", "--no-deps", "--wheel-dir", folder, ROOT, timeout=patient(100))
    (wheel,) = folder.glob("*.whl")
    return wheel


def newest_python() -> Path:
    """Return the newest Python of this machine; this one, if none is newer."""
    return max(_pythons())[1]


def _pythons() -> Iterator[tuple[tuple[int, int], Path]]:
    yield sys.version_info[:2], Path(sys.executable)
    beside = Path(sys.base_prefix).parent  # where several are kept, each in a folder
    for minor in range(sys.version_info[1] + 1, 20):
        name = f"python3.{minor}"
        found = [Path(shutil.which(name) or ""), *beside.glob(f"*/bin/{name}")]
        for python in found:
            if _runs(python):
                yield (3, minor), python


def _runs(python: Path) -> bool:
    # A shim for a version that is not installed is found, too.
    if not python.is_file():
        return False
    done = subprocess.run(  # noqa: S603 -- what `which` has found
        [python, "-c", "import venv"],
        check=False,
        capture_output=True,
        timeout=patient(20),
    )
    return done.returncode == 0
