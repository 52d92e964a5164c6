"""What users install: the wheel, alone in an environment that was empty.

The registry, or pip's cache of it, gives the build's tools and the dependencies.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import attrs
import pytest

from tests.cli.commands import environment
from tests.patience import patient
from tests.readme import block
from tests.wheels import ROOT, built, newest_python, pip


@attrs.frozen
class Installation:
    """An environment with the package in it, and the wheel it came from."""

    wheel: Path
    folder: Path

    def run(self, program: str, *arguments: str) -> str:
        """Return what one of its programs prints, which must end well."""
        done = subprocess.run(  # noqa: S603 -- programs of the tests' own environment
            [self.folder / "bin" / program, *arguments],
            cwd=self.folder,
            env=environment(PATH=""),
            check=False,
            capture_output=True,
            text=True,
            timeout=patient(60),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert not done.stderr
        return done.stdout

    def run_text(self, text: str) -> str:
        """Return what a program prints, given as text."""
        (self.folder / "program.py").write_text(text, encoding="utf-8")
        return self.run("python", "program.py")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once."""
    return built(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The package, installed once for this Python."""
    return installed(wheel, tmp_path_factory.mktemp("environment"), sys.executable)


def installed(wheel: Path, folder: Path, python: str | Path) -> Installation:
    """Install the package in an environment of *python*."""
    made = [python, "-m", "venv", "--without-pip", folder]
    subprocess.run(made, check=True, timeout=patient(60))  # noqa: S603 -- a Python
    # Most of what pip would compile is never imported here.
    options = ("--python", folder / "bin" / "python", "install", "--no-compile")
    pip(*options, wheel, timeout=patient(150))
    return Installation(wheel, folder)


def test_wheel_holds_the_package_alone(installation: Installation) -> None:
    """Every module, the mark that it is typed, and nothing of the tests."""
    names = set(ZipFile(installation.wheel).namelist())
    modules = {f"{path.relative_to(ROOT)}" for path in ROOT.glob("utd_stream/**/*.py")}

    assert {*modules, "utd_stream/py.typed"} <= names
    roots = {name.partition("/")[0].partition("-")[0] for name in names}
    assert roots == {"utd_stream"}


def test_bare_import_is_light(installation: Installation) -> None:
    """It is the installed package, and loads neither LiveKit nor a web server."""
    printed = installation.run_text(
        "import sys, utd_stream\nprint(utd_stream.__file__, *sys.modules, sep='\\n')\n"
    )

    home, *loaded = printed.splitlines()
    assert Path(home).is_relative_to(installation.folder)
    assert not {"livekit", "aiohttp.web"} & set(loaded)


def _first_program() -> str:
    return block("python", 'join_audio_room("dan"')


def test_first_program_runs_on_the_wheel_alone(installation: Installation) -> None:
    """The README's promise: nothing but the package is needed."""
    printed = installation.run_text(_first_program())

    assert "'ana'" in printed
    assert "dan hears 440 Hz" in printed


def test_virtual_time_needs_no_extra(installation: Installation) -> None:
    """The README's test holds where there is no pytest."""
    text = block("python", "Simulation(")

    installation.run_text(f"{text}\ntest_nobody_waits_for_ever()\n")

    assert not list(installation.folder.glob("lib/*/site-packages/pytest"))


def test_demo_runs_on_the_wheel_alone(installation: Installation) -> None:
    """The command is there, and needs no server."""
    printed = installation.run("utd-stream", "demo")

    assert printed.startswith("utd-stream demo, embedded: ")
    assert "all as declared" in printed.splitlines()[-1]


def test_the_newest_python_runs_all_of_it(wheel: Path, tmp_path: Path) -> None:
    """A person's Python may be newer than the one that the package was written on."""
    newest = installed(wheel, tmp_path, newest_python())

    assert "dan hears 440 Hz" in newest.run_text(_first_program())
    assert "all as declared" in newest.run("utd-stream", "demo").splitlines()[-1]
