"""The end of a room's life, whatever its type."""

from __future__ import annotations

from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.effects import Effect, SyncRoom
from utd_stream.engine.rules.state import Content, Ending
from utd_stream.models.rooms import RoomEndReason

__all__ = ["end_life"]


def end_life(
    draft: Draft, reason: RoomEndReason, content: Content, *said: Effect
) -> None:
    """End the life of the room; everybody is removed.

    Args:
        draft: Of the room.
        reason: Why, for its metadata.
        content: What the room holds afterwards.
        said: What is told before it is closed.
    """
    draft.change(
        ended_at=draft.now,
        ending=Ending(by=draft.actor.identity, reason=reason),
        empty_since=None,
        owner=None,
        content=content,
        lost_before=None,
    )
    draft.end_with(*said, SyncRoom())
