"""The content of an audio room under change.

Every change of a seat goes through `fire`, which keeps what belongs together:
the shown name moves with the occupant (L13), an absence ends with the
occupancy, and effects become rows of the outbox.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import attrs

from utd_stream.engine.rules.audio_room.state import (
    Absence,
    Invite,
    Request,
    Seat,
    audio_room,
)
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.effects import SyncParticipant
from utd_stream.errors import (
    ConflictError,
    EngineError,
    InvalidRequestError,
    PermissionDeniedError,
    RefusedError,
)
from utd_stream.machines.request import RequestState
from utd_stream.machines.seat import SEAT, Absent, Reassert, SeatEvent, SeatState

__all__ = [
    "change",
    "change_seat",
    "fire",
    "first_free",
    "put_invite",
    "put_request",
    "refusal",
    "seat_at",
    "wait_for",
]

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


# Reading.


def seat_at(draft: Draft, index: int, path: str = "$.index") -> Seat:
    """Return a seat.

    Raises:
        InvalidRequestError: If the grid has no such seat.
    """
    seats = audio_room(draft.room).seats
    if not 0 <= index < len(seats):
        message = f"must be from 0 to {len(seats) - 1}"
        raise InvalidRequestError.at((path, message))
    return seats[index]


def first_free(draft: Draft) -> int | None:
    """Return the first seat that is free, unlocked and unreserved (L29)."""
    for index, seat in enumerate(audio_room(draft.room).seats):
        if seat.state is SeatState.FREE:
            return index
    return None


# Changing.


def change(draft: Draft, **fields: Any) -> None:
    """Replace fields of the content; equal ones leave it the same object."""
    draft.change(content=attrs.evolve(audio_room(draft.room), **fields))


def put_request(draft: Draft, request: Request) -> None:
    """Add or replace a request; one that nobody answered is forgotten.

    Of those there is no end: who asks and takes it back can do so again.
    """
    kept = [r for r in audio_room(draft.room).requests if r.id != request.id]
    if request.state not in _UNANSWERED:
        kept.append(request)
    change(draft, requests=tuple(sorted(kept, key=lambda r: r.id)))


def put_invite(draft: Draft, invite: Invite) -> None:
    """Add or replace an invitation."""
    kept = [i for i in audio_room(draft.room).invites if i.id != invite.id]
    change(draft, invites=tuple(sorted([*kept, invite], key=lambda i: i.id)))


def change_seat(draft: Draft, index: int, **fields: Any) -> None:
    """Replace fields of a seat."""
    seats = list(audio_room(draft.room).seats)
    seats[index] = attrs.evolve(seats[index], **fields)
    change(draft, seats=tuple(seats))


def fire(draft: Draft, index: int, event: SeatEvent) -> None:
    """Let a seat take *event*.

    Raises:
        ConflictError: If its table refuses.
        PermissionDeniedError: If it refuses as forbidden.
    """
    seat = audio_room(draft.room).seats[index]
    try:
        step = SEAT.step(seat.state, seat.data, event)
    except RefusedError as error:
        held_for = seat.data.reserved_for
        details = {"reserved_for": held_for} if held_for else {}
        raise refusal(error, **details) from error
    fields: dict[str, Any] = {"state": step.state, "data": step.data}
    come = step.data.occupant
    if seat.data.occupant != come:
        shown = draft.members.get(come) if come else None
        fields["name"] = shown.name if shown else None
        fields["attributes"] = shown.attributes if shown else MappingProxyType({})
        fields["absence"] = None
        fields["grant"] = 0
    change_seat(draft, index, **fields)
    for effect in step.effects:
        if isinstance(effect, Reassert):
            draft.effect(SyncParticipant(effect.identity))
        else:
            draft.touch(effect.identity)


def wait_for(
    draft: Draft, identity: str, grace: float, absence: Absence | None = None
) -> None:
    """Let the seat of somebody who is not seen wait for *grace* seconds.

    An absence that goes on keeps its beginning and its grace, also that of
    another seat, which is *absence*.
    """
    content = audio_room(draft.room)
    index = content.index_of(identity)
    if index is None:
        return
    absence = content.seats[index].absence or absence
    absence = absence or Absence(since=draft.now, grace=grace)
    fire(draft, index, Absent(absence.since))
    change_seat(draft, index, absence=absence)
