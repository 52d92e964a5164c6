"""Hypothesis strategies for fault scripts: what breaks, when, and for how long."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from utd_stream.testing import faults as f
from utd_stream.testing._script import Act, Fault, FaultScript

__all__ = ["fault_scripts", "faults"]

# What needs no time, a webhook, a grace, what a client bears, and what it does not.
_LASTS = st.sampled_from((0.0, 0.5, 3.0, 10.0, 30.0))
# Before the engine hears, within what it bears, and past every token's life.
_SKEWS = st.sampled_from((-3_600.0, -30.0, 30.0, 3_600.0))
_EVENTS = st.sampled_from((None, "participant_joined", "participant_left"))
_DELAYS = st.sampled_from((0.2, 1.0, 4.0))


def faults(room: str, *people: str) -> st.SearchStrategy[Fault]:
    """Return any fault that ends: lines of *people* in *room*, SFU and engine.

    Nobody is killed, since nobody's test can go on with a client that is dead.
    """
    everywhere: list[st.SearchStrategy[Fault]] = [
        st.builds(f.SlowRequests, st.sampled_from((0.1, 0.5))),
        st.builds(f.DropWebhooks, _EVENTS),
        st.builds(f.DelayWebhooks, _DELAYS, _EVENTS),
        st.builds(f.HoldWebhooks, st.booleans(), _EVENTS),
        st.builds(f.DelayGrants, _DELAYS),
        st.just(f.DropGrants()),
        st.just(f.KillEngine()),
        st.just(f.RestartSfu()),
        st.just(f.KillSfu()),
        st.just(f.RefuseRequests()),
        st.builds(f.SkewEngine, _SKEWS),
    ]
    lines = [st.builds(f.CutLine, st.just(room), st.sampled_from(people))]
    return st.one_of(*(lines if people else ()), *everywhere)


def fault_scripts(
    room: str, *people: str, within: int = 60, max_faults: int = 5
) -> st.SearchStrategy[FaultScript]:
    """Return scripts of such faults.

    Args:
        room: Whose lines may break.
        people: Likewise.
        within: When the last of them begins at the latest, in seconds.
        max_faults: How many there are at most.
    """
    act = st.builds(Act, st.integers(0, within), faults(room, *people), _LASTS)
    return st.lists(act, max_size=max_faults).map(_fitting)


def _fitting(acts: Iterable[Act]) -> FaultScript:
    """Return the script of those that overlap none before them."""
    ends: dict[str, float] = {}
    kept: list[Act] = []
    for act in sorted(acts, key=lambda each: each.at):
        if act.at >= ends.get(act.fault.touches, 0):
            ends[act.fault.touches] = act.at + act.lasts
            kept.append(act)
    return FaultScript(kept)
