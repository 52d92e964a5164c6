"""A room under change: one command's work before it is committed.

A draft is made and finished inside one decision, so the decision stays pure.
Every change of a seat goes through `fire`, which keeps what belongs together:
the shown name moves with the occupant (L13), an absence ends with the
occupancy, and effects become rows of the outbox.
"""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from typing import Any

import attrs

from utd_stream.engine.rules.commands import Actor
from utd_stream.engine.rules.effects import (
    Effect,
    SyncMetadata,
    SyncParticipant,
)
from utd_stream.engine.rules.grants import permission, room_metadata, speaks
from utd_stream.engine.rules.set_back import settled
from utd_stream.engine.rules.state import (
    Absence,
    Invite,
    Member,
    Request,
    Room,
    Rules,
    Seat,
)
from utd_stream.errors import (
    ConflictError,
    EngineError,
    InvalidRequestError,
    PermissionDeniedError,
    RefusedError,
)
from utd_stream.machines.invitation import InvitationState
from utd_stream.machines.request import RequestState
from utd_stream.machines.seat import (
    SEAT,
    Absent,
    Reassert,
    SeatEvent,
    SeatState,
)
from utd_stream.models.seats import UTDSeatGrid

__all__ = ["NO_GRID", "Draft", "refusal"]

# Stands in an answer until the draft is finished and the grid has its revision.
NO_GRID = UTDSeatGrid()


# No seat, request or invitation encodes to more, nor does what stands beside
# them: a picture of control characters has six bytes for each.  Below the
# limit nothing has to be encoded to know that it fits.
_MOST_BYTES_EACH = 2_500

_UNANSWERED = frozenset({RequestState.CANCELLED, RequestState.EXPIRED})

_SAID = {
    "forbidden": "in this room seats are given on request: ask to speak first",
    "seat_taken": "the seat is taken or reserved: choose another one",
    "seat_locked": "the seat is locked: choose another one, or have it unlocked",
    "conflict": "no seat is free: unlock one, or free one, and try again",
    "settled": "somebody answered first",
}


def refusal(error: RefusedError, **details: Any) -> EngineError:
    """Return the answer that a refusal of a table stands for."""
    kind = PermissionDeniedError if error.code == "forbidden" else ConflictError
    return kind(_SAID[error.code], code=error.code, details=details)


class Draft:
    """One room while a command is decided."""

    def __init__(self, room: Room, actor: Actor, now: datetime, rules: Rules) -> None:
        self.room: Room = settled(room, now, rules)
        self.actor = actor
        self.now = now
        self.rules = rules
        self._before = room
        self._effects: dict[Effect, None] = {}
        self._touched: dict[str, None] = {}
        self._unseated: dict[str, None] = {}

    # Reading.

    def seat(self, index: int, path: str = "$.index") -> Seat:
        """Return a seat.

        Raises:
            InvalidRequestError: If the grid has no such seat.
        """
        count = len(self.room.seats)
        if not 0 <= index < count:
            message = f"must be from 0 to {count - 1}"
            raise InvalidRequestError.at((path, message))
        return self.room.seats[index]

    def first_free(self) -> int | None:
        """Return the first seat that is free, unlocked and unreserved (L29)."""
        for index, seat in enumerate(self.room.seats):
            if seat.state is SeatState.FREE:
                return index
        return None

    # Changing.

    def change(self, **fields: Any) -> None:
        """Replace fields of the room; equal ones leave it the same object."""
        if any(getattr(self.room, name) != value for name, value in fields.items()):
            self.room = attrs.evolve(self.room, **fields)

    def change_member(self, identity: str, **fields: Any) -> None:
        """Replace fields of a member."""
        member = self.room.members[identity]
        self.put_member(attrs.evolve(member, **fields))

    def put_member(self, member: Member) -> None:
        """Add or replace a member."""
        if self.room.members.get(member.identity) != member:
            members = {**self.room.members, member.identity: member}
            self.change(members=MappingProxyType(members))

    def put_request(self, request: Request) -> None:
        """Add or replace a request; one that nobody answered is forgotten.

        Of those there is no end: who asks and takes it back can do so again.
        """
        kept = [r for r in self.room.requests if r.id != request.id]
        if request.state not in _UNANSWERED:
            kept.append(request)
        self.change(requests=tuple(sorted(kept, key=lambda r: r.id)))

    def put_invite(self, invite: Invite) -> None:
        """Add or replace an invitation."""
        kept = [i for i in self.room.invites if i.id != invite.id]
        self.change(invites=tuple(sorted([*kept, invite], key=lambda i: i.id)))

    def take_id(self) -> int:
        """Return an id not used before, while the name of the room is remembered."""
        number = self.room.next_id
        self.change(next_id=number + 1)
        return number

    def fire(self, index: int, event: SeatEvent) -> None:
        """Let a seat take *event*.

        Raises:
            ConflictError: If its table refuses.
            PermissionDeniedError: If it refuses as forbidden.
        """
        seat = self.room.seats[index]
        try:
            step = SEAT.step(seat.state, seat.data, event)
        except RefusedError as error:
            held_for = seat.data.reserved_for
            details = {"reserved_for": held_for} if held_for else {}
            raise refusal(error, **details) from error
        after = attrs.evolve(seat, state=step.state, data=step.data)
        gone, come = seat.data.occupant, step.data.occupant
        if gone != come:
            shown = self.room.members.get(come) if come else None
            after = attrs.evolve(
                after,
                grant=0,
                name=shown.name if shown else None,
                attributes=shown.attributes if shown else MappingProxyType({}),
            )
        seats = list(self.room.seats)
        seats[index] = after
        self.change(seats=tuple(seats))
        if gone is not None and gone != come:
            self._unseated[gone] = None
        for effect in step.effects:
            if isinstance(effect, Reassert):
                self.effect(SyncParticipant(effect.identity))
            else:
                self._touched[effect.identity] = None

    def wait_for(self, identity: str, grace: float) -> None:
        """Let the seat of somebody who is not seen wait for *grace* seconds.

        An absence that goes on keeps its beginning and its grace, also on
        another seat.
        """
        index = self.room.seat_index_of(identity)
        if index is None:
            return
        absence = self.room.members[identity].absence
        absence = absence or Absence(since=self.now, grace=grace)
        self.fire(index, Absent(absence.since))
        self.change_member(identity, absence=absence)

    def effect(self, effect: Effect) -> None:
        """Call for *effect*, once."""
        self._effects[effect] = None

    def end_with(self, *effects: Effect) -> None:
        """Call for *effects* alone: the room goes, and all of it with it."""
        self._effects = dict.fromkeys(effects)
        self._touched.clear()
        self._unseated.clear()

    # Finishing.

    def finish(self) -> tuple[Room, tuple[Effect, ...]]:
        """Return the room as it is to be committed, and the effects.

        Raises:
            InvalidRequestError: If its metadata would be too large for the SFU.
        """
        for identity in self._unseated:
            if self.room.seat_index_of(identity) is None:
                self.change_member(identity, absence=None)
        for identity in self._touched:
            self._number_right(identity)
            # Rights are rewritten only where they change (L27, T2).
            if permission(self._before, identity) != permission(self.room, identity):
                self.effect(SyncParticipant(identity))
        if _visibly_differs(self._before, self.room):
            self.change(rev=self.room.rev + 1)
            self._check_size()
        if _facts(self._before) != _facts(self.room):
            self.change(metadata_rev=self.room.metadata_rev + 1)
            # A room that begins is created with its metadata.
            if self.room.is_live and self._before.is_live:
                self.effect(SyncMetadata())
        if self.room is not self._before:
            self.change(version=self._before.version + 1, as_of=self.now)
        return self.room, tuple(self._effects)

    def _number_right(self, identity: str) -> None:
        """Give a right that begins its number; one that goes on keeps its own."""
        index = self.room.seat_index_of(identity)
        if index is None:
            return
        grant = 0
        if speaks(self.room, identity):
            before = self._before.seat_index_of(identity)
            if before is not None and speaks(self._before, identity):
                grant = self._before.seats[before].grant
            else:
                grant = self.room.next_grant
                self.change(next_grant=grant + 1)
        seats = list(self.room.seats)
        seats[index] = attrs.evolve(seats[index], grant=grant)
        self.change(seats=tuple(seats))

    def _check_size(self) -> None:
        room = self.room
        waiting = sum(r.state is RequestState.PENDING for r in room.requests)
        invited = sum(i.state is InvitationState.PENDING for i in room.invites)
        count = len(room.seats) + waiting + invited + 1
        limit = self.rules.max_metadata_bytes
        if count * _MOST_BYTES_EACH <= limit:
            return
        if len(room_metadata(room).encode()) > limit:
            message = (
                f"the room's metadata would pass {limit} bytes; "
                "settle invitations or shrink the grid first"
            )
            raise InvalidRequestError.at(("$", message))


def _facts(room: Room) -> tuple[object, ...]:
    """Return what the room's metadata shows, but for its own revision."""
    return room.rev, room.type, room.owner, room.ending


def _visibly_differs(before: Room, after: Room) -> bool:
    if before is after:
        return False
    if (before.seat_mode, before.mode_id) != (after.seat_mode, after.mode_id):
        return True
    if before.seats is not after.seats:
        if len(before.seats) != len(after.seats):
            return True
        pairs = zip(before.seats, after.seats, strict=True)
        if any(old is not new and old.shown != new.shown for old, new in pairs):
            return True
    return _waiting(before) != _waiting(after)


def _waiting(room: Room) -> tuple[list[int], list[int]]:
    return (
        [r.id for r in room.requests if r.state is RequestState.PENDING],
        [i.id for i in room.invites if i.state is InvitationState.PENDING],
    )
