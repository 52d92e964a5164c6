"""STATES.md says what the machines say."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from utd_stream import machines
from utd_stream.machines import Declaration
from utd_stream.machines._document import MACHINES, document

STATES_MD = Path(machines.__file__).with_name("STATES.md")


def test_states_md_is_fresh() -> None:
    """The page in the repository is the one `make states` would write."""
    assert STATES_MD.read_text(encoding="utf-8") == document()


def test_module_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """``python -m utd_stream.machines`` is how the page is made."""
    # By its path: pytest loads the package itself, since it holds a plugin.
    runpy.run_path(str(STATES_MD.with_name("__main__.py")), run_name="__main__")

    assert capsys.readouterr().out == document()


def test_every_machine_is_documented() -> None:
    """A machine that users can import has its section."""
    public = (getattr(machines, name) for name in machines.__all__)
    declared = {each.name for each in public if isinstance(each, Declaration)}

    assert declared == {machine.name for _, machine in MACHINES}


@pytest.mark.parametrize("module", [module for module, _ in MACHINES])
def test_every_section_has_theory_and_laws(module: object) -> None:
    """A machine without laws is not finished."""
    theory, _, laws = (module.__doc__ or "").partition("\nLaws, each proved by ")

    assert "Source: " in theory
    assert laws.strip().endswith(".")
