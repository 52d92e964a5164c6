"""Laws of ``make``, in a folder where nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[1] / "Makefile"

# Says what it is asked, unless it is asked to be quiet.
PYTHON = """\
#!/bin/sh
case $* in *venv*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;; esac
case $* in *pip*--quiet*) ;; *pip*) echo "Collecting what it takes" ;; esac
"""


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_the_first_make_shows_what_it_does(tmp_path: Path) -> None:
    """It says beforehand that it takes a while, then shows pip's own words."""
    shutil.copy(MAKEFILE, tmp_path)
    (tmp_path / "pyproject.toml").touch()
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)

    run = subprocess.run(  # noqa: S603 -- make, and words from above
        ["make", "install", f"PYTHON={python}"],  # noqa: S607 -- as people type it
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    assert run.returncode == 0, run.stdout
    assert run.stdout.index("minutes, once") < run.stdout.index("Collecting")
