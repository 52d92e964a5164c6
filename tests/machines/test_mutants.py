"""The tests of the machines notice every bent row."""

from __future__ import annotations

from types import ModuleType

import pytest

from tests.machines import mutants
from tests.machines.laws import AnyMachine, checks_in


@pytest.mark.parametrize(
    ("machine", "tests"),
    mutants.MACHINES,
    ids=[machine.name for machine, _ in mutants.MACHINES],
)
def test_every_mutant_is_noticed(machine: AnyMachine, tests: ModuleType) -> None:
    """No row can be lost, redirected, turned round or silenced unseen."""
    survivors = [
        mutant for mutant in mutants.mutants(machine) if mutants.survives(mutant, tests)
    ]

    assert checks_in(tests)
    assert survivors == []


@pytest.mark.parametrize(
    ("machine", "tests"),
    mutants.MACHINES,
    ids=[machine.name for machine, _ in mutants.MACHINES],
)
def test_the_machine_itself_passes(machine: AnyMachine, tests: ModuleType) -> None:
    """The score means something: what is not bent is not complained about."""
    for check in checks_in(tests).values():
        check(machine)
