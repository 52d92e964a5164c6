"""Who went from a room, and for how long a seat waits for them.

Kept from what the engine is told, and read a second time from the rules: it
shares nothing with the engine.

Source: contract.md section 5, Rooms, Departure; trap T25.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from utd_stream.engine.rules import Command
from utd_stream.engine.rules import commands as c
from utd_stream.models.rooms import DisconnectReason
from utd_stream.models.seats import UTDSeatGrid

__all__ = ["Departures"]

_AT_ONCE = frozenset(
    {DisconnectReason.PARTICIPANT_REMOVED, DisconnectReason.ROOM_DELETED}
)
_GOODBYE = timedelta(seconds=2)
_GRACE = timedelta(seconds=15)
_EMPTY = timedelta(seconds=300)


class Departures:
    """What an engine has heard of comings and goings."""

    def __init__(self) -> None:
        self._sids: dict[str, str] = {}  # of those who are there
        # Until when a seat waits for those who are not; None: for a listing.
        self._until: dict[str, datetime | None] = {}
        self._stirred_at: datetime | None = None

    def may_lose(self, command: Command, now: datetime) -> frozenset[str]:
        """Return whom a fact may cost the seat, and nobody else."""
        match command:
            case c.MemberLeft(identity=who, reason=reason) if reason in _AT_ONCE:
                return frozenset({who} if self._counts(command) else ())
            case c.MembersListed(participants=listed):
                there = {each.identity for each in listed}
                over = {who for who, end in self._until.items() if end and end <= now}
                return frozenset(over - there)
            case _:
                return frozenset()

    def judged(
        self, command: Command, grid: UTDSeatGrid, now: datetime
    ) -> Iterator[str]:
        """Yield what is broken in *grid*, which *command* led to."""
        for who in self.may_lose(command, now):
            if grid.seat_of(who) is not None:
                yield f"{who} is gone and keeps the seat"

    def judged_end(self, command: Command, now: datetime) -> Iterator[str]:
        """Yield what is broken if *command* ends the room."""
        if isinstance(command, c.MembersListed):
            busy = self._stirred_at is not None and now < self._stirred_at + _EMPTY
            if busy or command.participants:
                yield "the room ended and was not empty for long enough"

    def note(
        self, command: Command, before: UTDSeatGrid, after: UTDSeatGrid, now: datetime
    ) -> None:
        """Take what the engine was told, and what it made of it."""
        match command:
            case c.Enter():
                self._stirred_at = now
            case c.MemberJoined(participant=someone):
                self._sids[someone.identity] = someone.sid
                self._until.pop(someone.identity, None)
                self._stirred_at = now
            case c.MemberLeft(identity=who, reason=reason) if self._counts(command):
                del self._sids[who]
                self._until[who] = _waits(reason, now)
                self._stirred_at = now
            case c.MembersListed(participants=listed):
                there = {each.identity for each in listed}
                for who in {*self._sids, *self._until} - there:
                    self._sids.pop(who, None)
                    self._until[who] = self._until.get(who) or now + _GRACE
            case _:
                pass
        for seat in after.seats:
            sitting = seat.occupant_identity
            if sitting in self._until:
                old = before.seat_of(sitting)
                is_new = old is None or old.seat_index != seat.seat_index
                # One who is waited for already is not waited for longer.
                if old is None or (is_new and self._until[sitting] is None):
                    self._until[sitting] = now + _GRACE

    def _counts(self, left: c.MemberLeft) -> bool:
        return self._sids.get(left.identity) == left.sid


def _waits(reason: DisconnectReason, now: datetime) -> datetime | None:
    if reason is DisconnectReason.DUPLICATE_IDENTITY:
        return None
    return now + (_GOODBYE if reason is DisconnectReason.CLIENT_INITIATED else _GRACE)
