"""What a session of an audio room knows beside what every session does.

What the machines must hear of a change is derived here, purely, from two
snapshots: my seat came, moved, was muted or went, my right came or went.
"""

from __future__ import annotations

import attrs

from utd_stream.machines.occupancy import (
    ConnectionEnded,
    OccupancyEvent,
    RightGranted,
    RightRevoked,
    SeatConfirmed,
    SeatLost,
    SeatMoved,
    SeatMuted,
)
from utd_stream.models.rooms import SeatOccupancy, UTDConnectionState
from utd_stream.models.seats import Invitation, SpeakerRequest, UTDSeat, UTDSeatGrid
from utd_stream.snapshots.session import (
    GONE,
    SessionSnapshot,
    can_publish_microphone,
    changed,
)

__all__ = [
    "AudioRoomSnapshot",
    "fold_grid",
    "may_have_been_silenced",
    "my_invitation",
    "my_seat",
    "my_seat_index",
    "occupancy_facts",
    "speaker_requests",
]

_PRESENT = frozenset({UTDConnectionState.CONNECTED, UTDConnectionState.RECONNECTING})
# Older than every grid an engine tells.
_NO_GRID = UTDSeatGrid(rev=-1)


@attrs.frozen(kw_only=True)
class AudioRoomSnapshot(SessionSnapshot):
    """What a session of an audio room knows.

    Attributes:
        grid: The newest grid the engine told, by its revision.
        occupancy: Where my own seat and microphone stand.
    """

    grid: UTDSeatGrid = _NO_GRID
    occupancy: SeatOccupancy = SeatOccupancy.LISTENING

    @property
    def standing(self) -> str:
        """Where connection and seat stand."""
        return f"{super().standing}, {self.occupancy.value}"


def fold_grid(snapshot: AudioRoomSnapshot, grid: UTDSeatGrid) -> AudioRoomSnapshot:
    """Return the snapshot after *grid* was told; an older one is ignored."""
    if grid.rev <= snapshot.grid.rev:
        return snapshot
    return changed(snapshot, grid=grid)


def my_seat(snapshot: AudioRoomSnapshot) -> UTDSeat | None:
    """Return the seat I sit on, or None; without a connection there is none."""
    if snapshot.connection_state not in _PRESENT:
        return None
    return snapshot.grid.seat_of(snapshot.local.identity)


def my_seat_index(snapshot: AudioRoomSnapshot) -> int | None:
    """Return the index of the seat I sit on, or None."""
    seat = my_seat(snapshot)
    return None if seat is None else seat.seat_index


def my_invitation(snapshot: AudioRoomSnapshot) -> Invitation | None:
    """Return the invitation that waits for me, or None."""
    for invitation in snapshot.grid.invitations:
        if invitation.identity == snapshot.local.identity:
            return invitation
    return None


def speaker_requests(snapshot: AudioRoomSnapshot) -> tuple[SpeakerRequest, ...]:
    """Return who waits for a moderator's answer, from the engine's own list (L3)."""
    return snapshot.grid.requests


def occupancy_facts(
    before: AudioRoomSnapshot, after: AudioRoomSnapshot
) -> tuple[OccupancyEvent, ...]:
    """Return what the occupancy machine must hear of a change."""
    facts: list[OccupancyEvent] = []
    if before.local.permission is not after.local.permission:
        could, can = can_publish_microphone(before), can_publish_microphone(after)
        if can and not could:
            facts.append(RightGranted())
        if could and not can:
            facts.append(RightRevoked())
    if after.connection_state in GONE:
        return () if before.connection_state in GONE else (ConnectionEnded(),)
    if (before.grid, before.connection_state) != (after.grid, after.connection_state):
        facts += _seat_facts(my_seat(before), my_seat(after))
    return tuple(facts)


def may_have_been_silenced(snapshot: AudioRoomSnapshot, rev: int) -> bool:
    """Whether my right may have gone and come back since the grid's revision *rev*.

    Who resumes sees only the right of now; the SFU has taken the track away with
    the one before, and tells its owner nothing (T24).  To lose a right and to get
    it back takes two revisions.
    """
    is_heard = snapshot.occupancy is SeatOccupancy.SPEAKING
    return (
        is_heard and can_publish_microphone(snapshot) and snapshot.grid.rev >= rev + 2
    )


def _seat_facts(
    before: UTDSeat | None, after: UTDSeat | None
) -> tuple[OccupancyEvent, ...]:
    if after is None:
        return () if before is None else (SeatLost(),)
    if before is None:
        return (SeatConfirmed(speaks=not after.muted),)
    facts: list[OccupancyEvent] = []
    if before.seat_index != after.seat_index:
        facts.append(SeatMoved())
    if after.muted and not before.muted:
        facts.append(SeatMuted())
    return tuple(facts)
