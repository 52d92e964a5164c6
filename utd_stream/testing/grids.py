"""A seat grid alone as a Hypothesis state machine: any order, by anybody.

The engine's own decisions about one room, with no world and no loop around
them, so that a walk takes milliseconds.  After each decision the laws of a grid
are checked, and what holds between two revisions.  Subclass it to add people,
rules and laws of your own::

    from hypothesis.stateful import invariant, rule
    from utd_stream.engine.rules.commands import RequestToSpeak
    from utd_stream.models import SeatMode
    from utd_stream.testing.grids import SeatGridMachine

    class Stage(SeatGridMachine):
        people = ("host", "ana", "ben")
        seat_mode = SeatMode.REQUEST

        @rule()
        def everybody_asks(self) -> None:
            for who in self.people:
                self.decide(who, RequestToSpeak())

        @invariant()
        def nobody_else_owns_it(self) -> None:
            assert self.room.owner in {None, "host"}

    TestStage = Stage.TestCase

Source: contract.md section 5, Seats, Departure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from utd_stream.contract.endpoints import ENDPOINTS, Who
from utd_stream.contract.requests import TokenRequest
from utd_stream.engine.rules import Actor, Command, Decision, Room, Rules, overdue
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.audio_room import grid_of
from utd_stream.engine.rules.roster import unborn
from utd_stream.errors import EngineError
from utd_stream.models.rooms import DisconnectReason, SeatMode, UTDRole, UTDStreamType
from utd_stream.models.seats import UTDSeatGrid
from utd_stream.ports import SfuParticipant
from utd_stream.testing import laws
from utd_stream.testing._changes import Asked, judged_change, sitting
from utd_stream.testing._departures import Departures
from utd_stream.testing._kept_room import KeptRoom
from utd_stream.testing.messages import orders

__all__ = ["KeptRoom", "SeatGridMachine"]

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


# What a goodbye, a grace, a request and an empty room take, and less.
_pauses = st.sampled_from((0.5, 2.0, 15.0, 60.0, 300.0))
_PATIENCE = timedelta(seconds=60)


class SeatGridMachine(RuleBasedStateMachine):
    """One grid, and whatever people may want of it.

    Attributes:
        people: Who is in the room; the first one is its host.
        seat_count: Of the grid, at first.
        seat_mode: Likewise.
        now: The time of the next decision.
    """

    people: ClassVar[tuple[str, ...]] = ("host", "ana", "ben", "eva")
    seat_count: ClassVar[int] = 3
    seat_mode: ClassVar[SeatMode] = SeatMode.FREE

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = _NOON
        self._kept = KeptRoom(_KEY, _RULES)
        self._newest_id = 0
        self._there: dict[str, SfuParticipant] = {}
        self._connections = 0
        self._departures = Departures()

    @property
    def room(self) -> Room:
        """As it was decided last."""
        return self._kept.room or unborn(*_KEY, self.now)

    @property
    def grid(self) -> UTDSeatGrid:
        """What everybody sees."""
        return grid_of(self.room)

    @initialize(seated=st.integers(0, 3))
    def open(self, seated: int) -> None:
        """Let everybody in; the first few sit."""
        for who in self.people:
            self.come(who)
        for index, who in enumerate(self.people[: min(seated, self.seat_count)]):
            invite = c.InviteToSpeak(identity=who, seat_index=index)
            asked = self.decide(self.people[0], invite)
            accept = c.AcceptInvitation(invitation_id=asked.invitation_id)
            self.decide(who, accept)

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
        order=_order(c.SwapSeats, c.KickFromSeat, c.MuteSeat, c.UnmuteSeat, c.SetRole),
    )
    def moderate(self, who: str, order: c.Order) -> None:
        """Do something to who sits, or give somebody another role."""
        self.decide(who, order)

    @rule(
        who=_speaker,
        order=_order(c.MuteParticipant, c.MuteRoom, c.LockChat, c.UnlockChat),
    )
    def silence(self, who: str, order: c.Order) -> None:
        """Take sources or the chat from somebody or from all, or give them back."""
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

    @rule(who=_someone, reason=st.sampled_from(DisconnectReason), late=st.booleans())
    def go(self, who: str, reason: DisconnectReason, *, late: bool) -> None:
        """Lose the connection for any reason, or be told so of an older one."""
        gone = None if late else self._there.pop(who, None)
        sid = "PA_0" if gone is None else gone.sid
        self.decide(who, c.MemberLeft(identity=who, sid=sid, reason=reason))

    @rule(who=_someone, whom=_someone)
    def part(self, who: str, whom: str) -> None:
        """Say goodbye to the engine, or remove somebody else."""
        is_own = who == whom
        self.decide(who, c.LeaveRoom() if is_own else c.KickMember(identity=whom))

    @rule(seconds=_pauses)
    def wait(self, seconds: float) -> None:
        """Let time pass, in seconds, what is due happen, and the engine look."""
        self.now += timedelta(seconds=seconds)
        if "time" in overdue(self.room, _RULES, self.now):
            self.decide("", c.TimePassed())
        there = tuple(self._there.values())
        self.decide("", self._kept.listed(there, asked_at=self.now))
        if overdue(self.room, _RULES, self.now):
            message = "something is due, and is not done"
            raise AssertionError(message)
        self._judge(_overdue(self.grid, self.now))

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
        made = self._decided(command, actor)
        if _told(made) != _told(self._decided(command, actor)):
            message = f"{command} was decided in two ways"
            raise AssertionError(message)
        answer: Any = made
        if isinstance(made, Decision):
            self._kept.keep(made)
            answer = made.answer
        after = self.room
        was, now = grid_of(before), grid_of(after)
        self._judge(
            laws.grid_laws(now),
            self._judged_change(command, actor, before, after),
            self._judged_ids(was, now),
            self._departures.judged(command, now, self.now),
            self.change_laws(was, now),
        )
        self._departures.note(command, was, now, self.now)
        return answer

    def _judge(self, *broken: Iterable[str]) -> None:
        found = [sentence for law in broken for sentence in law]
        if found:
            raise AssertionError("\n".join(found))

    def _judged_change(
        self, command: Command, actor: Actor, before: Room, after: Room
    ) -> Iterator[str]:
        """Judge that nothing changed but what was asked for."""
        was, now = grid_of(before), grid_of(after)
        if before.is_live and not after.is_live:
            # With the room goes the grid.
            yield from self._departures.judged_end(command, self.now)
            every = range(was.seat_count)
            asked = Asked(sitting(was.seats), muted=every, locked=every)
        elif isinstance(command, c.MemberLeft | c.MembersListed):
            asked = Asked(self._departures.may_lose(command, self.now))
        else:
            asked = Asked.by(command, actor, before)
        yield from judged_change(was, now, asked)

    def change_laws(
        self,
        before: UTDSeatGrid,  # noqa: ARG002 -- for subclasses
        after: UTDSeatGrid,  # noqa: ARG002 -- likewise
    ) -> Iterator[str]:
        """Yield a sentence for what is broken between two grids, a decision apart."""
        return iter(())

    def _decided(self, command: Command, actor: Actor) -> Decision | EngineError:
        who = _who_may(type(command))
        try:
            return self._kept.decide(command, who=who, actor=actor, now=self.now)
        except EngineError as refusal:
            return refusal

    def _judged_ids(self, before: UTDSeatGrid, after: UTDSeatGrid) -> Iterator[str]:
        """Judge that what is asked has an id that nothing had before."""
        for each in sorted(_waiting(after) - _waiting(before)):
            if each <= self._newest_id:
                yield f"id {each} was given before"
            self._newest_id = max(self._newest_id, each)


_NAMES: dict[type, str] = {c.KickMember: "kick_participant", c.Enter: "create_token"}
_WHO = {endpoint.name: endpoint.who for endpoint in ENDPOINTS}


def _who_may(kind: type[Command]) -> Who:
    """Return who may say it, as the endpoint of the same name has it."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
    return _WHO.get(_NAMES.get(kind, name), Who.SFU)


def _overdue(grid: UTDSeatGrid, now: datetime) -> Iterator[str]:
    """Judge that nothing waits for longer than it may."""
    for request in grid.requests:
        if request.created_at is not None and request.created_at + _PATIENCE <= now:
            yield f"{request.identity} asks for too long"
    for invited in grid.invitations:
        if invited.expires_at is not None and invited.expires_at <= now:
            yield f"{invited.identity} is invited for too long"


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


def _waiting(grid: UTDSeatGrid) -> set[int]:
    return {each.id for each in grid.requests} | {each.id for each in grid.invitations}
