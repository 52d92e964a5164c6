"""What tests of applications need: worlds on virtual time, logs, strategies.

What needs Hypothesis is imported by module, as ``utd_stream.testing.models``.
"""

from __future__ import annotations

from utd_stream.adapters.fact_log import FACT_LOG_SCHEMA, JsonLines
from utd_stream.testing._loop import (
    HorizonError,
    StalledError,
    VirtualClock,
    VirtualLoop,
    run,
)
from utd_stream.testing._luck import SeededLuck
from utd_stream.testing._simulation import Simulation

__all__ = [
    "FACT_LOG_SCHEMA",
    "HorizonError",
    "JsonLines",
    "SeededLuck",
    "Simulation",
    "StalledError",
    "VirtualClock",
    "VirtualLoop",
    "run",
]
