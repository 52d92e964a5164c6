"""What an occupancy remembers after an event: the updates of its table."""

from __future__ import annotations

import attrs

from utd_stream.machines._occupancy_events import (
    ConnectionEnded,
    ConnectionReplaced,
    MicrophoneOff,
    MicrophoneOn,
    OccupancyData,
    OccupancyEvent,
    RightGranted,
    RightRevoked,
    TakeSeat,
)

__all__ = [
    "asking",
    "asking_starting",
    "ended",
    "granted",
    "granted_settled",
    "granted_starting",
    "next_op",
    "replaced",
    "revoked",
    "revoked_stopping",
    "settled",
    "starting",
    "stopping",
    "switched_off",
    "switched_on",
    "switched_on_starting",
]


def asking(data: OccupancyData, event: TakeSeat) -> OccupancyData:
    """Count a take that somebody waits for."""
    return attrs.evolve(data, op=data.op + 1, waits=True)


def next_op(data: OccupancyData, event: OccupancyEvent) -> OccupancyData:
    """Count the next operation; nobody waits for the old one."""
    return attrs.evolve(data, op=data.op + 1, waits=False)


def asking_starting(data: OccupancyData, event: TakeSeat) -> OccupancyData:
    """Count a take that somebody waits for, and a publication."""
    return starting(asking(data, event), event)


def settled(data: OccupancyData, event: OccupancyEvent) -> OccupancyData:
    """Let go whoever waited for the seat."""
    return attrs.evolve(data, waits=False)


def starting(data: OccupancyData, event: OccupancyEvent) -> OccupancyData:
    """Count a publication."""
    return attrs.evolve(data, publication=data.publication + 1)


def stopping(data: OccupancyData, event: OccupancyEvent) -> OccupancyData:
    """Count the next operation and end the publication."""
    return attrs.evolve(next_op(data, event), publication=data.publication + 1)


def granted(data: OccupancyData, event: RightGranted) -> OccupancyData:
    """Remember the right."""
    return attrs.evolve(data, right=True)


def granted_settled(data: OccupancyData, event: RightGranted) -> OccupancyData:
    """Remember the right, and let go whoever waited."""
    return attrs.evolve(data, right=True, waits=False)


def granted_starting(data: OccupancyData, event: RightGranted) -> OccupancyData:
    """Remember the right, and count a publication."""
    return attrs.evolve(starting(data, event), right=True)


def revoked(data: OccupancyData, event: RightRevoked) -> OccupancyData:
    """Forget the right."""
    return attrs.evolve(data, right=False)


def revoked_stopping(data: OccupancyData, event: RightRevoked) -> OccupancyData:
    """Forget the right, end the publication, let go whoever waited."""
    return attrs.evolve(
        data, right=False, waits=False, publication=data.publication + 1
    )


def replaced(data: OccupancyData, event: ConnectionReplaced) -> OccupancyData:
    """Forget the right and the publication of the old connection."""
    # What the new connection may do is told by the fact that follows.
    return attrs.evolve(data, right=False, publication=data.publication + 1)


def ended(data: OccupancyData, event: ConnectionEnded) -> OccupancyData:
    """Forget all that belonged to the connection."""
    return attrs.evolve(stopping(data, event), right=False)


def switched_on(data: OccupancyData, event: MicrophoneOn) -> OccupancyData:
    """Remember that sound is wanted."""
    return attrs.evolve(data, wanted=True)


def switched_on_starting(data: OccupancyData, event: MicrophoneOn) -> OccupancyData:
    """Remember that sound is wanted, and count a publication."""
    return attrs.evolve(starting(data, event), wanted=True)


def switched_off(data: OccupancyData, event: MicrophoneOff) -> OccupancyData:
    """Remember that none is wanted."""
    return attrs.evolve(data, wanted=False)
