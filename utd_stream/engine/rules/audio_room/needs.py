"""Whose rows the commands of an audio room look at.

Those who are unseated or moved, who stand above whom they are, and who is
seated; the rest of a room of thousands stays on disk.
"""

from __future__ import annotations

from collections.abc import Iterator

from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.audio_room.state import AudioRoom

__all__ = ["needs"]


def needs(content: AudioRoom, command: c.Command) -> Iterator[str | None]:
    """Yield whose rows *command* looks at, beside who it is from or about."""
    match command:
        case (
            c.KickFromSeat(index=index)
            | c.LockSeat(index=index)
            | c.UnlockSeat(index=index)
            | c.MuteSeat(index=index)
            | c.UnmuteSeat(index=index)
        ):
            yield _occupant(content, index)
        case c.SwapSeats(a=a, b=b):
            yield _occupant(content, a)
            yield _occupant(content, b)
        case c.SetupSeats(seat_count=int(count)):
            yield from _beyond(content, count)
        case c.Enter(request=asked) if asked.seat_count is not None:
            yield from _beyond(content, asked.seat_count)
        case c.ApproveSpeaker(request_id=number):
            for request in content.requests:
                if request.id == number:
                    yield request.data.identity
        case c.InviteToSpeak(identity=identity):
            yield identity
        case c.MembersListed(is_last=True):
            yield from _beyond(content, 0)
        case _:
            pass


def _occupant(content: AudioRoom, index: int) -> str | None:
    return content.seats[index].data.occupant if index < len(content.seats) else None


def _beyond(content: AudioRoom, count: int) -> Iterator[str | None]:
    for seat in content.seats[count:]:
        yield seat.data.occupant
