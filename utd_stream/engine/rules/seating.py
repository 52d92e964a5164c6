"""The grid: commands that fire rows of several seats within one commit.

One person sits on one seat, one seat has one person: what spans seats stands
here, what concerns one seat in its machine.

Source: contract.md section 3, Seats; lessons L13, L15, L27-L29.
"""

from __future__ import annotations

from utd_stream.contract.answers import SeatAnswer, SeatedAnswer
from utd_stream.engine.rules import waiting
from utd_stream.engine.rules.authority import check_acts_on, hosts, moderates
from utd_stream.engine.rules.commands import (
    KickFromSeat,
    LockSeat,
    MoveSeat,
    MuteSeat,
    SetupSeats,
    SwapSeats,
    TakeSeat,
    UnlockSeat,
    UnmuteSeat,
)
from utd_stream.engine.rules.draft import NO_GRID, Draft
from utd_stream.engine.rules.grants import speaks
from utd_stream.engine.rules.state import Seat
from utd_stream.errors import ConflictError, InvalidRequestError
from utd_stream.machines.seat import (
    Dropped,
    Kick,
    Lock,
    MovedAway,
    Mute,
    Replaced,
    Seated,
    SeatEvent,
    SeatState,
    Take,
    Unlock,
    Unmute,
    Vacated,
)
from utd_stream.models.rooms import SeatMode

__all__ = [
    "act_on_seat",
    "answer",
    "leave",
    "move",
    "seat_member",
    "seated_answer",
    "setup",
    "swap",
    "take",
    "vacate",
]


def answer(draft: Draft) -> SeatAnswer:
    """Return what a seat write answers; the grid is filled in at the end."""
    return SeatAnswer(rev=draft.room.rev, grid=NO_GRID)


def seated_answer(
    draft: Draft,
    identity: str,
    *,
    request_id: int | None = None,
    invitation_id: int | None = None,
) -> SeatedAnswer:
    """Return what a command that seated *identity* answers."""
    index = draft.room.seat_index_of(identity)
    assert index is not None  # noqa: S101 -- the command just seated them
    return SeatedAnswer(
        rev=draft.room.rev,
        grid=NO_GRID,
        seat_index=index,
        speaks=speaks(draft.room, identity),
        request_id=request_id,
        invitation_id=invitation_id,
        # Who takes or accepts a seat knows for whom.
        identity=identity if request_id is not None else None,
    )


def take(draft: Draft, identity: str, command: TakeSeat) -> SeatedAnswer:
    """Sit down by one's own will; one who sits there already has done so."""
    draft.seat(command.index)
    may = draft.room.seat_mode is SeatMode.FREE or moderates(draft.room, draft.actor)
    event = Take(identity, draft.now, may)
    if draft.room.seat_index_of(identity) == command.index:
        draft.fire(command.index, event)
    else:
        _check_not_seated(draft, identity)
        _sit(draft, command.index, identity, event)
    return seated_answer(draft, identity)


def seat_member(draft: Draft, identity: str, index: int) -> None:
    """Put *identity* on a seat; does nothing if they sit there already."""
    if draft.room.seat_index_of(identity) == index:
        return
    _check_not_seated(draft, identity)
    _sit(draft, index, identity, Seated(identity, draft.now))


def leave(draft: Draft, identity: str) -> SeatAnswer:
    """Stand up; nothing happens to who sits nowhere."""
    vacate(draft, identity)
    return answer(draft)


def vacate(draft: Draft, identity: str) -> None:
    """Free the seat of *identity*, if there is one."""
    index = draft.room.seat_index_of(identity)
    if index is not None:
        draft.fire(index, Vacated())


def move(draft: Draft, identity: str, command: MoveSeat) -> SeatAnswer:
    """Sit down elsewhere, in one change; a lost race leaves the old seat."""
    draft.seat(command.target, "$.target_seat")
    index = draft.room.seat_index_of(identity)
    if index is None:
        message = "not seated: take a seat instead"
        raise ConflictError(message)
    if index != command.target:
        draft.fire(index, MovedAway())
        _sit(draft, command.target, identity, Seated(identity, draft.now))
    return answer(draft)


def swap(draft: Draft, command: SwapSeats) -> SeatAnswer:
    """Exchange the occupants of two seats; mutes stay with the seats."""
    a, b = draft.seat(command.a, "$.a"), draft.seat(command.b, "$.b")
    if command.a == command.b:
        message = "must differ from a"
        raise InvalidRequestError.at(("$.b", message))
    for seat in (a, b):
        _check_open(seat)
        check_acts_on(draft.room, draft.actor, seat.data.occupant)
    one, other = a.data.occupant, b.data.occupant
    if one is None and other is None:
        message = "both seats are free: there is nobody to swap"
        raise ConflictError(message)
    if one is not None and other is not None:
        draft.fire(command.a, Replaced(other, draft.now))
        draft.fire(command.b, Replaced(one, draft.now))
    elif one is not None:
        draft.fire(command.a, MovedAway())
        draft.fire(command.b, Seated(one, draft.now))
    elif other is not None:
        draft.fire(command.b, MovedAway())
        draft.fire(command.a, Seated(other, draft.now))
    for identity in (one, other):
        if identity is not None:
            _await_if_absent(draft, identity)
    return answer(draft)


_ACTS: dict[type, SeatEvent] = {
    KickFromSeat: Kick(),
    LockSeat: Lock(),
    UnlockSeat: Unlock(),
    MuteSeat: Mute(),
    UnmuteSeat: Unmute(),
}


def act_on_seat(
    draft: Draft,
    command: KickFromSeat | LockSeat | UnlockSeat | MuteSeat | UnmuteSeat,
) -> SeatAnswer:
    """Do what a moderator does to one seat."""
    seat = draft.seat(command.index)
    check_acts_on(draft.room, draft.actor, seat.data.occupant)
    draft.fire(command.index, _ACTS[type(command)])
    return answer(draft)


def setup(draft: Draft, command: SetupSeats) -> SeatAnswer:
    """Change size, mode and layout; the size at once (L15)."""
    if hosts(draft.room, draft.actor):
        draft.change(configured=True)
    if command.seat_count is not None:
        _resize(draft, command.seat_count)
    if command.mode_id is not None:
        draft.change(mode_id=command.mode_id)
    if command.seat_mode is not None and command.seat_mode != draft.room.seat_mode:
        draft.change(seat_mode=command.seat_mode)
        if command.seat_mode is SeatMode.FREE:
            waiting.cancel_all_requests(draft)
    return answer(draft)


def _resize(draft: Draft, count: int) -> None:
    for index in range(count, len(draft.room.seats)):
        check_acts_on(draft.room, draft.actor, draft.room.seats[index].data.occupant)
    for index in range(count, len(draft.room.seats)):
        draft.fire(index, Dropped())
        waiting.seat_dropped(draft, index)
    kept = draft.room.seats[:count]
    added = tuple(Seat(index=index) for index in range(len(kept), count))
    draft.change(seats=kept + added)


def _sit(draft: Draft, index: int, identity: str, event: Take | Seated) -> None:
    draft.fire(index, event)
    waiting.has_sat_down(draft, identity, index)
    draft.change_member(identity, left_at=None)
    _await_if_absent(draft, identity)


def _await_if_absent(draft: Draft, identity: str) -> None:
    # Who sits down and is not seen by the SFU must be seen within the grace.
    if not draft.room.members[identity].is_connected:
        draft.wait_for(identity, draft.rules.seat_grace)


def _check_not_seated(draft: Draft, identity: str) -> None:
    index = draft.room.seat_index_of(identity)
    if index is not None:
        message = f"already seated on {index}: move, or leave that seat first"
        raise ConflictError(
            message, code="already_seated", details={"seat_index": index}
        )


def _check_open(seat: Seat) -> None:
    if seat.state is SeatState.LOCKED:
        message = "the seat is locked: unlock it first"
        raise ConflictError(message, code="seat_locked")
    if seat.state is SeatState.RESERVED:
        held_for = seat.data.reserved_for
        message = "the seat is reserved: wait for the invitation to end"
        raise ConflictError(
            message, code="seat_taken", details={"reserved_for": held_for}
        )
