"""Go through every reachable state of calls: ``python -m tests.explore``.

``--most`` bounds how many states of a scene are looked at; by default none are left
out.  The status is 1 where a law is broken, or a planted fault is not found.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from utd_stream.testing.call_laws import END_LAWS, LAWS
from utd_stream.testing.calls import FAULTS, CallWorld, World
from utd_stream.testing.explore import Explored, explore

__all__ = ["FAULTY", "SCENES", "SMALL", "Script", "explored"]

Script = Mapping[str, frozenset[str]]


def _script(**does: str) -> Script:
    """Return what each device's person may do, once each."""
    return {name: frozenset(acts.split(", ")) for name, acts in does.items()}


# What people do, and how much of what is said may be lost.
SMALL: Mapping[str, tuple[Script, int]] = {
    "two devices answer": (_script(ana="dial", phone="answer", desk="answer"), 0),
    "declined on one device": (_script(ana="dial", phone="reject", desk="answer"), 0),
    "given up while dialing": (_script(ana="dial, give up", phone="answer"), 0),
    "given up while answering": (_script(ana="dial", phone="answer, give up"), 0),
    "hung up": (_script(ana="dial, hang up", phone="answer"), 0),
    "removed by the SFU": (_script(ana="dial", phone="answer, removed"), 0),
    "something is lost": (_script(ana="dial", phone="answer"), 1),
}
SCENES: Mapping[str, tuple[Script, int]] = {
    **SMALL,
    "both hang up": (_script(ana="dial, hang up", phone="answer, hang up"), 0),
    "both dial": (_script(ana="dial", phone="dial"), 0),
    "both dial, and hang up": (_script(ana="dial, hang up", phone="dial"), 0),
    "lost while given up": (_script(ana="dial, give up", phone="answer"), 1),
}
# Where each fault of `FAULTS` is found.
FAULTY: Mapping[str, Script] = {
    "no glare rule": _script(ana="dial", phone="dial"),
    "an SFU removal not heard": _script(ana="dial", phone="answer, removed"),
    "no grace for the callee": _script(ana="dial", phone="answer"),
    "granted after the end": _script(ana="dial", phone="answer"),
    "a void that re-sends": _script(ana="dial, give up"),
    "rev order dropped": _script(ana="dial", phone="answer"),
    "a second device left ringing": _script(ana="dial", phone="answer"),
    "a phone never freed": _script(ana="dial, hang up", phone="dial"),
}


def explored(
    acts: Script, losses: int = 0, fault: str = "", most: int | None = None
) -> Explored[World]:
    """Go through a scene."""
    world = CallWorld(fault, scripts=acts, losses=losses)
    return explore(world.first, world.moves, laws=LAWS, at_ends=END_LAWS, most=most)


def main() -> int:
    """Explore, show what was seen, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=None)
    most: int | None = parser.parse_args().most
    console = Console(width=100)
    table = Table(title="calls: two people, one with two devices")
    for column in ("scene", "states", "edges", "ends", "deep", "laws"):
        table.add_column(column, justify="left" if column == "scene" else "right")
    is_right = True
    for name, (acts, losses) in SCENES.items():
        found = explored(acts, losses, most=most)
        is_right &= found.broken is None
        laws = "broken" if found.broken else "hold" if found.is_whole else "so far"
        counts = (found.states, found.edges, found.ends, found.depth)
        table.add_row(name, *(f"{count:,}" for count in counts), laws)
        if found.broken is not None:
            console.print(str(found), markup=False)
    console.print(table)
    for fault, acts in FAULTY.items():
        found = explored(acts, fault=fault, most=most)
        is_right &= found.broken is not None
        said = str(found.broken) if found.broken else f"NOT FOUND in {found}"
        console.print(f"\nplanted: {FAULTS[fault]}\n{said}", markup=False)
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
