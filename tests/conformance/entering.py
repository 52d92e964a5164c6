"""Requests for tokens, as an app without the SDK's `join` would make them."""

from __future__ import annotations

from tests.world import ROOM
from utd_stream.contract.fields import Identity, RoomOrCall, SeatCount
from utd_stream.contract.requests import TokenRequest
from utd_stream.models import UTDRole, UTDStreamType

__all__ = ["entering"]


def entering(
    identity: str, *, resume: bool = False, seat_count: int | None = None
) -> TokenRequest:
    """Return a request to enter; who seeds the grid asks to be host."""
    return TokenRequest(
        type=UTDStreamType.AUDIO_ROOM,
        room_name=RoomOrCall(ROOM),
        identity=Identity(identity),
        resume=resume,
        role=None if seat_count is None else UTDRole.HOST,
        seat_count=None if seat_count is None else SeatCount(seat_count),
    )
