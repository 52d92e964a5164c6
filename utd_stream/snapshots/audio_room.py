"""What a session of an audio room knows beside what every session does.

What the machines must hear of a change is derived here, purely, from two
snapshots: my seat came, was muted or went, my right came or went.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from utd_stream.machines.place import Confirmed, ConnectionEnded, Lost
from utd_stream.machines.track import RightGranted, RightRevoked, Silenced
from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import SeatOccupancy, UTDConnectionState
from utd_stream.models.seats import Invitation, SpeakerRequest, UTDSeat, UTDSeatGrid
from utd_stream.snapshots.session import (
    GONE,
    SessionSnapshot,
    changed,
    grant_of,
    muted_sources,
)

__all__ = [
    "AudioRoomSnapshot",
    "fold_grid",
    "forget_grid",
    "mute_facts",
    "my_invitation",
    "my_seat",
    "my_seat_index",
    "right_facts",
    "right_of",
    "seat_facts",
    "sending_facts",
    "speaker_requests",
]

RightFact: TypeAlias = RightGranted | RightRevoked
SeatFact: TypeAlias = Confirmed | Lost | ConnectionEnded | Silenced

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


def forget_grid(snapshot: AudioRoomSnapshot) -> AudioRoomSnapshot:
    """Return the snapshot before any grid was told."""
    return changed(snapshot, grid=_NO_GRID)


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


def sending_facts(
    before: AudioRoomSnapshot, after: AudioRoomSnapshot
) -> tuple[SeatFact | RightFact, ...]:
    """Return what my place and my tracks must hear of a change."""
    return (*right_facts(before, after), *seat_facts(before, after))


def right_facts(
    before: AudioRoomSnapshot, after: AudioRoomSnapshot
) -> tuple[RightFact, ...]:
    """Return what a change means for the right to send from the microphone."""
    if after.connection_state in GONE:
        return ()  # it went with the connection
    if (
        before.local is after.local
        and before.grid is after.grid
        and before.connection_state is after.connection_state
        and before.role is after.role
        and before.muted_for_all == after.muted_for_all
    ):
        return ()
    source = TrackSource.MICROPHONE
    had, has = right_of(before, source), right_of(after, source)
    is_muted = source in muted_sources(after)
    if had == has:
        # A mute may be told after the right that it took.
        is_told_late = has is None and is_muted and source not in muted_sources(before)
        return (RightRevoked(source, agreed=False),) if is_told_late else ()
    revoked = () if had is None else (RightRevoked(source, agreed=not is_muted),)
    return revoked if has is None else (*revoked, RightGranted(source))


def right_of(snapshot: AudioRoomSnapshot, source: TrackSource) -> int | None:
    """Return the number of my right to send from *source*, or None.

    The SFU shows the source as allowed, and my metadata shows the number of the
    right that came with my seat, or a later one.  With a lower number it is the
    right of a seat before, which the engine is about to take away.  An engine
    that numbers no rights shows 0 in both places.
    """
    if not snapshot.local.permission.may_publish(source):
        return None
    number = grant_of(snapshot.local.metadata)
    seat = my_seat(snapshot)
    return None if seat is not None and number < seat.grant else number


def mute_facts(snapshot: AudioRoomSnapshot) -> tuple[RightRevoked, ...]:
    """Return what my microphone must hear if a moderator took it from me.

    That I agreed to be heard ends with it: to be unmuted opens nothing.
    """
    source = TrackSource.MICROPHONE
    is_muted = source in muted_sources(snapshot)
    return (RightRevoked(source, agreed=False),) if is_muted else ()


def seat_facts(
    before: AudioRoomSnapshot, after: AudioRoomSnapshot
) -> tuple[SeatFact | RightFact, ...]:
    """Return what a change means for my seat."""
    if after.connection_state in GONE:
        return () if before.connection_state in GONE else (ConnectionEnded(),)
    if before.grid is after.grid and before.connection_state is after.connection_state:
        return ()
    had, has = my_seat(before), my_seat(after)
    if has is None:
        return () if had is None else (Lost(),)
    if had is None:
        muted = mute_facts(after)
        return (Confirmed(speaks=not (has.muted or muted)), *muted)
    if has.muted and not had.muted:
        return (Silenced(TrackSource.MICROPHONE),)
    return ()
