"""What hard mutes take from a member: a pure function of the room and the member.

Source: contract.md section 3, Participants; lessons L64, L66.
"""

from __future__ import annotations

from collections.abc import Iterator

from utd_stream.engine.rules.state import NOT_MUTED, Member, Room
from utd_stream.models.participants import TrackSource

__all__ = ["withdrawn"]

_AUDIO = (TrackSource.MICROPHONE, TrackSource.SCREEN_SHARE_AUDIO)
_VIDEO = (TrackSource.CAMERA, TrackSource.SCREEN_SHARE)


def withdrawn(room: Room, member: Member) -> frozenset[TrackSource]:
    """Return the sources that *member* may not send from, whatever the place gives."""
    return frozenset(_withdrawn(room, member))


def _withdrawn(room: Room, member: Member) -> Iterator[TrackSource]:
    # Moderators are spared by the mute of all, and by no mute of their own.
    everybody = NOT_MUTED if member.role.moderates else room.muted
    mutes = member.muted.over(everybody)
    if mutes.audio:
        yield from _AUDIO
    if mutes.video:
        yield from _VIDEO
