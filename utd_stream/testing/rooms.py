"""A whole audio room as a Hypothesis state machine: any order of commands and faults.

Several clients, one engine and one SFU live in an embedded world on virtual
time.  After each step the laws that hold at every moment are checked; after
the faults are undone and a while has passed, the engine, the SFU and every
client must agree.  Subclass it to add rules and laws of your own app::

    from hypothesis import strategies as st
    from hypothesis.stateful import invariant, rule
    from utd_stream import SeatOccupancy
    from utd_stream.testing.rooms import FaultyAudioRoomMachine

    class Karaoke(FaultyAudioRoomMachine):
        people = ("host", "ana", "ben")
        seat_count = 2

        @rule(who=st.sampled_from(people))
        def sing(self, who: str) -> None:
            self.ask(who, "sings", lambda session: session.take_seat(1), then=3.0)

        @invariant()
        def who_speaks_sits(self) -> None:
            for session in self.crowd.everybody:
                if session.occupancy.value is SeatOccupancy.SPEAKING:
                    assert session.seat.value is not None

    TestKaraoke = Karaoke.TestCase

A failure shows the shortest script that Hypothesis found, the end of the fact
log, and a sentence for each law that is broken.

Source: contract.md section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import orjson
from hypothesis import strategies as st
from hypothesis.stateful import rule

from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.models.rooms import SeatMode
from utd_stream.testing._crowd import Crowd, Operation
from utd_stream.testing._room_walk import RoomWalk
from utd_stream.testing._truth import Truth

__all__ = [
    "AudioRoomMachine",
    "Crowd",
    "FaultyAudioRoomMachine",
    "Operation",
    "RoomWalk",
    "Truth",
]


@lru_cache  # to make one takes milliseconds
def _numbers(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least, most)


_someone = st.runner().flatmap(lambda machine: st.sampled_from(machine.people))
# Who moderates: as a rule the one who may.
_moderator = st.one_of(
    st.runner().map(lambda machine: machine.people[0]),
    st.runner().map(lambda machine: machine.people[0]),
    _someone,
)
_seats = st.runner().flatmap(lambda machine: _numbers(0, machine.seat_count - 1))
_seat_counts = st.runner().flatmap(lambda machine: _numbers(1, machine.seat_count))
# How long to wait after a command: not at all, so that it meets the next one;
# for what needs no time; or for its answer.
_then = st.sampled_from((None, 0.0, 0.1))
# What a webhook, a grace, a light and a full outage take.
_pauses = st.sampled_from((0.01, 0.2, 1.0, 3.0, 16.0, 61.0))


class AudioRoomMachine(RoomWalk):
    """One room without faults, and any command; see `RoomWalk` for what is yours."""

    # Coming and going.

    @rule(who=_someone)
    def join(self, who: str) -> None:
        """Enter, or enter again from another device."""
        self.crowd.join(who, as_host=who == self.people[0])

    @rule(who=_someone, then=_then)
    def leave(self, who: str, then: float | None) -> None:
        """Leave the room; the session may come back."""
        self.ask(who, "leave", lambda session: session.leave(), then)

    @rule(who=_someone, then=_then)
    def rejoin(self, who: str, then: float | None) -> None:
        """Come back with the same session."""
        self.ask(who, "rejoin", lambda session: session.rejoin(), then)

    @rule(who=_someone, then=_then)
    def dispose(self, who: str, then: float | None) -> None:
        """Leave for good."""
        self.ask(who, "dispose", lambda session: session.dispose(), then)
        self.crowd.sessions.pop(who, None)

    @rule(who=_moderator, whom=_someone, then=_then)
    def kick(self, who: str, whom: str, then: float | None) -> None:
        """Remove somebody."""
        self.ask(who, "kick", lambda session: session.kick(whom), then)

    @rule(who=_moderator, then=_then)
    def end_room(self, who: str, then: float | None) -> None:
        """End the room for everybody; it may live again."""
        self.ask(who, "end_room", lambda session: session.end_room(), then)

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
        self.ask(who, "take_seat", lambda session: session.take_seat(index), then)

    @rule(who=_someone, then=_then)
    def leave_seat(self, who: str, then: float | None) -> None:
        """Stand up."""
        self.ask(who, "leave_seat", lambda session: session.leave_seat(), then)

    @rule(who=_someone, index=_seats, then=_then)
    def move_seat(self, who: str, index: int, then: float | None) -> None:
        """Sit down elsewhere."""
        self.ask(who, "move_seat", lambda session: session.move_seat(index), then)

    @rule(who=_someone, on=st.booleans(), then=_then)
    def set_microphone(self, who: str, *, on: bool, then: float | None) -> None:
        """Be heard, or not."""
        self.ask(who, "set_microphone", lambda s: self.crowd.switch(s, on=on), then)

    # The grid.

    @rule(who=_moderator, a=_seats, b=_seats, then=_then)
    def swap_seats(self, who: str, a: int, b: int, then: float | None) -> None:
        """Exchange two occupants."""
        self.ask(who, "swap_seats", lambda session: session.swap_seats(a, b), then)

    @rule(who=_moderator, index=_seats, locked=st.booleans(), then=_then)
    def lock_seat(
        self, who: str, index: int, *, locked: bool, then: float | None
    ) -> None:
        """Close a seat, or open it."""

        async def _lock(session: UTDAudioRoomSession) -> None:
            await (session.lock_seat if locked else session.unlock_seat)(index)

        self.ask(who, "lock_seat", _lock, then)

    @rule(who=_moderator, index=_seats, muted=st.booleans(), then=_then)
    def mute_seat(
        self, who: str, index: int, *, muted: bool, then: float | None
    ) -> None:
        """Silence a seat, or not."""

        async def _mute(session: UTDAudioRoomSession) -> None:
            await (session.mute_seat if muted else session.unmute_seat)(index)

        self.ask(who, "mute_seat", _mute, then)

    @rule(who=_moderator, index=_seats, then=_then)
    def kick_from_seat(self, who: str, index: int, then: float | None) -> None:
        """Unseat somebody."""
        self.ask(who, "kick_from_seat", lambda s: s.kick_from_seat(index), then)

    @rule(
        who=_moderator,
        count=_seat_counts,
        mode=st.sampled_from(SeatMode),
        then=_then,
    )
    def setup_seats(
        self, who: str, count: int, mode: SeatMode, then: float | None
    ) -> None:
        """Change the grid."""
        self.ask(who, "setup_seats", lambda s: s.setup_seats(count, mode), then)

    # Requests and invitations.

    @rule(who=_someone, then=_then)
    def request_to_speak(self, who: str, then: float | None) -> None:
        """Ask for a seat."""
        self.ask(who, "request_to_speak", lambda s: s.request_to_speak(), then)

    @rule(who=_someone, then=_then)
    def cancel_request(self, who: str, then: float | None) -> None:
        """Ask no more."""
        self.ask(who, "cancel_request", lambda s: s.cancel_request(), then)

    @rule(who=_moderator, is_yes=st.booleans(), then=_then)
    def answer_request(self, who: str, *, is_yes: bool, then: float | None) -> None:
        """Approve or reject the oldest request that is seen."""

        async def _answer(session: UTDAudioRoomSession) -> None:
            waiting = session.speaker_requests.value
            if waiting:
                decide = session.approve_speaker if is_yes else session.reject_speaker
                await decide(waiting[0].id)

        self.ask(who, "answer_request", _answer, then)

    @rule(who=_moderator, whom=_someone, index=st.none() | _seats, then=_then)
    def invite_to_speak(
        self, who: str, whom: str, index: int | None, then: float | None
    ) -> None:
        """Invite somebody, to a seat or to any."""
        self.ask(who, "invite_to_speak", lambda s: s.invite_to_speak(whom, index), then)

    @rule(is_yes=st.booleans(), then=_then)
    def answer_invitation(self, then: float | None, *, is_yes: bool) -> None:
        """Let the first who is invited accept or decline."""

        async def _answer(session: UTDAudioRoomSession) -> None:
            await (
                session.accept_invitation if is_yes else session.decline_invitation
            )()

        for who, session in self.crowd.sessions.items():
            if session.invitation.value is not None:
                self.ask(who, "answer_invitation", _answer, then)
                return


class FaultyAudioRoomMachine(AudioRoomMachine):
    """One room through faults of network, SFU, webhooks and engine.

    Outages of the SFU and wrong clocks are for scripts: `utd_stream.testing.faults`.
    """

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
            for at in range(self.seat_count)
        ]
        grid = {"count": self.seat_count, "rev": 10**6, "seats": seats}
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

    def quiet_laws(self) -> Iterator[str]:
        """Yield what is broken; who was disturbed may have given up."""
        return self.crowd.quiet()

    def heal(self) -> None:
        """Undo every fault."""
        world = self.crowd.sim.world
        world.sfu.delay = world.sfu.grant_delay = 0.0
        world.webhooks.restore()
        for who in self.people:
            self._at_line(world.sfu.lines.mend, who)
        self.crowd.sim.run(world.start_engine())

    def _at_line(self, fault: Callable[[str, str], None], who: str) -> None:
        self.crowd.act(fault, self.crowd.sfu_room, who)
