"""What tests of applications need: virtual time, and strategies.

The strategies are imported by module, as ``utd_stream.testing.models``: they
need Hypothesis, the rest does not.
"""

from __future__ import annotations

from utd_stream.testing._loop import (
    HorizonError,
    StalledError,
    VirtualClock,
    VirtualLoop,
    run,
)

__all__ = ["HorizonError", "StalledError", "VirtualClock", "VirtualLoop", "run"]
