"""Bent copies of the machines: does some test notice each one?

``python -m tests.machines.mutants`` prints the score; with ``--laws-only`` (some
minutes) that of the laws alone, without the second reading of the tables.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import wraps
from types import ModuleType
from typing import Any, Final

import attrs

from tests.machines import (
    test_connection,
    test_invitation,
    test_occupancy,
    test_request,
    test_seat,
)
from tests.machines.laws import AnyMachine, checks_in
from utd_stream.machines import CONNECTION, INVITATION, OCCUPANCY, REQUEST, SEAT, Row

AnyRow = Row[Any, Any, Any, Any]

MACHINES: Final[tuple[tuple[AnyMachine, ModuleType], ...]] = (
    (CONNECTION, test_connection),
    (OCCUPANCY, test_occupancy),
    (SEAT, test_seat),
    (REQUEST, test_request),
    (INVITATION, test_invitation),
)

READING: Final = "test_table_reads_as_agreed"


@attrs.frozen
class Mutant:
    """A machine with one row bent.

    Attributes:
        kind: In which way.
        where: Which row, in words.
        machine: The whole machine.
    """

    kind: str
    where: str
    machine: AnyMachine = attrs.field(repr=False)


def mutants(machine: AnyMachine) -> Iterator[Mutant]:
    """Yield *machine* bent in every way in every row.

    A row with several sources counts as that many rows: losing one of them is
    noticed no easier.
    """
    rows = [attrs.evolve(row, source=(s,)) for row in machine.rows for s in row.source]
    for place, row in enumerate(rows):
        where = f"{row.source[0].value} on {row.trigger.__name__} -> {row.dest.value}"
        for kind, bent in _bent(row, machine):
            table = (*rows[:place], *bent, *rows[place + 1 :])
            yield Mutant(kind, where, attrs.evolve(machine, rows=table))


def _bent(row: AnyRow, machine: AnyMachine) -> Iterator[tuple[str, tuple[AnyRow, ...]]]:
    yield "row removed", ()
    for state in machine.states:
        if state is not row.dest:
            yield "redirected", (attrs.evolve(row, dest=state),)
    if row.guard is not None:
        yield "guard negated", (attrs.evolve(row, guard=_negated(row.guard)),)
    for place in range(len(row.effects)):
        left = (*row.effects[:place], *row.effects[place + 1 :])
        yield "effect dropped", (attrs.evolve(row, effects=left),)
    if row.refuse is not None:
        yield "refusal dropped", (attrs.evolve(row, refuse=None),)
    # Beyond the five that the score is about.
    if row.update is not None:
        yield "update dropped", (attrs.evolve(row, update=None),)
    if len(row.effects) > 1:
        yield "effects reversed", (attrs.evolve(row, effects=row.effects[::-1]),)


def _negated(guard: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    @wraps(guard)  # so that its name and docstring do not betray it
    def negated(data: Any, event: Any) -> bool:
        return not guard(data, event)

    return negated


def survives(mutant: Mutant, tests: ModuleType, *, without: str = "") -> bool:
    """Return whether no test of the machine notices *mutant*.

    Args:
        mutant: The bent machine.
        tests: Where the tests of the machine are.
        without: The name of a test that is not asked.
    """
    for name, check in checks_in(tests).items():
        try:
            if name != without:
                check(mutant.machine)
        except Exception:  # noqa: BLE001 -- whatever it is, it was noticed
            return False
    return True


def _score(machine: AnyMachine, tests: ModuleType, *, without: str) -> bool:
    made: Counter[str] = Counter()
    noticed: Counter[str] = Counter()
    for mutant in mutants(machine):
        survived = survives(mutant, tests, without=without)
        made[mutant.kind] += 1
        noticed[mutant.kind] += not survived
        if survived and not without:
            sys.stdout.write(f"survives: {machine.name}, {mutant}\n")
    for kind, count in made.items():
        line = f"{machine.name:12} {kind:16} {noticed[kind]:4} of {count:4} noticed\n"
        sys.stdout.write(line)
    return noticed == made


def _main(*arguments: str) -> int:
    without = READING if "--laws-only" in arguments else ""
    perfect = [_score(*machine, without=without) for machine in MACHINES]
    return 0 if all(perfect) else 1


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
