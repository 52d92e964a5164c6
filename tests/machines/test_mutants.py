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
        check(mutants.flat(machine))


def test_rows_are_bent_in_every_way() -> None:
    """No kind of mutant is missing, or the score would say less than it seems to."""
    kinds = {
        mutant.kind
        for machine, _ in mutants.MACHINES
        for mutant in mutants.mutants(machine)
    }

    assert kinds == set(mutants.KINDS)


def test_a_survivor_spoils_the_score() -> None:
    """The score of bent rows that nobody looks at is not perfect, and names them."""
    total = mutants.Score()
    for kind in mutants.KINDS:
        bent = mutants.Mutant(kind, "a row", mutants.MACHINES[0][0])
        total.add("connection", bent, survived=False)
    assert total.is_perfect

    left = mutants.Mutant("redirected", "another row", mutants.MACHINES[0][0])
    total.add("connection", left, survived=True)

    assert not total.is_perfect
    assert "survives: connection: redirected: another row" in total.verdict()
