"""A room whose clock was set back: what lies in the future counts as now.

Graces and deadlines are stored as times of the wall clock, so that they
survive a restart.  A clock that was ahead, and was set right, would let each
wait until it has caught up.  Instead a grace begins anew, and nothing waits
longer than its whole time from now.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from utd_stream.engine.rules.kinds import kind_of
from utd_stream.engine.rules.late import late
from utd_stream.engine.rules.state import Room, Rules

__all__ = ["settled"]


def settled(room: Room, now: datetime, rules: Rules) -> Room:
    """Return *room* with no time later than *now*, but for its deadlines.

    It is the same object unless the clock was set back since the last change.
    """
    if room.as_of is None or room.as_of <= now:
        return room
    return attrs.evolve(
        room,
        **late(room, now, "created_at", "ended_at", "empty_since", "lost_before"),
        as_of=now,
        content=kind_of(room).settled(room.content, now, rules),
    )
