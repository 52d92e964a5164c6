"""The rules of a session by themselves: facts in, effects out, no loop."""

from __future__ import annotations

from collections import deque
from typing import TypeVar

from utd_stream.client._journal import COMMANDS
from utd_stream.client.rules.audio_room import (
    AudioRoomEffect,
    AudioRoomFact,
    AudioRoomState,
    NumberedSeat,
)
from utd_stream.client.rules.facts import EventTold, GridTold
from utd_stream.client.rules.sending import AskFor
from utd_stream.errors import InvalidTransitionError
from utd_stream.machines import connection as c
from utd_stream.models.participants import Permission, TrackSource
from utd_stream.models.room_events import (
    ParticipantMetadataChanged,
    ParticipantPermissionsChanged,
)
from utd_stream.models.rooms import SeatOccupancy
from utd_stream.models.seats import UTDSeat, UTDSeatGrid

__all__ = ["LISTENS", "ME", "SPEAKS", "Member", "grid"]

ME = "me"
SPEAKS = Permission(can_publish=True, can_publish_sources=(TrackSource.MICROPHONE,))
LISTENS = Permission(can_publish=False, can_publish_sources=(TrackSource.MICROPHONE,))

_T = TypeVar("_T")


def grid(
    rev: int, *occupants: str | None, muted: bool = False, grant: int = 0
) -> UTDSeatGrid:
    """Return a grid with these people on its seats."""
    seats = [
        UTDSeat(seat_index=index, occupant_identity=who, muted=muted, grant=grant)
        for index, who in enumerate(occupants)
    ]
    return UTDSeatGrid(rev=rev, seats=tuple(seats))


class Member:
    """One session's state, and the effects that its facts called for.

    Attributes:
        state: After the last fact.
        effects: All of them, in their order.
    """

    def __init__(self, *, has_microphone: bool = True) -> None:
        self.state = AudioRoomState.first(ME, has_microphone=has_microphone)
        self.effects: list[AudioRoomEffect] = []

    @classmethod
    def connected(cls) -> Member:
        """Return one that is connected, to a room with two free seats."""
        member = cls()
        member.hear(c.Connect(), c.Admitted(1), GridTold(grid(0, None, None)))
        member.effects.clear()
        return member

    @property
    def op(self) -> int:
        """Number of the operation under way or last ended."""
        return self.state.sending.place_data.op

    @property
    def occupancy(self) -> SeatOccupancy:
        """Where seat and microphone stand."""
        return self.state.snapshot.occupancy

    def hear(self, *facts: AudioRoomFact) -> None:
        """Take facts and what is derived of each, as a session does.

        Raises:
            InvalidTransitionError: If a command does not fit.
            RefusedError: If a machine refuses one.
        """
        for fact in facts:
            waiting = deque([fact])
            while waiting:
                waiting.extend(self._take(waiting.popleft()))

    def ask(self, index: int = 0) -> None:
        """Ask for a seat."""
        self.hear(AskFor(NumberedSeat(index), "key"))

    def permit(self, permission: Permission, grant: int | None = None) -> None:
        """Hear of one's right, and of its number if there is one."""
        number = self.state.connecting.data.number
        if grant is not None:
            metadata = f'{{"grant": {grant}}}'
            self.hear(EventTold(number, ParticipantMetadataChanged(ME, metadata)))
        self.hear(EventTold(number, ParticipantPermissionsChanged(ME, permission)))

    def of(self, kind: type[_T]) -> list[_T]:
        """Return the effects of one class."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def _take(self, fact: AudioRoomFact) -> tuple[AudioRoomFact, ...]:
        if self.state.is_late(fact):
            return ()
        try:
            taken = self.state.take(fact)
        except InvalidTransitionError:
            if type(fact) in COMMANDS:
                raise
            return ()
        self.state = taken.state
        self.effects += taken.effects
        return taken.derived
