"""Python's garbage collector, for a process that answers many people."""

from __future__ import annotations

import gc

__all__ = ["shorten_pauses"]

# A full collection looks at all that the process holds, which takes a tenth of a
# second where rooms of 20,000 are remembered, and nobody is answered meanwhile.
# By the numbers of Python 3.11 one listing of such a room sets off two.
_THRESHOLDS = (10_000, 10, 50)


def shorten_pauses() -> None:
    """Let full collections be rare, and pass over what is loaded so far.

    For a program of our own, once it has loaded what it needs; whoever embeds an
    engine decides about their process themselves.  Almost everything here is freed
    without the collector, as soon as nothing refers to it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
