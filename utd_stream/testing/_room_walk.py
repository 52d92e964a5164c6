"""What every walk through a whole room has, whatever its rules are."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.models.rooms import SeatMode
from utd_stream.testing._crowd import Crowd
from utd_stream.testing._telling import told

__all__ = ["RoomWalk"]

# After this everything that was under way has ended: the longest grace, the
# minute of a reconnect, a request's expiry and a reconcile period.
_QUIET = 90.0
# But for joins of one identity at once: whoever is on the way in when the next one
# comes hears nothing of it, and tries again after 15 s; LiveKit's do, too.
_NEXT_JOIN = 15.0


class RoomWalk(RuleBasedStateMachine):
    """One room, its people, its laws, and what a subclass may use and change.

    Attributes:
        people: Who may come; the first one asks for the role of host.
        room_name: The room.
        seat_count: Of the grid, at first.
        crowd: Everybody, their world, and what its engine committed.
    """

    people: ClassVar[tuple[str, ...]] = ("ana", "ben", "eva", "dan")
    room_name: ClassVar[str] = "lounge"
    seat_count: ClassVar[int] = 3

    def __init__(self) -> None:
        super().__init__()
        self.crowd: Crowd
        self._is_broken = False

    @initialize(
        seed=st.integers(0, 2**16),
        mode=st.sampled_from(SeatMode),
        host_sits=st.booleans(),
        guests=st.integers(0, 3),
    )
    def open(self, seed: int, mode: SeatMode, guests: int, *, host_sits: bool) -> None:
        """Open the room: its host is there, and so are some guests."""
        self.crowd = Crowd(seed, self.room_name)
        self.crowd.join(
            self.people[0],
            as_host=True,
            seat_count=self.seat_count,
            seat_mode=mode,
            host_seat=0 if host_sits else None,
        )
        self.crowd.sim.advance(1)
        for who in self.people[1 : 1 + guests]:
            self.crowd.join(who)
        self.crowd.sim.advance(1)

    # Laws.

    @rule()
    def fall_quiet(self) -> None:
        """Undo all faults, let a while pass, and compare everybody."""
        self.agree()

    @invariant()
    def holds_now(self) -> None:
        """Check what holds at every moment."""
        self.judge(self.crowd.now())

    def teardown(self) -> None:
        """Compare everybody, let all leave, and see that nothing is left."""
        if not hasattr(self, "crowd"):
            return
        try:
            if not self._is_broken:
                self.agree()
                self.crowd.leave_all()
                self.judge(self.crowd.deserted())
        finally:
            # What is left over says less than what was found.
            with suppress(*[AssertionError] * self._is_broken):
                self.crowd.close()

    # For subclasses.

    def ask(
        self,
        who: str,
        name: str,
        call: Callable[[UTDAudioRoomSession], Coroutine[Any, Any, object]],
        then: float | None = 0.0,
    ) -> None:
        """Ask something on the newest session of *who*, who enters first if need be.

        A refusal, any `UTDStreamException`, is an answer; another error is a
        finding.

        Args:
            who: One of `people`.
            name: What a finding calls it.
            call: What is asked.
            then: How long to wait for it, in seconds; None: not even for what
                needs no time, so that it meets the next step.
        """
        if who not in self.crowd.sessions:
            self.crowd.join(who, as_host=who == self.people[0])
            self.crowd.sim.advance(0.1)
        self.crowd.ask(who, name, call, settle=then is not None)
        if then:
            self.crowd.sim.advance(then)

    def agree(self) -> None:
        """Undo all faults, let a while pass, and judge what must agree then."""
        self.heal()
        self.crowd.sim.advance(_QUIET)
        for _ in self.crowd.under_way():
            self.crowd.sim.advance(_NEXT_JOIN)
        self.judge(self.quiet_laws())

    def heal(self) -> None:
        """Undo every fault."""

    def quiet_laws(self) -> Iterator[str]:
        """Yield a sentence for whatever is broken when nothing is under way."""
        yield from self.crowd.quiet()
        yield from self.crowd.undisturbed()

    def judge(self, broken: Iterable[str]) -> None:
        """Fail with the sentences of what is *broken*, if any, and show the log.

        Raises:
            AssertionError: If something is broken.
        """
        found = list(dict.fromkeys(broken))
        if found:
            self._is_broken = True
            error = AssertionError("\n".join(found))
            error.add_note(told(self.crowd.sim.log.lines))
            raise error
