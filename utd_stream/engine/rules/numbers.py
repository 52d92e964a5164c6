"""The numbers of connections: they rise with every mint, over all lives of a name."""

from __future__ import annotations

from datetime import datetime

from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.state import Member

__all__ = ["next_connection"]

# A life that begins in the millisecond in which the last one ended is given higher
# numbers than one member can have been given until then.
_APART = 1_000


def next_connection(draft: Draft, before: Member) -> int:
    """Return the number of the connection that *before* is let in for now.

    It is of a clock that rises, so that the numbers of a forgotten member, or of
    an earlier life, never come back.
    """
    life = draft.room.life
    began = _milliseconds(draft.room.created_at) + _APART if life > 1 else 0
    return max(before.connection + 1, _milliseconds(draft.now), began)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000)
