"""What the README prints can be run as it is printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import Dev, command, environment

README = Path(__file__).parents[2] / "README.md"


def blocks(language: str) -> list[str]:
    """Return what the README prints in one language."""
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.livekit
def test_the_program_runs_as_printed(dev: Dev, tmp_path: Path) -> None:
    """With what ``dev`` prints as arguments, it sits down and speaks."""
    program = tmp_path / "hello.py"
    program.write_text(blocks("python")[0], encoding="utf-8")
    told = (dev.told[name] for name in ("base_url", "app_id", "app_key"))

    run = subprocess.run(  # noqa: S603 -- this interpreter, and the README's program
        [sys.executable, str(program), *told],
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert run.returncode == 0, run.stderr
    assert "ana is speaking" in run.stdout
    assert "Traceback" not in run.stderr


def test_the_file_of_settings_is_taken_as_printed(tmp_path: Path) -> None:
    """``serve`` finds in it all that it needs."""
    (tmp_path / "engine.toml").write_text(blocks("toml")[0], encoding="utf-8")

    told = command("serve", "--check", "--config", "engine.toml", folder=tmp_path)

    assert told.returncode == 0, told.stderr


def test_the_first_page_is_a_page() -> None:
    """Program, commands and picture stand in the first 40 lines."""
    first = README.read_text(encoding="utf-8").splitlines()[:40]
    page = "\n".join(first)

    assert "make demo" in page
    assert "make test" in page
    assert "asyncio.run" in page
    assert "engine:" in page
    assert "STATES.md" in page
