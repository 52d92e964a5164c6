"""What tests of applications need: worlds on virtual time, faults, logs, strategies.

What needs Hypothesis is imported by module, as ``utd_stream.testing.models``.
Names are imported when they are first used, since pytest loads the plugin that
is in here wherever the package is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from utd_stream import _lazy

if TYPE_CHECKING:
    from utd_stream._embedded.lines import SignalLine
    from utd_stream._embedded.webhooks import Webhook, Webhooks
    from utd_stream.adapters.fact_log import FACT_LOG_SCHEMA, JsonLines
    from utd_stream.testing._loop import (
        HorizonError,
        StalledError,
        VirtualClock,
        VirtualLoop,
        run,
    )
    from utd_stream.testing._luck import SeededLuck
    from utd_stream.testing._script import Act, Fault, FaultScript, play
    from utd_stream.testing._simulation import Simulation

__all__ = [
    "FACT_LOG_SCHEMA",
    "Act",
    "Fault",
    "FaultScript",
    "HorizonError",
    "JsonLines",
    "SeededLuck",
    "SignalLine",
    "Simulation",
    "StalledError",
    "VirtualClock",
    "VirtualLoop",
    "Webhook",
    "Webhooks",
    "play",
    "run",
]

# Where each public name lives; the imports above tell the type checkers the same.
_HOMES = {
    "Act": "utd_stream.testing._script",
    "FACT_LOG_SCHEMA": "utd_stream.adapters.fact_log",
    "Fault": "utd_stream.testing._script",
    "FaultScript": "utd_stream.testing._script",
    "HorizonError": "utd_stream.testing._loop",
    "JsonLines": "utd_stream.adapters.fact_log",
    "SeededLuck": "utd_stream.testing._luck",
    "SignalLine": "utd_stream._embedded.lines",
    "Simulation": "utd_stream.testing._simulation",
    "StalledError": "utd_stream.testing._loop",
    "VirtualClock": "utd_stream.testing._loop",
    "VirtualLoop": "utd_stream.testing._loop",
    "Webhook": "utd_stream._embedded.webhooks",
    "Webhooks": "utd_stream._embedded.webhooks",
    "play": "utd_stream.testing._script",
    "run": "utd_stream.testing._loop",
}


def __getattr__(name: str) -> Any:
    return _lazy.load(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
