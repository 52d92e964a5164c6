"""Building the wheel and installing it, as its users do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.cli.commands import environment
from tests.patience import patient

__all__ = ["ROOT", "built", "pip"]

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
