"""Bent copies of the machines: does some test notice each one?

``make mutants`` prints the score of the laws, and fails if a mutant survives.  No
table is written a second time in the tests: the laws alone notice each mutant.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from itertools import product
from types import ModuleType
from typing import Any, Final

import attrs
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tests.machines import (
    test_call,
    test_calling,
    test_connection,
    test_invitation,
    test_live,
    test_place,
    test_request,
    test_seat,
    test_signal,
    test_stage,
    test_track,
)
from tests.machines.laws import AnyMachine, checks_in
from utd_stream.machines import (
    CALL,
    CALLING,
    CONNECTION,
    INVITATION,
    LIVE,
    PLACE,
    REQUEST,
    SEAT,
    SIGNAL,
    STAGE,
    TRACK,
    Row,
)

AnyRow = Row[Any, Any, Any, Any]

MACHINES: Final[tuple[tuple[AnyMachine, ModuleType], ...]] = (
    (CONNECTION, test_connection),
    (PLACE, test_place),
    (TRACK, test_track),
    (SEAT, test_seat),
    (REQUEST, test_request),
    (INVITATION, test_invitation),
    (LIVE, test_live),
    (STAGE, test_stage),
    (CALL, test_call),
    (CALLING, test_calling),
    (SIGNAL, test_signal),
)

KINDS: Final = (
    "row removed",
    "redirected",
    "guard negated",
    "effect dropped",
    "refusal dropped",
    # Beyond the five that a table is made of.
    "update dropped",
    "field not set",
    "field not counted",
    "effects reversed",
    "guards swapped",
)

ALL: Final = "all"


@attrs.frozen
class Mutant:
    """A machine with one row bent.

    Attributes:
        kind: In which way, one of `KINDS`.
        where: Which row, in words.
        machine: The whole machine.
    """

    kind: str
    where: str
    machine: AnyMachine = attrs.field(repr=False)


def mutants(machine: AnyMachine) -> Iterator[Mutant]:
    """Yield *machine* bent in every way in every row.

    A row with several sources counts as that many rows: losing one of them is
    noticed no easier.  Fields it names are left out for all of them together:
    where a source never has another value, nobody could notice.
    """
    for place, row in enumerate(machine.rows):
        for kind, forgetful in _forgetful(row):
            table = (*machine.rows[:place], forgetful, *machine.rows[place + 1 :])
            yield Mutant(kind, _where(row), attrs.evolve(machine, rows=table))
    rows = flat(machine).rows
    for place, row in enumerate(rows):
        for kind, bent in _bent(row, machine):
            table = (*rows[:place], *bent, *rows[place + 1 :])
            yield Mutant(kind, _where(row), attrs.evolve(machine, rows=table))
        behind = _next_asked(rows, place)
        if behind is not None:
            swapped = list(rows)
            swapped[place], swapped[behind] = rows[behind], row
            table = tuple(swapped)
            yield Mutant(
                "guards swapped", _where(row), attrs.evolve(machine, rows=table)
            )


def _forgetful(row: AnyRow) -> Iterator[tuple[str, AnyRow]]:
    for field in row.set:
        rest = {name: value for name, value in row.set.items() if name != field}
        yield "field not set", attrs.evolve(row, set=rest)
    for field in row.count:
        others = tuple(name for name in row.count if name != field)
        yield "field not counted", attrs.evolve(row, count=others)


def flat(machine: AnyMachine) -> AnyMachine:
    """Return *machine* with a row for each source: the same one, not bent."""
    rows = (attrs.evolve(row, source=(s,)) for row in machine.rows for s in row.source)
    return attrs.evolve(machine, rows=tuple(rows))


def _where(row: AnyRow) -> str:
    return f"{row.source[0].value} on {row.trigger.__name__} -> {row.dest.value}"


def _next_asked(rows: Sequence[AnyRow], place: int) -> int | None:
    """Return which row is asked if the guard of this one does not hold."""
    row = rows[place]
    if row.guard is not None:
        for behind, other in enumerate(rows[place + 1 :], place + 1):
            if (other.trigger, other.source) == (row.trigger, row.source):
                return None if other.guard is None else behind
    return None


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
    if row.update is not None:
        yield "update dropped", (attrs.evolve(row, update=None),)
    if len(row.effects) > 1:
        yield "effects reversed", (attrs.evolve(row, effects=row.effects[::-1]),)


def _negated(guard: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    @wraps(guard)  # so that its name and docstring do not betray it
    def negated(data: Any, event: Any) -> bool:
        return not guard(data, event)

    return negated


def survives(mutant: Mutant, tests: ModuleType) -> bool:
    """Return whether no test of the machine notices *mutant*.

    Args:
        mutant: The bent machine.
        tests: Where the tests of the machine are.
    """
    checks = checks_in(tests).values()
    return not any(_fails(check, mutant.machine) for check in checks)


def _fails(check: Callable[[AnyMachine], None], machine: AnyMachine) -> bool:
    try:
        check(machine)
    except Exception:  # noqa: BLE001 -- whatever it is, it was noticed
        return True
    return False


@attrs.define
class Score:
    """How many mutants there are, and how many are noticed.

    Attributes:
        made: By machine and kind; `ALL` stands for every one.
        noticed: Of these, how many a law notices.
        survivors: Those that no law notices, in words.
    """

    made: Counter[tuple[str, str]] = attrs.field(factory=Counter[tuple[str, str]])
    noticed: Counter[tuple[str, str]] = attrs.field(factory=Counter[tuple[str, str]])
    survivors: list[str] = attrs.field(factory=list[str])

    @property
    def is_perfect(self) -> bool:
        """Whether there are mutants of every kind, and each is noticed."""
        has_every_kind = all(self.made[ALL, kind] for kind in KINDS)
        return has_every_kind and not self.survivors

    def add(self, machine: str, mutant: Mutant, *, survived: bool) -> None:
        """Count *mutant*."""
        for cell in product((machine, ALL), (mutant.kind, ALL)):
            self.made[cell] += 1
            self.noticed[cell] += not survived
        if survived:
            self.survivors.append(f"{machine}: {mutant.kind}: {mutant.where}")

    def table(self) -> Table:
        """Return a line for each kind: how many rows are bent, how many noticed."""
        machines = [machine.name for machine, _ in MACHINES]
        columns = ("bent", *machines, "rows", "noticed")
        table = Table(*columns, box=SIMPLE_HEAD, padding=0)
        table.columns[0].no_wrap = True
        for column in table.columns[1:]:
            column.justify = "right"
        for kind in (*KINDS, ALL):
            cells = [self._share(machine, kind) for machine in machines]
            totals = (self.made[ALL, kind], self.noticed[ALL, kind])
            table.add_row(kind, *cells, *map(str, totals))
        return table

    def verdict(self) -> str:
        """Return the score, and the survivors, a line each."""
        share = self.noticed[ALL, ALL] / self.made[ALL, ALL]
        lines = [f"{share:.2%} of the bent rows are noticed by the laws alone"]
        return "\n".join(lines + [f"survives: {each}" for each in self.survivors])

    def _share(self, machine: str, kind: str) -> str:
        made, noticed = self.made[machine, kind], self.noticed[machine, kind]
        return f"{made}" if noticed == made else f"{noticed} of {made}"


def score() -> Score:
    """Show every mutant of every machine to its tests."""
    total = Score()
    for machine, tests in MACHINES:
        sys.stderr.write(f"bending the rows of {machine.name}\n")
        for mutant in mutants(machine):
            survived = survives(mutant, tests)
            total.add(machine.name, mutant, survived=survived)
    return total


def _main() -> int:
    total = score()
    console = Console()
    console.print(total.table())
    console.print(total.verdict(), markup=False, highlight=False, soft_wrap=True)
    return 0 if total.is_perfect else 1


if __name__ == "__main__":
    sys.exit(_main())
