"""What may change in a seat grid, and by whose command.

Source: contract.md section 3, Seats and Speakers; section 4, ``rev``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import attrs

from utd_stream.engine.rules import Actor, Command, Room
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.audio_room import grid_of
from utd_stream.models.seats import UTDSeat, UTDSeatGrid

__all__ = ["Asked", "judged_change", "sitting"]


@attrs.frozen
class Asked:
    """What a command may do to people and seats, read from the contract.

    Attributes:
        people: Who may come to another seat, or to none.
        muted: Seats that may be muted or heard again.
        locked: Seats that may be closed or opened.
    """

    people: Collection[str] = ()
    muted: Collection[int] = ()
    locked: Collection[int] = ()

    @classmethod
    def by(cls, command: Command, actor: Actor, room: Room) -> Asked:  # noqa: C901, PLR0911 -- a line each
        """Return it for *command* in *room*."""
        grid = grid_of(room)
        seats = grid.seats
        match command:
            case c.MuteSeat(index=index) | c.UnmuteSeat(index=index):
                return cls(muted=(index,))
            case c.UnlockSeat(index=index):
                return cls(locked=(index,))
            case c.LockSeat(index=index):
                return cls(sitting(seats[index : index + 1]), locked=(index,))
            case c.KickFromSeat(index=index):
                return cls(sitting(seats[index : index + 1]))
            case c.SwapSeats(a=a, b=b):
                return cls(sitting((*seats[a : a + 1], *seats[b : b + 1])))
            case c.SetupSeats(seat_count=count):
                return cls(sitting(seats[count:] if count else ()))
            case c.ApproveSpeaker(request_id=number):
                return cls([r.identity for r in grid.requests if r.id == number])
            case c.Enter(request=asked):
                # A host's first one sets the grid up.
                dropped = seats[asked.seat_count :] if asked.seat_count else ()
                return cls([actor.name, *sitting(dropped)])
            case c.KickMember(identity=who):
                return cls((who,))
            case _ if type(command) in _OWN:
                return cls((actor.name,))
            case _:
                return cls()


# Orders by which one moves oneself alone.
_OWN = frozenset({c.TakeSeat, c.LeaveSeat, c.MoveSeat, c.AcceptInvitation, c.LeaveRoom})


def judged_change(
    before: UTDSeatGrid, after: UTDSeatGrid, asked: Asked
) -> Iterator[str]:
    """Judge two grids that are one decision apart."""
    changed = attrs.evolve(before, rev=0) != attrs.evolve(after, rev=0)
    if after.rev != before.rev + changed:
        what = "changed" if changed else "did not change"
        yield f"the grid {what}, and went from revision {before.rev} to {after.rev}"
    was, now = _places(before), _places(after)
    for who in sorted({*was, *now}):
        if was.get(who) != now.get(who) and who not in asked.people:
            places = f"from seat {was.get(who)} to {now.get(who)}"
            yield f"{who} went {places}, and nobody asked for it"
    for old, new in zip(before.seats, after.seats, strict=False):
        index = old.seat_index
        if old.muted is not new.muted and index not in asked.muted:
            yield f"seat {index} was muted or unmuted, and nobody asked for it"
        if old.locked is not new.locked and index not in asked.locked:
            yield f"seat {index} was locked or unlocked, and nobody asked for it"


def sitting(seats: Iterable[UTDSeat]) -> list[str]:
    """Return who sits on *seats*."""
    return [seat.occupant_identity for seat in seats if seat.occupant_identity]


def _places(grid: UTDSeatGrid) -> dict[str, int]:
    return {
        seat.occupant_identity: seat.seat_index
        for seat in grid.seats
        if seat.occupant_identity
    }
