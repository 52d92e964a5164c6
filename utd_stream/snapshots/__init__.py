"""Frozen snapshots and the pure functions that fold facts into them."""

from __future__ import annotations

from utd_stream.snapshots.audio_room import AudioRoomSnapshot
from utd_stream.snapshots.session import SessionSnapshot

__all__ = ["AudioRoomSnapshot", "SessionSnapshot"]
