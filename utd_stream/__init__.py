"""Audio rooms, calls and live streams on LiveKit: reactive, headless, provable.

Names are imported when they are first used: ``import utd_stream`` alone loads
neither LiveKit nor an HTTP stack.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from utd_stream.compose import UTDStreamClient
    from utd_stream.errors import UTDStreamException
    from utd_stream.reactive import Events, Latest

__all__ = [
    "Events",
    "Latest",
    "UTDStreamClient",
    "UTDStreamException",
    "__version__",
]

__version__: str

# Where each public name lives; the imports above tell the type checkers the same.
_HOMES = {
    "Events": "utd_stream.reactive",
    "Latest": "utd_stream.reactive",
    "UTDStreamClient": "utd_stream.compose",
    "UTDStreamException": "utd_stream.errors",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return metadata.version("utd-stream")
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value  # the next use finds it without coming here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
