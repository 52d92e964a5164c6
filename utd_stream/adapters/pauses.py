"""How long Python makes others wait, in a process that answers many people."""

from __future__ import annotations

import gc
import sys

__all__ = ["shorten_pauses"]

# A full collection looks at all that the process holds, which takes a tenth of a
# second where rooms of 20,000 are remembered, and nobody is answered meanwhile.
# By the numbers of Python 3.11 one listing of such a room sets off two.
_THRESHOLDS = (10_000, 10, 50)
# A thread that has read or written waits so long for one that computes, in seconds.
# By Python's 5 ms a seat command beside a listing of 20,000, whose writer reads and
# writes thirty times, waited 200 ms; by these 20 ms.
_SWITCH_INTERVAL = 0.0002


def shorten_pauses() -> None:
    """Let full collections be rare, pass over what is loaded so far, and share the CPU.

    For a program of our own, once it has loaded what it needs; whoever embeds an
    engine decides about their process themselves.  Almost everything here is freed
    without the collector, as soon as nothing refers to it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    sys.setswitchinterval(_SWITCH_INTERVAL)
