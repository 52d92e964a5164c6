"""Which rooms need a closer look, as a list of the SFU's rooms shows."""

from __future__ import annotations

from utd_stream.engine.rules.grants import metadata_revision
from utd_stream.engine.rules.state import Room
from utd_stream.ports import SfuRoom

__all__ = ["is_conspicuous"]


def is_conspicuous(
    listed: SfuRoom | None, known: Room | None, connected: int, sid: str | None
) -> bool:
    """Whether the SFU shows a live room otherwise than the engine knows it.

    Args:
        listed: As the SFU lists it; None if it has no such room.
        known: As committed; None if it is not remembered.
        connected: How many of its members are known to be connected.
        sid: Of the SFU's room when it was listed before, or None.
    """
    if listed is None:
        # The SFU closes a room that nobody is in, and its end comes in time.
        return known is None or known.empty_since is None
    if sid is not None and sid != listed.sid:
        return True
    if known is None:
        return False
    shown = metadata_revision(listed.metadata)
    if shown is None or shown < known.metadata_rev:
        return True
    return listed.num_participants != connected
