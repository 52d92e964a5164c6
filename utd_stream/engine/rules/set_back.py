"""A room whose clock was set back: what lies in the future counts as now.

Graces and deadlines are stored as times of the wall clock, so that they
survive a restart.  A clock that was ahead, and was set right, would let each
wait until it has caught up.  Instead a grace begins anew, and nothing waits
longer than its whole time from now.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeVar

import attrs

from utd_stream.engine.rules.state import Invite, Member, Request, Room, Rules, Seat

__all__ = ["settled"]

_W = TypeVar("_W", Request, Invite)


def settled(room: Room, now: datetime, rules: Rules) -> Room:
    """Return *room* with no time later than *now*, but for its deadlines.

    It is the same object unless the clock was set back since the last change.
    """
    if room.as_of is None or room.as_of <= now:
        return room
    lapse = now + timedelta(seconds=rules.request_expiry)
    return attrs.evolve(
        room,
        **_late(room, now, "created_at", "ended_at", "empty_since"),
        as_of=now,
        seats=tuple(_seat(seat, now) for seat in room.seats),
        requests=tuple(_waiting(each, now, lapse) for each in room.requests),
        invites=tuple(_waiting(each, now, lapse) for each in room.invites),
        members=MappingProxyType(
            {name: _member(each, now) for name, each in room.members.items()}
        ),
    )


def _late(value: object, limit: datetime, *names: str) -> dict[str, Any]:
    """Return *limit* under each of *names* under which *value* has a later time."""
    times: dict[str, datetime | None] = {name: getattr(value, name) for name in names}
    return {name: limit for name, at in times.items() if at is not None and at > limit}


def _seat(seat: Seat, now: datetime) -> Seat:
    late = _late(seat.data, now, "since", "absent_since")
    return attrs.evolve(seat, data=attrs.evolve(seat.data, **late)) if late else seat


def _waiting(each: _W, now: datetime, lapse: datetime) -> _W:
    late = _late(each.data, now, "created_at") | _late(each.data, lapse, "expires_at")
    return attrs.evolve(each, data=attrs.evolve(each.data, **late)) if late else each


def _member(member: Member, now: datetime) -> Member:
    late = _late(member, now, "seen_at", "left_at")
    if member.joined_at is not None and member.joined_at > now:
        # It is the SFU's time, whose clock was set back as well: to compare
        # the next connection with it would take that for an older one.
        late["joined_at"] = None
    if member.absence is not None and member.absence.since > now:
        late["absence"] = attrs.evolve(member.absence, since=now)
    return attrs.evolve(member, **late) if late else member
