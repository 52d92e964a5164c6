"""A seat grid alone as a Hypothesis state machine: any order, by anybody.

The engine's own decisions about one room, with no world and no loop around
them, so that a walk takes milliseconds.  After each decision the laws of a grid
are checked, and what holds between two revisions.  Subclass it to add people,
rules and laws of your own::

    class MyGrid(SeatGridMachine):
        seat_mode = SeatMode.REQUEST

        @invariant()
        def the_first_seat_is_the_hosts(self) -> None:
            assert self.grid.seats[0].occupant_identity in {None, "host"}

    TestMyGrid = MyGrid.TestCase

Source: contract.md section 5, Seats, Departure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from utd_stream.contract.endpoints import ENDPOINTS, Who
from utd_stream.contract.requests import TokenRequest
from utd_stream.engine.rules import Actor, Command, Room, Rules, decide, overdue
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.roster import unborn
from utd_stream.errors import EngineError
from utd_stream.models.rooms import DisconnectReason, SeatMode, UTDRole, UTDStreamType
from utd_stream.models.seats import UTDSeat, UTDSeatGrid
from utd_stream.ports import SfuParticipant
from utd_stream.testing import laws
from utd_stream.testing.messages import orders

__all__ = ["SeatGridMachine"]

_KEY = ("app", "lounge")
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_RULES = Rules()


@lru_cache  # to make one takes milliseconds
def _among(people: tuple[str, ...], often: int = 0) -> st.SearchStrategy[str]:
    """Return anybody, and the first one *often* more."""
    return st.sampled_from((*people, *[people[0]] * often))


_someone = st.runner().flatmap(lambda machine: _among(machine.people))
# As a rule the one who may.
_speaker = st.runner().flatmap(lambda machine: _among(machine.people, often=6))


def _order(*kinds: type[c.Order]) -> st.SearchStrategy[c.Order]:
    return st.runner().flatmap(lambda machine: machine.orders(*kinds))


_pauses = st.sampled_from((0.5, 2.0, 15.0, 60.0))


class SeatGridMachine(RuleBasedStateMachine):
    """One grid, and whatever people may want of it.

    Attributes:
        people: Who is in the room; the first one is its host.
        seat_count: Of the grid, at first.
        seat_mode: Likewise.
        room: As it was decided last.
        now: The time of the next decision.
    """

    people: ClassVar[tuple[str, ...]] = ("host", "ana", "ben", "eva")
    seat_count: ClassVar[int] = 3
    seat_mode: ClassVar[SeatMode] = SeatMode.FREE

    def __init__(self) -> None:
        super().__init__()
        self.now = _NOON
        self.room = unborn(*_KEY, self.now)
        self._newest_id = 0
        self._there: dict[str, SfuParticipant] = {}
        self._connections = 0

    @property
    def grid(self) -> UTDSeatGrid:
        """What everybody sees."""
        return self.room.grid

    @initialize()
    def open(self) -> None:
        """Let everybody in."""
        for who in self.people:
            self.come(who)

    @rule(who=_someone, order=_order(c.TakeSeat))
    def sit(self, who: str, order: c.Order) -> None:
        """Sit down."""
        self.decide(who, order)

    @rule(who=_someone, order=_order(c.LeaveSeat, c.MoveSeat))
    def move(self, who: str, order: c.Order) -> None:
        """Stand up, or sit down elsewhere."""
        self.decide(who, order)

    @rule(
        who=_speaker,
        order=_order(c.SwapSeats, c.KickFromSeat, c.MuteSeat, c.UnmuteSeat),
    )
    def moderate(self, who: str, order: c.Order) -> None:
        """Do something to who sits."""
        self.decide(who, order)

    @rule(who=_speaker, order=_order(c.SetupSeats, c.LockSeat, c.UnlockSeat))
    def furnish(self, who: str, order: c.Order) -> None:
        """Change the seats."""
        self.decide(who, order)

    @rule(who=_someone, order=_order(c.RequestToSpeak, c.CancelRequest))
    def wish(self, who: str, order: c.Order) -> None:
        """Want to speak, or not any more."""
        self.decide(who, order)

    @precondition(lambda self: self.grid.requests)
    @rule(who=_speaker, order=_order(c.ApproveSpeaker, c.RejectSpeaker))
    def settle(self, who: str, order: c.Order) -> None:
        """Answer who asks."""
        self.decide(who, order)

    @rule(who=_speaker, order=_order(c.InviteToSpeak))
    def invite(self, who: str, order: c.Order) -> None:
        """Ask somebody to sit down."""
        self.decide(who, order)

    @precondition(lambda self: self.grid.invitations)
    @rule(who=_someone, order=_order(c.AcceptInvitation, c.DeclineInvitation))
    def reply(self, who: str, order: c.Order) -> None:
        """Sit down as invited, or do not."""
        self.decide(who, order)

    @rule(who=_someone)
    def come(self, who: str) -> None:
        """Enter, or enter again from another device."""
        is_host = who == self.people[0]
        asked: dict[str, Any] = {
            "type": UTDStreamType.AUDIO_ROOM,
            "room_name": _KEY[1],
            "identity": who,
        }
        if is_host:
            asked |= {"role": UTDRole.HOST, "seat_count": self.seat_count}
            asked |= {"seat_mode": self.seat_mode}
        self.decide(who, c.Enter(request=TokenRequest(**asked)))
        self._connections += 1
        sid = f"PA_{self._connections}"
        self._there[who] = SfuParticipant(identity=who, sid=sid, joined_at=self.now)
        self.decide(who, c.MemberJoined(participant=self._there[who]))

    @rule(who=_someone, reason=st.sampled_from(DisconnectReason))
    def go(self, who: str, reason: DisconnectReason) -> None:
        """Lose the connection, for any reason."""
        gone = self._there.pop(who, None)
        if gone is not None:
            self.decide(who, c.MemberLeft(identity=who, sid=gone.sid, reason=reason))

    @rule(who=_speaker, whom=_someone)
    def part(self, who: str, whom: str) -> None:
        """Say goodbye to the engine, or remove somebody else."""
        is_own = who == whom
        self.decide(who, c.LeaveRoom() if is_own else c.KickMember(identity=whom))

    @rule(seconds=_pauses)
    def wait(self, seconds: float) -> None:
        """Let time pass, in seconds, and what is due happen."""
        self.now += timedelta(seconds=seconds)
        due = overdue(self.room, _RULES, self.now)
        if "time" in due:
            self.decide("", c.TimePassed())
        if "listing" in due:
            there = tuple(self._there.values())
            self.decide("", c.MembersListed(participants=there, asked_at=self.now))
        if overdue(self.room, _RULES, self.now):
            message = "something is due, and is not done"
            raise AssertionError(message)

    # For subclasses.

    def orders(self, *kinds: type[c.Order]) -> st.SearchStrategy[c.Order]:
        """Return what people may order now, of some kinds or of all."""
        return _orders(kinds, self.people, self.seat_count, self.room.next_id)

    def decide(self, who: str, command: Command) -> Any:
        """Return the answer to *command* of *who*, or the refusal, both judged.

        Raises:
            AssertionError: If a law is broken.
        """
        actor = Actor(identity=who or None, mints_roles=True)
        before = self.room
        answer = self._answer(command, actor)
        after, self.room = self.room, before
        again = self._answer(command, actor)
        if (_told(answer), after) != (_told(again), self.room):
            message = f"{command} was decided in two ways"
            raise AssertionError(message)
        asked = _Asked.by(command, actor, before)
        found = [
            *laws.grid_laws(after.grid),
            *_change_laws(before.grid, after.grid, asked),
            *self._judged_ids(before.grid, after.grid),
            *self._changed(before.grid, after.grid),
        ]
        if found:
            raise AssertionError("\n".join(found))
        return answer

    def _changed(
        self,
        before: UTDSeatGrid,  # noqa: ARG002 -- for subclasses
        after: UTDSeatGrid,  # noqa: ARG002 -- likewise
    ) -> Iterator[str]:
        """Yield what is broken between two grids, one decision apart."""
        return iter(())

    def _answer(self, command: Command, actor: Actor) -> Any:
        try:
            made = decide(
                self.room,
                command,
                key=_KEY,
                who=_who_may(type(command)),
                actor=actor,
                now=self.now,
                rules=_RULES,
            )
        except EngineError as refusal:
            return refusal
        self.room = made.room
        return made.answer

    def _judged_ids(self, before: UTDSeatGrid, after: UTDSeatGrid) -> Iterator[str]:
        """Judge that what is asked has an id that nothing had before."""
        for each in sorted(_waiting(after) - _waiting(before)):
            if each <= self._newest_id:
                yield f"id {each} was given before"
            self._newest_id = max(self._newest_id, each)


@attrs.frozen
class _Asked:
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
    def by(cls, command: Command, actor: Actor, room: Room) -> _Asked:  # noqa: C901, PLR0911, PLR0912 -- a line each
        """Return it for *command* in *room*."""
        seats = room.grid.seats
        match command:
            case c.MuteSeat(index=index) | c.UnmuteSeat(index=index):
                return cls(muted=(index,))
            case c.UnlockSeat(index=index):
                return cls(locked=(index,))
            case c.LockSeat(index=index):
                return cls(_sitting(seats[index : index + 1]), locked=(index,))
            case c.KickFromSeat(index=index):
                return cls(_sitting(seats[index : index + 1]))
            case c.SwapSeats(a=a, b=b):
                return cls(_sitting((*seats[a : a + 1], *seats[b : b + 1])))
            case c.SetupSeats(seat_count=count):
                return cls(_sitting(seats[count:] if count else ()))
            case c.ApproveSpeaker(request_id=number):
                return cls([r.identity for r in room.grid.requests if r.id == number])
            case c.Enter(request=asked):
                # A host's first one sets the grid up.
                dropped = seats[asked.seat_count :] if asked.seat_count else ()
                return cls([actor.name, *_sitting(dropped)])
            case c.KickMember(identity=who) | c.MemberLeft(identity=who):
                return cls((who,))
            case c.MembersListed(participants=listed):
                there = {each.identity for each in listed}
                away = [who for who in _sitting(seats) if who not in there]
                # With the last of them the room may end, and the grid with it.
                every = range(len(seats)) if not there else ()
                return cls(away, muted=every, locked=every)
            case c.EndRoom():
                every = range(len(seats))
                return cls(_sitting(seats), muted=every, locked=every)
            case _ if type(command) in _OWN:
                return cls((actor.name,))
            case _:
                return cls()


# Orders by which one moves oneself alone.
_OWN = frozenset(
    {
        *(c.TakeSeat, c.LeaveSeat, c.MoveSeat, c.AcceptInvitation),
        c.LeaveRoom,
    }
)
_NAMES: dict[type, str] = {c.KickMember: "kick_participant", c.Enter: "create_token"}
_WHO = {endpoint.name: endpoint.who for endpoint in ENDPOINTS}


def _who_may(kind: type[Command]) -> Who:
    """Return who may say it, as the endpoint of the same name has it."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
    return _WHO.get(_NAMES.get(kind, name), Who.SFU)


def _change_laws(
    before: UTDSeatGrid, after: UTDSeatGrid, asked: _Asked
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


@lru_cache(maxsize=1_000)  # likewise
def _orders(
    kinds: tuple[type[c.Order], ...],
    people: tuple[str, ...],
    seat_count: int,
    next_id: int,
) -> st.SearchStrategy[c.Order]:
    # As a rule a seat that is there, and what was asked last.
    newest = max(1, next_id - 1)
    return orders(
        *kinds,
        identity=st.sampled_from(people),
        seats=st.sampled_from((*range(seat_count), *range(seat_count + 1))),
        ids=st.sampled_from((newest, newest, max(1, next_id - 2), next_id)),
        seat_count=st.integers(1, seat_count + 1),
        mode_id=st.just("x"),
    )


def _told(answer: Any) -> Any:
    return repr(answer) if isinstance(answer, EngineError) else answer


def _sitting(seats: Iterable[UTDSeat]) -> list[str]:
    return [seat.occupant_identity for seat in seats if seat.occupant_identity]


def _places(grid: UTDSeatGrid) -> dict[str, int]:
    return {
        seat.occupant_identity: seat.seat_index
        for seat in grid.seats
        if seat.occupant_identity
    }


def _waiting(grid: UTDSeatGrid) -> set[int]:
    return {each.id for each in grid.requests} | {each.id for each in grid.invitations}
