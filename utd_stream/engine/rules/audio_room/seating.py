"""The grid: commands that fire rows of several seats within one commit.

One person sits on one seat, one seat has one person: what spans seats stands
here, what concerns one seat in its machine.

Source: contract.md section 3, Seats; lessons L13, L15, L27-L29.
"""

from __future__ import annotations

from utd_stream.contract.answers import SeatAnswer, SeatedAnswer
from utd_stream.engine.rules.audio_room import waiting
from utd_stream.engine.rules.audio_room.grid import (
    change,
    fire,
    seat_at,
    wait_for,
)
from utd_stream.engine.rules.audio_room.state import (
    Absence,
    Seat,
    audio_room,
    grid_of,
    speaks,
)
from utd_stream.engine.rules.authority import check_acts_on, hosts, moderates
from utd_stream.engine.rules.commands import (
    KickFromSeat,
    LeaveSeat,
    LockSeat,
    MoveSeat,
    MuteSeat,
    SetupSeats,
    SwapSeats,
    TakeSeat,
    UnlockSeat,
    UnmuteSeat,
)
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.kind import Made
from utd_stream.engine.rules.mutes import withdrawn
from utd_stream.engine.rules.state import Room
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
from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import SeatMode

__all__ = [
    "act_on_seat",
    "leave",
    "move",
    "seat_answer",
    "seat_member",
    "seated_answer",
    "setup",
    "swap",
    "take",
    "vacate",
]


def seat_answer(room: Room) -> SeatAnswer:
    """Return what a seat write answers."""
    return SeatAnswer(rev=room.rev, grid=grid_of(room))


def seated_answer(
    draft: Draft,
    identity: str,
    *,
    request_id: int | None = None,
    invitation_id: int | None = None,
) -> Made:
    """Return what makes the answer to a command that seats *identity*."""

    def made(room: Room) -> SeatedAnswer:
        index = audio_room(room).index_of(identity)
        assert index is not None  # noqa: S101 -- the command seats them
        taken = withdrawn(room, draft.members[identity])
        return SeatedAnswer(
            rev=room.rev,
            grid=grid_of(room),
            seat_index=index,
            speaks=speaks(room, identity) and TrackSource.MICROPHONE not in taken,
            request_id=request_id,
            invitation_id=invitation_id,
            # Who takes or accepts a seat knows for whom.
            identity=identity if request_id is not None else None,
        )

    return made


def take(draft: Draft, command: TakeSeat) -> Made:
    """Sit down by one's own will; one who sits there already has done so."""
    identity, content = draft.person, audio_room(draft.room)
    seat_at(draft, command.index)
    may = content.seat_mode is SeatMode.FREE or moderates(
        draft.room, draft.members, draft.actor
    )
    event = Take(identity, draft.now, may)
    if content.index_of(identity) == command.index:
        fire(draft, command.index, event)
    else:
        _check_not_seated(draft, identity)
        _sit(draft, command.index, identity, event)
    return seated_answer(draft, identity)


def seat_member(draft: Draft, identity: str, index: int) -> None:
    """Put *identity* on a seat; does nothing if they sit there already."""
    if audio_room(draft.room).index_of(identity) == index:
        return
    _check_not_seated(draft, identity)
    _sit(draft, index, identity, Seated(identity, draft.now))


def leave(draft: Draft, _: LeaveSeat) -> Made:
    """Stand up; nothing happens to a member without a seat."""
    vacate(draft, draft.person)
    return seat_answer


def vacate(draft: Draft, identity: str) -> None:
    """Free the seat of *identity*, if there is one."""
    index = audio_room(draft.room).index_of(identity)
    if index is not None:
        fire(draft, index, Vacated())


def move(draft: Draft, command: MoveSeat) -> Made:
    """Sit down elsewhere, in one change; a lost race leaves the old seat."""
    identity, content = draft.person, audio_room(draft.room)
    seat_at(draft, command.target, "$.target_seat")
    index = content.index_of(identity)
    if index is None:
        message = "not seated: take a seat instead"
        raise ConflictError(message)
    if index != command.target:
        fire(draft, index, MovedAway())
        event = Seated(identity, draft.now)
        _sit(draft, command.target, identity, event, content.seats[index].absence)
    return seat_answer


def swap(draft: Draft, command: SwapSeats) -> Made:
    """Exchange the occupants of two seats; mutes stay with the seats."""
    a, b = seat_at(draft, command.a, "$.a"), seat_at(draft, command.b, "$.b")
    if command.a == command.b:
        message = "must differ from a"
        raise InvalidRequestError.at(("$.b", message))
    for seat in (a, b):
        _check_open(seat)
        check_acts_on(draft.room, draft.members, draft.actor, seat.data.occupant)
    one, other = a.data.occupant, b.data.occupant
    if one is None and other is None:
        message = "both seats are free: there is nobody to swap"
        raise ConflictError(message)
    if one is not None and other is not None:
        fire(draft, command.a, Replaced(other, draft.now))
        fire(draft, command.b, Replaced(one, draft.now))
    elif one is not None:
        fire(draft, command.a, MovedAway())
        fire(draft, command.b, Seated(one, draft.now))
    elif other is not None:
        fire(draft, command.b, MovedAway())
        fire(draft, command.a, Seated(other, draft.now))
    for seat in (a, b):
        if seat.data.occupant is not None:
            _await_if_absent(draft, seat.data.occupant, seat.absence)
    return seat_answer


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
) -> Made:
    """Do what a moderator does to one seat."""
    seat = seat_at(draft, command.index)
    check_acts_on(draft.room, draft.members, draft.actor, seat.data.occupant)
    fire(draft, command.index, _ACTS[type(command)])
    return seat_answer


def setup(draft: Draft, command: SetupSeats) -> Made:
    """Change size, mode and layout; the size at once (L15)."""
    if hosts(draft.room, draft.members, draft.actor):
        change(draft, configured=True)
    if command.seat_count is not None:
        _resize(draft, command.seat_count)
    if command.mode_id is not None:
        change(draft, mode_id=command.mode_id)
    mode = command.seat_mode
    if mode is not None and mode is not audio_room(draft.room).seat_mode:
        change(draft, seat_mode=mode)
        if mode is SeatMode.FREE:
            waiting.cancel_all_requests(draft)
    return seat_answer


def _resize(draft: Draft, count: int) -> None:
    dropped = audio_room(draft.room).seats[count:]
    for seat in dropped:
        check_acts_on(draft.room, draft.members, draft.actor, seat.data.occupant)
    for seat in dropped:
        fire(draft, seat.index, Dropped())
        waiting.seat_dropped(draft, seat.index)
    kept = audio_room(draft.room).seats[:count]
    added = tuple(Seat(index=index) for index in range(len(kept), count))
    change(draft, seats=kept + added)


def _sit(
    draft: Draft,
    index: int,
    identity: str,
    event: Take | Seated,
    absence: Absence | None = None,
) -> None:
    fire(draft, index, event)
    waiting.has_sat_down(draft, identity, index)
    draft.change_member(identity, left_at=None)
    _await_if_absent(draft, identity, absence)


def _await_if_absent(draft: Draft, identity: str, absence: Absence | None) -> None:
    # Who sits down and is not seen by the SFU must be seen within the grace.
    if not draft.members[identity].is_connected:
        wait_for(draft, identity, draft.rules.seat_grace, absence)


def _check_not_seated(draft: Draft, identity: str) -> None:
    index = audio_room(draft.room).index_of(identity)
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
