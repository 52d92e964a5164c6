"""Audio rooms, as the rules of every room see them.

Source: contract.md sections 3, 4 and 5; traps T1, T37.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson

from utd_stream.contract.requests import TokenRequest
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.audio_room import (
    needs,
    seating,
    set_back,
    speaking,
    waiting,
)
from utd_stream.engine.rules.audio_room.grid import (
    change_seat,
    fire,
    seat_at,
    wait_for,
)
from utd_stream.engine.rules.audio_room.state import (
    AudioRoom,
    audio_room,
    grid_of,
    speaks,
)
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.kind import Due, Handlers, handlers, on
from utd_stream.engine.rules.state import Content, Member, Room, Rules
from utd_stream.errors import InvalidRequestError
from utd_stream.machines.seat import GraceOver, Present
from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import UTDRole
from utd_stream.models.seats import UTDSeatGrid
from utd_stream.wire import grid_to_metadata

__all__ = ["AUDIO_ROOM", "AudioRoomKind"]

# No seat, request or invitation encodes to more, nor does what stands beside
# them: a picture of control characters has six bytes for each.  Below the
# limit nothing has to be encoded to know that it fits.
_MOST_BYTES_EACH = 2_500


class AudioRoomKind:
    """`RoomKind` of rooms in which whoever has a seat may speak."""

    @property
    def content(self) -> type[AudioRoom]:
        """The class of the content."""
        return AudioRoom

    @property
    def sources(self) -> tuple[TrackSource, ...]:
        """A seat gives the microphone and nothing else."""
        return (TrackSource.MICROPHONE,)

    @property
    def commands(self) -> Handlers:
        """The commands about seats, requests and invitations."""
        return _COMMANDS

    @property
    def is_begun_by_a_mint(self) -> bool:
        """The first token begins a life."""
        return True

    @property
    def most_participants(self) -> int:
        """Anybody may listen."""
        return 0

    def grace(self, rules: Rules) -> float:
        """Return how long a seat waits, in seconds."""
        return rules.seat_grace

    # Changing.

    def ended(self, content: Content) -> AudioRoom:  # noqa: ARG002 -- of the protocol
        """Return a grid that nobody has set up."""
        return self.begin()

    def check_enters(self, draft: Draft, request: TokenRequest) -> None:
        """Anybody may enter."""

    def begin(self) -> AudioRoom:
        """Return a grid that nobody has set up."""
        return AudioRoom()

    def entered(self, draft: Draft, member: Member, request: TokenRequest) -> None:
        """Let the first host who asks set up the grid, and sit."""
        if member.role is not UTDRole.HOST or audio_room(draft.room).configured:
            return
        wanted = request.seat_count, request.seat_mode, request.mode_id
        if all(field is None for field in (*wanted, request.host_seat)):
            return
        setup = c.SetupSeats(
            seat_count=request.seat_count,
            seat_mode=request.seat_mode,
            mode_id=request.mode_id,
        )
        seating.setup(draft, setup)
        if request.host_seat is not None:
            seat_at(draft, request.host_seat, "$.host_seat")
            seating.seat_member(draft, member.identity, request.host_seat)

    def gone(self, draft: Draft, identity: str) -> None:
        """Free the seat, and settle whatever they were waiting for."""
        seating.vacate(draft, identity)
        waiting.has_gone(draft, identity)

    def absent(self, draft: Draft, identity: str, grace: float | None) -> None:
        """Let the seat wait, or free it."""
        if grace is None:
            seating.vacate(draft, identity)
        else:
            wait_for(draft, identity, grace)

    def present(self, draft: Draft, identity: str) -> None:
        """Let the seat wait no more."""
        index = audio_room(draft.room).index_of(identity)
        if index is not None:
            change_seat(draft, index, absence=None)
            fire(draft, index, Present())

    def listed(self, draft: Draft, asked_at: datetime) -> None:
        """Free the seats that have waited long enough."""
        for seat in audio_room(draft.room).seats:
            identity = seat.data.occupant
            if identity is None or draft.members[identity].is_connected:
                continue
            wait_for(draft, identity, draft.rules.seat_grace)
            absence = audio_room(draft.room).seats[seat.index].absence
            if absence is not None:
                fire(draft, seat.index, GraceOver(identity, asked_at, absence.grace))

    def expire(self, draft: Draft) -> None:
        """Let requests and invitations lapse."""
        waiting.expire(draft)

    def number(self, draft: Draft, identity: str, grant: int) -> None:
        """Show the number with the seat."""
        index = audio_room(draft.room).index_of(identity)
        if index is not None:
            change_seat(draft, index, grant=grant)

    def settled(self, content: Content, now: datetime, rules: Rules) -> AudioRoom:
        """Return *content* with no time later than *now*, but for its deadlines."""
        return set_back.settled(_grid(content), now, rules)

    # Reading.

    def deadlines(self, room: Room) -> Iterator[tuple[datetime, Due]]:
        """Yield when requests and invitations lapse, and when seats become free."""
        content = audio_room(room)
        for request in content.pending_requests:
            yield request.data.expires_at, "time"
        for invited in content.pending_invites:
            yield invited.data.expires_at, "time"
        for seat in content.seats:
            if seat.absence is not None:
                grace = timedelta(seconds=seat.absence.grace)
                yield seat.absence.since + grace, "listing"

    def needs(self, room: Room, command: c.Command) -> Iterator[str | None]:
        """Yield the occupants who may be unseated or moved, and the requester."""
        return needs.needs(audio_room(room), command)

    def placed(self, room: Room) -> Iterator[str]:
        """Yield who has a seat."""
        for seat in audio_room(room).seats:
            if seat.data.occupant is not None:
                yield seat.data.occupant

    def holds(self, room: Room, identity: str) -> bool:
        """Whether *identity* has a seat, asks for one or is asked to take one."""
        content = audio_room(room)
        return (
            content.index_of(identity) is not None
            or any(r.data.identity == identity for r in content.pending_requests)
            or any(i.data.identity == identity for i in content.pending_invites)
        )

    def granted(self, room: Room, identity: str) -> tuple[TrackSource, ...]:
        """Return the microphone for whoever sits on a seat that is not muted."""
        return self.sources if speaks(room, identity) else ()

    def grant(self, room: Room, identity: str) -> int:
        """Return the number that the seat has."""
        content = audio_room(room)
        index = content.index_of(identity)
        return 0 if index is None else content.seats[index].grant

    def metadata(self, room: Room) -> dict[str, Any]:
        """Return the grid."""
        return {"_seats": grid_to_metadata(grid_of(room))}

    def shown(self, room: Room) -> UTDSeatGrid:
        """Return the grid."""
        return grid_of(room)

    def differs(self, before: Content, after: Content) -> bool:
        """Whether the grids differ, but for their revisions."""
        return _differs(_grid(before), _grid(after))

    def check(self, room: Room, rules: Rules) -> None:
        """Refuse a grid that would be too large for the SFU's metadata.

        Raises:
            InvalidRequestError: If so.
        """
        content = audio_room(room)
        waiting = len(content.pending_requests) + len(content.pending_invites)
        limit = rules.max_metadata_bytes
        if (len(content.seats) + waiting + 1) * _MOST_BYTES_EACH <= limit:
            return
        if len(orjson.dumps(self.metadata(room))) > limit:
            message = (
                f"the room's metadata would pass {limit} bytes; "
                "settle invitations or shrink the grid first"
            )
            raise InvalidRequestError.at(("$", message))


_COMMANDS = handlers(
    on(c.SetupSeats, seating.setup),
    on(c.TakeSeat, seating.take),
    on(c.LeaveSeat, seating.leave),
    on(c.MoveSeat, seating.move),
    on(c.SwapSeats, seating.swap),
    on(c.KickFromSeat, seating.act_on_seat),
    on(c.LockSeat, seating.act_on_seat),
    on(c.UnlockSeat, seating.act_on_seat),
    on(c.MuteSeat, seating.act_on_seat),
    on(c.UnmuteSeat, seating.act_on_seat),
    on(c.RequestToSpeak, speaking.ask),
    on(c.CancelRequest, speaking.cancel),
    on(c.ApproveSpeaker, speaking.approve),
    on(c.RejectSpeaker, speaking.reject),
    on(c.InviteToSpeak, speaking.invite),
    on(c.AcceptInvitation, speaking.accept),
    on(c.DeclineInvitation, speaking.decline),
)


def _grid(content: Content) -> AudioRoom:
    assert isinstance(content, AudioRoom)  # noqa: S101 -- the type's own
    return content


def _differs(before: AudioRoom, after: AudioRoom) -> bool:
    if (before.seat_mode, before.mode_id) != (after.seat_mode, after.mode_id):
        return True
    if before.seats is not after.seats:
        if len(before.seats) != len(after.seats):
            return True
        pairs = zip(before.seats, after.seats, strict=True)
        if any(old is not new and old.shown != new.shown for old, new in pairs):
            return True
    return _waiting(before) != _waiting(after)


def _waiting(content: AudioRoom) -> tuple[list[int], list[int]]:
    return (
        [r.id for r in content.pending_requests],
        [i.id for i in content.pending_invites],
    )


AUDIO_ROOM = AudioRoomKind()
