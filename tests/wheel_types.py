"""Check that pyright knows the type of every public name of the built wheel.

The wheel has an environment of its own; its dependencies are those of this one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cli.commands import environment
from tests.patience import patient
from tests.wheels import built, pip


def main() -> int:
    """Print what pyright finds, or the score; return its status, 1 below 100 %."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        programs = _installed(built(folder), folder / "environment")
        empty = folder / "empty"
        empty.mkdir()
        # Pyright asks the first Python on the path where packages are.
        path = os.pathsep.join((str(programs), os.environ.get("PATH", os.defpath)))
        checked = subprocess.run(  # noqa: S603 -- pyright of the tools
            [
                Path(sysconfig.get_path("scripts")) / "pyright",
                *("--verifytypes", "utd_stream", "--ignoreexternal"),
            ],
            cwd=empty,
            env=environment(PATH=path),
            check=False,
            capture_output=True,
            text=True,
            timeout=patient(60),
        )
    failed = checked.returncode != 0
    lines = checked.stdout.splitlines()
    shown = [line for line in lines if failed or "completeness score" in line]
    sys.stdout.write("\n".join((*shown, checked.stderr)))
    return checked.returncode


def _installed(wheel: Path, folder: Path) -> Path:
    venv.create(folder, with_pip=False, symlinks=True)
    programs = folder / "bin"
    pip(
        *("--python", programs / "python", "install", "--no-deps", "--no-index"),
        *("--no-compile", wheel),
        timeout=patient(30),
    )
    # Behind the wheel's own packages, so the package checked out here stays unseen.
    (packages,) = folder.glob("lib/*/site-packages")
    here = sysconfig.get_path("purelib")
    (packages / "dependencies.pth").write_text(here, encoding="utf-8")
    return programs


if __name__ == "__main__":
    sys.exit(main())
