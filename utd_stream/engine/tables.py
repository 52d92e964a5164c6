"""The tables of the machines, as the engine serves them."""

from __future__ import annotations

from functools import cache
from typing import Any

from utd_stream._version import version
from utd_stream.contract.answers import Contract, MachineRow, MachineTable
from utd_stream.machines import MACHINES, Declaration, Row
from utd_stream.wire import encode

__all__ = ["contract", "contract_document"]


@cache
def contract_document() -> bytes:
    """Return the answer of ``GET /contract``."""
    return encode(contract())


def contract() -> Contract:
    """Return every machine, in the order of STATES.md."""
    return Contract(version=version(), machines=tuple(map(_table, MACHINES)))


def _table(machine: Declaration[Any, Any, Any, Any]) -> MachineTable:
    final = machine.final()
    return MachineTable(
        name=machine.name,
        initial=machine.initial.value,
        states=tuple(state.value for state in machine.states),
        final=tuple(state.value for state in machine.states if state in final),
        rows=tuple(
            _row(row, source.value) for row in machine.rows for source in row.source
        ),
    )


def _row(row: Row[Any, Any, Any, Any], source: str) -> MachineRow:
    return MachineRow(
        event=row.trigger.__name__,
        source=source,
        guard=row.guard.__name__ if row.guard else None,
        target=row.dest.value,
        refusal=row.refuse,
        data=tuple(row.changes()),
        effects=tuple(effect.__name__ for effect in row.effects),
    )
