"""A whole audio room as a Hypothesis state machine: any command, any fault.

Several clients, one engine and one SFU live in an embedded world on virtual
time.  After each step the laws that hold at every moment are checked; after
the faults are undone and a while has passed, the engine, the SFU and every
client must agree.  Subclass it to add rules and laws of your own app::

    class MyRoom(AudioRoomMachine):
        people = ("host", "guest")

    TestMyRoom = MyRoom.TestCase

Source: contract.md section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import orjson
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.models.rooms import SeatMode
from utd_stream.testing._crowd import Crowd

__all__ = ["AudioRoomMachine", "FaultyAudioRoomMachine"]

_SEATS = 3

_someone = st.runner().flatmap(lambda machine: st.sampled_from(machine.people))
# Who moderates: as a rule the one who may.
_moderator = st.one_of(
    st.runner().map(lambda machine: machine.people[0]),
    st.runner().map(lambda machine: machine.people[0]),
    _someone,
)
_seats = st.integers(0, _SEATS - 1)
# How long to wait after a command: not at all, so that it meets the next one;
# for what needs no time; or for its answer.
_then = st.sampled_from((None, 0.0, 0.1))
# What a webhook, a grace, a light and a full outage take.
_pauses = st.sampled_from((0.01, 0.2, 1.0, 3.0, 16.0, 61.0))
# After this everything that was under way has ended: the longest grace, the
# minute of a reconnect, a request's expiry and a reconcile period.
_QUIET = 90.0


class AudioRoomMachine(RuleBasedStateMachine):
    """One room without faults.

    Attributes:
        people: Who may come; the first one asks for the role of host.
        room_name: The room.
    """

    people: ClassVar[tuple[str, ...]] = ("ana", "ben", "eva", "dan")
    room_name: ClassVar[str] = "lounge"

    def __init__(self) -> None:
        super().__init__()
        self.crowd: Crowd

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
            seat_count=_SEATS,
            seat_mode=mode,
            host_seat=0 if host_sits else None,
        )
        self.crowd.sim.advance(1)
        for who in self.people[1 : 1 + guests]:
            self.crowd.join(who)
        self.crowd.sim.advance(1)

    # Coming and going.

    @rule(who=_someone)
    def join(self, who: str) -> None:
        """Enter, or enter again from another device."""
        self.crowd.join(who, as_host=who == self.people[0])

    @rule(who=_someone, then=_then)
    def leave(self, who: str, then: float | None) -> None:
        """Leave the room; the session may come back."""
        self._ask(who, then, "leave", lambda session: session.leave())

    @rule(who=_someone, then=_then)
    def rejoin(self, who: str, then: float | None) -> None:
        """Come back with the same session."""
        self._ask(who, then, "rejoin", lambda session: session.rejoin())

    @rule(who=_someone, then=_then)
    def dispose(self, who: str, then: float | None) -> None:
        """Leave for good."""
        self._ask(who, then, "dispose", lambda session: session.dispose())
        self.crowd.sessions.pop(who, None)

    @rule(who=_moderator, whom=_someone, then=_then)
    def kick(self, who: str, whom: str, then: float | None) -> None:
        """Remove somebody."""
        self._ask(who, then, "kick", lambda session: session.kick(whom))

    @rule(pause=_pauses)
    def wait(self, pause: float) -> None:
        """Let time pass, in seconds."""
        self.crowd.sim.advance(pause)

    @rule()
    def cancel(self) -> None:
        """Cancel what was asked last and has no answer yet."""
        self.crowd.cancel()

    # One's own seat.

    @rule(who=_someone, index=_seats, then=_then)
    def take_seat(self, who: str, index: int, then: float | None) -> None:
        """Sit down."""
        self._ask(who, then, "take_seat", lambda session: session.take_seat(index))

    @rule(who=_someone, then=_then)
    def leave_seat(self, who: str, then: float | None) -> None:
        """Stand up."""
        self._ask(who, then, "leave_seat", lambda session: session.leave_seat())

    @rule(who=_someone, index=_seats, then=_then)
    def move_seat(self, who: str, index: int, then: float | None) -> None:
        """Sit down elsewhere."""
        self._ask(who, then, "move_seat", lambda session: session.move_seat(index))

    @rule(who=_someone, on=st.booleans(), then=_then)
    def set_microphone(self, who: str, *, on: bool, then: float | None) -> None:
        """Be heard, or not."""
        self._ask(
            who, then, "set_microphone", lambda session: session.set_microphone(on)
        )

    # The grid.

    @rule(who=_moderator, a=_seats, b=_seats, then=_then)
    def swap_seats(self, who: str, a: int, b: int, then: float | None) -> None:
        """Exchange two occupants."""
        self._ask(who, then, "swap_seats", lambda session: session.swap_seats(a, b))

    @rule(who=_moderator, index=_seats, locked=st.booleans(), then=_then)
    def lock_seat(
        self, who: str, index: int, *, locked: bool, then: float | None
    ) -> None:
        """Close a seat, or open it."""

        async def _lock(session: UTDAudioRoomSession) -> None:
            await (session.lock_seat if locked else session.unlock_seat)(index)

        self._ask(who, then, "lock_seat", _lock)

    @rule(who=_moderator, index=_seats, muted=st.booleans(), then=_then)
    def mute_seat(
        self, who: str, index: int, *, muted: bool, then: float | None
    ) -> None:
        """Silence a seat, or not."""

        async def _mute(session: UTDAudioRoomSession) -> None:
            await (session.mute_seat if muted else session.unmute_seat)(index)

        self._ask(who, then, "mute_seat", _mute)

    @rule(who=_moderator, index=_seats, then=_then)
    def kick_from_seat(self, who: str, index: int, then: float | None) -> None:
        """Unseat somebody."""
        self._ask(who, then, "kick_from_seat", lambda s: s.kick_from_seat(index))

    @rule(
        who=_moderator,
        count=st.integers(1, _SEATS),
        mode=st.sampled_from(SeatMode),
        then=_then,
    )
    def setup_seats(
        self, who: str, count: int, mode: SeatMode, then: float | None
    ) -> None:
        """Change the grid."""
        self._ask(who, then, "setup_seats", lambda s: s.setup_seats(count, mode))

    # Requests and invitations.

    @rule(who=_someone, then=_then)
    def request_to_speak(self, who: str, then: float | None) -> None:
        """Ask for a seat."""
        self._ask(who, then, "request_to_speak", lambda s: s.request_to_speak())

    @rule(who=_someone, then=_then)
    def cancel_request(self, who: str, then: float | None) -> None:
        """Ask no more."""
        self._ask(who, then, "cancel_request", lambda s: s.cancel_request())

    @rule(who=_moderator, is_yes=st.booleans(), then=_then)
    def answer_request(self, who: str, *, is_yes: bool, then: float | None) -> None:
        """Approve or reject the oldest request that is seen."""

        async def _answer(session: UTDAudioRoomSession) -> None:
            waiting = session.speaker_requests.value
            if waiting:
                decide = session.approve_speaker if is_yes else session.reject_speaker
                await decide(waiting[0].id)

        self._ask(who, then, "answer_request", _answer)

    @rule(who=_moderator, whom=_someone, index=st.none() | _seats, then=_then)
    def invite_to_speak(
        self, who: str, whom: str, index: int | None, then: float | None
    ) -> None:
        """Invite somebody, to a seat or to any."""
        self._ask(
            who, then, "invite_to_speak", lambda s: s.invite_to_speak(whom, index)
        )

    @rule(is_yes=st.booleans(), then=_then)
    def answer_invitation(self, then: float | None, *, is_yes: bool) -> None:
        """Let the first who is invited accept or decline."""

        async def _answer(session: UTDAudioRoomSession) -> None:
            await (
                session.accept_invitation if is_yes else session.decline_invitation
            )()

        for who, session in self.crowd.sessions.items():
            if session.invitation.value is not None:
                self._ask(who, then, "answer_invitation", _answer)
                return

    # Laws.

    @rule()
    def fall_quiet(self) -> None:
        """Undo all faults, let a while pass, and compare everybody."""
        self._agree()

    @invariant()
    def holds_now(self) -> None:
        """Check what holds at every moment."""
        self._judge(self.crowd.now())

    def teardown(self) -> None:
        """Compare everybody, let all leave, and see that nothing is left."""
        if not hasattr(self, "crowd"):
            return
        try:
            self._agree()
            self.crowd.leave_all()
            self._judge(self.crowd.deserted())
        finally:
            self.crowd.close()

    # For subclasses.

    def _agree(self) -> None:
        self._heal()
        self.crowd.sim.advance(_QUIET)
        self._judge(self.crowd.quiet())

    def _heal(self) -> None:
        """Undo every fault."""

    def _ask(
        self,
        who: str,
        then: float | None,
        name: str,
        call: Callable[[UTDAudioRoomSession], Any],
    ) -> None:
        """Ask something on the newest session of *who*, and wait for *then* s."""
        if who not in self.crowd.sessions:
            self.crowd.join(who, as_host=who == self.people[0])
            self.crowd.sim.advance(0.1)
        self.crowd.ask(who, name, call, settle=then is not None)
        if then:
            self.crowd.sim.advance(then)

    def _judge(self, broken: Iterator[str]) -> None:
        found = list(dict.fromkeys(broken))
        if found:
            for line in self.crowd.sim.log.lines:
                note(line)
            raise AssertionError("\n".join(found))


class FaultyAudioRoomMachine(AudioRoomMachine):
    """One room with every fault that a network, an SFU and an engine can have."""

    @rule(who=_someone)
    def cut_line(self, who: str) -> None:
        """Let nothing get through between a client and the SFU."""
        self._at_line(self.crowd.sim.world.sfu.lines.cut, who)

    @rule(who=_someone)
    def mend_line(self, who: str) -> None:
        """Let everything through again."""
        self._at_line(self.crowd.sim.world.sfu.lines.mend, who)

    @rule(who=_someone)
    def reconnect(self, who: str) -> None:
        """Let a client connect anew, by itself."""
        self._at_line(self.crowd.sim.world.sfu.lines.reconnect, who)

    @rule(who=_someone)
    def resume(self, who: str) -> None:
        """Let a client resume."""
        self._at_line(self.crowd.sim.world.sfu.lines.resume, who)

    @rule(who=_someone)
    def die(self, who: str) -> None:
        """End a client as its process would, without a word to anybody."""
        self.crowd.kill(who)

    @rule()
    def restart_sfu(self) -> None:
        """Let the SFU forget everything."""
        self.crowd.restart_sfu()

    @rule(who=_someone, index=_seats)
    def forge(self, who: str, index: int) -> None:
        """Pose as the engine and tell everybody of a seat (T43)."""
        seats = [
            {"index": at, "identity": who if at == index else None}
            for at in range(_SEATS)
        ]
        grid = {"count": _SEATS, "rev": 10**6, "seats": seats}
        told = {"type": "_seat_update", "_seats": grid}
        self.crowd.forge(who, orjson.dumps(told))

    @rule(delay=st.sampled_from((0.0, 0.5, None)))
    def delay_grants(self, delay: float | None) -> None:
        """Hold rights back after they were confirmed, or lose them."""
        self.crowd.sim.world.sfu.grant_delay = delay

    @rule(delay=st.sampled_from((0.0, 0.3)))
    def delay_requests(self, delay: float) -> None:
        """Let the SFU take its time over what the engine asks of it."""
        self.crowd.sim.world.sfu.delay = delay

    @rule(how=st.sampled_from(("drop", "delay", "hold", "restore")))
    def disturb_webhooks(self, how: str) -> None:
        """Lose, delay or hold back what the SFU tells, or not any more."""
        webhooks = self.crowd.sim.world.webhooks
        match how:
            case "drop":
                webhooks.drop()
            case "delay":
                webhooks.delay(3.0)
            case "hold":
                webhooks.hold()
            case _:
                webhooks.restore()

    @rule()
    def release_webhooks(self) -> None:
        """Deliver what was held back, the newest first."""
        self.crowd.begin(
            "release", lambda: self.crowd.sim.world.webhooks.release(reversed)
        )

    @rule()
    def kill_engine(self) -> None:
        """Kill the engine in the middle of whatever it does."""
        self.crowd.sim.run(self.crowd.sim.world.kill_engine())

    @rule()
    def start_engine(self) -> None:
        """Start the engine, if it does not run."""
        self.crowd.sim.run(self.crowd.sim.world.start_engine())

    def _heal(self) -> None:
        world = self.crowd.sim.world
        world.sfu.delay = world.sfu.grant_delay = 0.0
        world.webhooks.restore()
        for who in self.people:
            self._at_line(world.sfu.lines.mend, who)
        self.crowd.sim.run(world.start_engine())

    def _at_line(self, fault: Callable[[str, str], None], who: str) -> None:
        self.crowd.act(fault, self.crowd.sfu_room, who)
