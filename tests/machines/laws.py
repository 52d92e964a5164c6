"""Laws every declared machine obeys."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from types import ModuleType
from typing import Any, TypeAlias, get_args, get_type_hints

import attrs

from utd_stream.errors import UTDErrorCode
from utd_stream.machines import Declaration

AnyMachine: TypeAlias = Declaration[Any, Any, Any, Any]

# What makes a name a fact, beside an ending in -ed.
_HAPPENED = {"Absent", "Became", "Due", "Gave", "Gone", "Lost", "Over", "Present"}


@attrs.frozen(kw_only=True)
class Vocabulary:
    """What a machine hears and says, as a person would sort it.

    Attributes:
        events: The union of its commands and facts.
        effects: The union of its effects, or the only one.
        commands: Those of its events with which somebody asks.
        final: The states that nothing leaves.
    """

    events: Any
    effects: Any
    commands: frozenset[type]
    final: frozenset[Any] = frozenset()


def check_table(machine: AnyMachine, words: Vocabulary) -> None:
    """Check all that can be said of a table without running it."""
    check_triggers(machine, words)
    check_states(machine, words)
    check_guards_are_total(machine)
    check_refusals(machine)
    check_functions(machine)
    check_fields(machine)
    check_effects(machine, words)
    check_grammar(words)


def check_triggers(machine: AnyMachine, words: Vocabulary) -> None:
    """Every event class has a row, and no other class has one."""
    triggers = {row.trigger for row in machine.rows}
    assert triggers == set(get_args(words.events))
    assert len({trigger.__name__ for trigger in triggers}) == len(triggers)


def check_where_taken(
    machine: AnyMachine, where: Mapping[type, Collection[Any]]
) -> None:
    """Every event has rows in the states of *where*, or in all, and nowhere else."""
    taken: dict[type, set[Any]] = {}
    for row in machine.rows:
        taken.setdefault(row.trigger, set()).update(row.source)
    expected = {trigger: set(where.get(trigger, machine.states)) for trigger in taken}
    assert taken == expected
    assert set(where) <= set(taken)


def check_states(machine: AnyMachine, words: Vocabulary) -> None:
    """Every state is reachable, and the final ones are those stated."""
    reached, frontier = {machine.initial}, [machine.initial]
    while frontier:
        state = frontier.pop()
        for row in machine.rows:
            if state in row.source and row.dest not in reached:
                reached.add(row.dest)
                frontier.append(row.dest)
    assert reached == set(machine.states)
    assert machine.final() == words.final


def check_guards_are_total(machine: AnyMachine) -> None:
    """Every group of rows ends in one without a guard and has no dead row."""
    for state, trigger, rows in machine.groups():
        where = f"{state.name} on {trigger.__name__}"
        *before, last = rows
        assert last.guard is None, f"{where}: no else row"
        assert all(row.guard for row in before), f"{where}: dead row"
        guards = [row.guard for row in before]
        assert len(set(guards)) == len(guards), f"{where}: dead row"


def check_refusals(machine: AnyMachine) -> None:
    """A refusal keeps the state, does nothing and has a code an engine answers."""
    codes = {code.value for code in UTDErrorCode}
    for row in machine.rows:
        if row.refuse is not None:
            assert row.source == (row.dest,)
            assert (row.update, row.effects) == (None, ())
            assert (row.set, row.count) == ({}, ())
            assert row.refuse in codes


def check_functions(machine: AnyMachine) -> None:
    """Everything a row calls has a name; a guard asks a question."""
    for row in machine.rows:
        for function in filter(None, (row.guard, row.update, *row.effects)):
            assert function.__qualname__.isidentifier(), "no lambdas, no closures"
        if row.guard is not None:
            assert (row.guard.__doc__ or "").endswith("?"), row.guard.__name__


def check_fields(machine: AnyMachine) -> None:
    """Every field that a row sets or counts is one of the data."""
    functions = [f for row in machine.rows for f in (row.guard, row.update) if f]
    (data,) = {get_type_hints(function)["data"] for function in functions}
    fields = {field.name for field in attrs.fields(data)}
    for row in machine.rows:
        assert {*row.set, *row.count} <= fields
        assert not {*row.set} & {*row.count}, "a field is either set or counted"


def check_effects(machine: AnyMachine, words: Vocabulary) -> None:
    """Every effect that is declared is asked for by some row, and no other."""
    made = {
        get_type_hints(effect)["return"]
        for row in machine.rows
        for effect in row.effects
    }
    assert made == set(get_args(words.effects) or (words.effects,))


def check_grammar(words: Vocabulary) -> None:
    """Commands and effects are imperatives, facts tell; no name is used twice."""
    events = set(get_args(words.events))
    effects = set(get_args(words.effects) or (words.effects,))
    names = [word.__name__ for word in (*events, *effects)]

    assert words.commands <= events
    assert len(set(names)) == len(names)
    for word in words.commands | effects:
        assert not _tells(word.__name__), f"{word.__name__} should be an imperative"
    for word in events - words.commands:
        assert _tells(word.__name__), f"{word.__name__} should tell what happened"


def _tells(name: str) -> bool:
    words = re.findall(r"[A-Z][a-z]*", name)
    return name == "Overdue" or any(
        word.endswith("ed") or word in _HAPPENED for word in words
    )


def laws_of(module: ModuleType) -> list[str]:
    """Return the names of the numbered laws in a module's docstring."""
    return re.findall(r"^\d+\. (\w+):", module.__doc__ or "", flags=re.MULTILINE)


def check_names(module: ModuleType, tests: Mapping[str, Any]) -> None:
    """Each law has a test of its name, and the laws are numbered in order."""
    numbers = re.findall(r"^(\d+)\. ", module.__doc__ or "", flags=re.MULTILINE)
    laws = laws_of(module)

    assert numbers == [str(number + 1) for number in range(len(laws))]
    assert laws
    assert [law for law in laws if f"test_{law}" not in tests] == []


def checks_in(module: ModuleType) -> dict[str, Callable[[AnyMachine], None]]:
    """Return those tests of *module* which ask for nothing but a machine."""
    return {
        name: test
        for name, test in vars(module).items()
        if name.startswith("test_")
        and set(getattr(test, "__annotations__", {})) == {"machine", "return"}
    }
