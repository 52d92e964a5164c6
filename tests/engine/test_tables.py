"""The tables of the machines, as the engine serves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import utd_stream.machines
from tests.engine.house import House
from utd_stream.contract.answers import Contract
from utd_stream.engine.tables import contract
from utd_stream.machines import MACHINES, Declaration
from utd_stream.machines._document import MACHINES as DOCUMENTED
from utd_stream.wire import decode

AnyMachine = Declaration[Any, Any, Any, Any]


def test_every_machine_is_served() -> None:
    """Those of the package, and those of STATES.md, in its order."""
    declared = {
        found.name
        for found in vars(utd_stream.machines).values()
        if isinstance(found, Declaration)
    }
    assert [machine for _, machine in DOCUMENTED] == list(MACHINES)
    assert {table.name for table in contract().machines} == declared


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_a_table_is_what_runs(machine: AnyMachine) -> None:
    """Row by row, a row with several sources for each of them."""
    (table,) = (each for each in contract().machines if each.name == machine.name)

    assert table.initial == machine.initial.value
    assert table.states == tuple(state.value for state in machine.states)
    assert set(table.final) == {state.value for state in machine.final()}
    assert len(table.rows) == sum(len(row.source) for row in machine.rows)
    for state, trigger, rows in machine.groups():
        told = [
            each
            for each in table.rows
            if (each.source, each.event) == (state.value, trigger.__name__)
        ]
        assert [(t.target, t.refusal, len(t.effects)) for t in told] == [
            (row.dest.value, row.refuse, len(row.effects)) for row in rows
        ]
        assert [t.guard for t in told] == [
            row.guard.__name__ if row.guard else None for row in rows
        ]


def test_what_is_told_of_data_is_what_states_md_says() -> None:
    """Both are read off the rows."""
    page = (Path(utd_stream.machines.__file__).parent / "STATES.md").read_text("utf-8")
    for table in contract().machines:
        for row in table.rows:
            assert ", ".join(row.data) in page


async def test_it_is_served_to_anybody(house: House) -> None:
    """With the version of the software that runs it."""
    answer = await house.ask("GET", "api/v1/contract")

    assert answer.status == 200
    assert decode(Contract, answer.body) == contract()
    assert answer.body["version"]
