"""Snapshots of mine, and what they are told."""

from __future__ import annotations

from functools import reduce
from typing import Any

from utd_stream.models import room_events as e
from utd_stream.models.participants import (
    LocalParticipant,
    RemoteParticipant,
    TrackKind,
    TrackPublication,
    TrackSource,
)
from utd_stream.snapshots import SessionSnapshot
from utd_stream.snapshots.session import fold_event

__all__ = ["MICROPHONE", "after", "start"]


MICROPHONE = TrackPublication(
    sid="TR_1", kind=TrackKind.AUDIO, source=TrackSource.MICROPHONE
)


def start(*remotes: RemoteParticipant, **local: Any) -> SessionSnapshot:
    """A snapshot of mine."""
    return SessionSnapshot(
        local=LocalParticipant(identity="me", **local), remotes=remotes
    )


def after(snapshot: SessionSnapshot, *told: e.RoomEvent) -> SessionSnapshot:
    """The snapshot after all these events."""
    return reduce(fold_event, told, snapshot)
