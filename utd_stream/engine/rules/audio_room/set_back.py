"""The content of an audio room whose clock was set back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar

import attrs

from utd_stream.engine.rules.audio_room.state import AudioRoom, Invite, Request, Seat
from utd_stream.engine.rules.late import late
from utd_stream.engine.rules.state import Rules

__all__ = ["settled"]

_W = TypeVar("_W", Request, Invite)


def settled(content: AudioRoom, now: datetime, rules: Rules) -> AudioRoom:
    """Return *content* with no time later than *now*, but for its deadlines."""
    lapse = now + timedelta(seconds=rules.request_expiry)
    return attrs.evolve(
        content,
        seats=tuple(_seat(seat, now) for seat in content.seats),
        requests=tuple(_waiting(each, now, lapse) for each in content.requests),
        invites=tuple(_waiting(each, now, lapse) for each in content.invites),
    )


def _seat(seat: Seat, now: datetime) -> Seat:
    fields: dict[str, Any] = {}
    if times := late(seat.data, now, "since", "absent_since"):
        fields["data"] = attrs.evolve(seat.data, **times)
    if seat.absence is not None and seat.absence.since > now:
        fields["absence"] = attrs.evolve(seat.absence, since=now)
    return attrs.evolve(seat, **fields) if fields else seat


def _waiting(each: _W, now: datetime, lapse: datetime) -> _W:
    times = late(each.data, now, "created_at") | late(each.data, lapse, "expires_at")
    return attrs.evolve(each, data=attrs.evolve(each.data, **times)) if times else each
