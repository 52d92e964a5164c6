"""What really happened in one room: told by the SFU, committed by the engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import orjson

from utd_stream.engine.notes import CommittedRoom
from utd_stream.models.seats import UTDSeatGrid
from utd_stream.ports import FactKind
from utd_stream.testing._loop import VirtualLoop

__all__ = ["Truth"]

# What an engine hears or finds out by itself: none of it is anybody's command.
_FACTS = frozenset(
    {"MemberJoined", "MemberLeft", "MembersListed", "RoomGone", "TimePassed"}
)
# Who ends like this has no seat any more; who is replaced keeps it.
_AT_ONCE = frozenset({"PARTICIPANT_REMOVED", "ROOM_DELETED"})
# The shortest time that a seat waits for one who is away, and how old a
# listing may be that the engine judges by, in seconds.
_LEAST_GRACE = 2.0
_LISTING_AGE = 0.5


@attrs.frozen
class _Presence:
    """Somebody at the SFU, or not any more, since when, and why not."""

    is_here: bool
    since: float
    reason: str = ""


class Truth:
    """`FactLog` that keeps what the engine committed, and judges each commit.

    Args:
        room_name: The room.

    Attributes:
        newest: The room as committed last, or None.
        members: Whom the SFU may have in that life.
        failures: What no engine may commit.
        loop: Of the world; set before anything happens.
    """

    loop: VirtualLoop

    def __init__(self, room_name: str) -> None:
        self.newest: CommittedRoom | None = None
        self.members: set[str] = set()
        self.failures: list[str] = []
        self._room_name = room_name
        self._grids: dict[int, UTDSeatGrid] = {}
        self._presence: dict[str, _Presence] = {}

    def grid(self, rev: int) -> UTDSeatGrid | None:
        """Return the grid at a revision, or None if there was none."""
        return self._grids.get(rev)

    # What the SFU does.

    def hear(self, body: bytes, _: str) -> None:
        """Take a webhook as the SFU sends it, before anything disturbs it."""
        told: dict[str, Any] = orjson.loads(body)
        now = self.loop.time()
        if told["event"] == "participant_joined":
            who = told["participant"]["identity"]
            self._presence[who] = _Presence(is_here=True, since=now)
        elif told["event"] == "participant_left":
            who = told["participant"]["identity"]
            reason = told["participant"]["disconnectReason"]
            self._presence[who] = _Presence(is_here=False, since=now, reason=reason)

    def forget(self) -> None:
        """Take it that the SFU forgot everybody."""
        gone = _Presence(is_here=False, since=self.loop.time())
        self._presence = dict.fromkeys(self._presence, gone)

    # What the engine does.

    def note(self, who: str, kind: FactKind, what: object) -> None:  # noqa: ARG002 -- the port's
        """Keep *what* if it is a commit of this room."""
        if isinstance(what, CommittedRoom) and what.room[1] == self._room_name:
            self.failures.extend(self._judged(what))
            self._follow(what)
            self.newest = what
            self._grids[what.grid.rev] = what.grid

    def _follow(self, now: CommittedRoom) -> None:
        if self.newest is None or self.newest.life != now.life or not now.is_live:
            self.members.clear()
        for member in now.members:
            if member.admitted:
                self.members.add(member.identity)
            else:
                self.members.discard(member.identity)

    def _judged(self, now: CommittedRoom) -> Iterator[str]:
        before = self.newest
        if self._grids.get(now.grid.rev, now.grid) != now.grid:
            yield f"revision {now.grid.rev} was committed twice, as two grids"
        if before is None:
            return
        if now.grid.rev < before.grid.rev or now.version < before.version:
            yield f"the room went back, from {before.grid.rev} to {now.grid.rev}"
        if now.by in _FACTS and now.is_live and now.life == before.life:
            for seat in before.grid.seats:
                who = seat.occupant_identity
                if who is not None and now.grid.seat_of(who) is None:
                    yield from self._judged_loss(who, now.by)

    def _judged_loss(self, who: str, by: str) -> Iterator[str]:
        """Judge that *who* lost a seat though nobody asked for it."""
        presence = self._presence.get(who)
        if presence is None or presence.reason in _AT_ONCE:
            return
        passed = self.loop.time() - presence.since
        if presence.is_here and passed > _LISTING_AGE:
            yield f"{who} is there and was unseated by {by}"
        elif not presence.is_here and passed < _LEAST_GRACE:
            yield f"{who} was unseated by {by} after {passed:g} s away"
