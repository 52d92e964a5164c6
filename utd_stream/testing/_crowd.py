"""What a walk through a whole room needs beside its rules: people, tasks, verdicts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

import attrs

from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.errors import SfuNotFoundError, UTDStreamException
from utd_stream.media import Silence
from utd_stream.models.rooms import UTDConnectionState
from utd_stream.ports import SfuParticipant
from utd_stream.testing import laws
from utd_stream.testing._simulation import Simulation
from utd_stream.testing._truth import Truth

__all__ = ["Crowd", "Operation"]

# How long a room lives with nobody in it, and when the SFU has heard of its end.
_ROOM_EMPTY = 40.0
_EMPTY = 60.0
_SETTLED = frozenset(
    {
        UTDConnectionState.CONNECTED,
        UTDConnectionState.DISCONNECTED,
        UTDConnectionState.FORCE_EXIT,
    }
)


@attrs.define(eq=False)
class Operation:
    """Something that was asked and may not have ended yet.

    Attributes:
        name: As the rules call it, and by whom.
        task: It.
    """

    name: str
    task: asyncio.Task[None]


class _Errors(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message, and the error if there is one."""
        cause = "" if record.exc_info is None else f": {record.exc_info[1]!r}"
        self.heard.append(record.getMessage() + cause)


class Crowd:
    """Everybody in one room of a simulated world.

    Args:
        seed: Orders what happens at one instant, and draws all chance.
        room_name: The room.
        settings: Of the world.

    Attributes:
        sim: The world.
        truth: What its engine committed.
        sessions: The newest of each person who joined.
        everybody: All that live, older ones too.
        dead: Those whose process has ended.
        silenced: Those who said that they want not to be heard.
        operations: What was asked and has not ended.
    """

    def __init__(self, seed: int, room_name: str, **settings: Any) -> None:
        self.truth: Truth = Truth(room_name)
        settings = {"room_empty": _ROOM_EMPTY, **settings}
        self.sim: Simulation = Simulation(
            seed, observer=self.truth, horizon=1e9, **settings
        )
        self.truth.loop = self.sim.loop
        self.sim.world.sfu.watch(self.truth.hear)
        self.room_name = room_name
        self.sfu_room: str = self.sim.world.sfu_room(room_name)
        self.sessions: dict[str, UTDAudioRoomSession] = {}
        self.everybody: list[UTDAudioRoomSession] = []
        self.dead: list[UTDAudioRoomSession] = []
        self.silenced: set[UTDAudioRoomSession] = set()
        self.operations: list[Operation] = []
        self.failures: list[str] = []
        self._revs: dict[int, int] = {}
        self._errors = _Errors()
        logging.getLogger("utd_stream").addHandler(self._errors)

    # Acting.

    def join(self, who: str, **asked: Any) -> None:
        """Begin to enter the room with a client of one's own."""

        async def _enter() -> None:
            client = self.sim.world.client(microphone=Silence())
            session = await client.join_audio_room(who, self.room_name, **asked)
            self.sessions[who] = session
            self.everybody.append(session)

        self.begin(f"{who} joins", _enter)

    def ask(
        self,
        who: str,
        name: str,
        call: Callable[[UTDAudioRoomSession], Coroutine[Any, Any, object]],
        *,
        settle: bool = True,
    ) -> None:
        """Begin something on the session of *who*, if there is one."""
        session = self.sessions.get(who)
        if session is not None:

            async def _work() -> None:
                await call(session)

            self.begin(f"{who}: {name}", _work, settle=settle)

    def begin(
        self,
        name: str,
        work: Callable[[], Coroutine[Any, Any, None]],
        *,
        settle: bool = True,
    ) -> None:
        """Begin something, and as a rule let happen what needs no time."""

        async def _guarded() -> None:
            try:
                await work()
            except UTDStreamException:
                return  # a refusal is an answer
            except Exception as error:  # noqa: BLE001 -- any other one is the finding
                self.failures.append(f"{name} raised {error!r}")

        self.operations.append(Operation(name, self.sim.loop.create_task(_guarded())))
        if settle:
            self.sim.settle()

    def act(self, fault: Callable[..., object], *arguments: Any) -> None:
        """Let a fault happen, if somebody is there to suffer it."""
        with suppress(SfuNotFoundError):
            self.sim.act(fault, *arguments)

    async def switch(self, session: UTDAudioRoomSession, *, on: bool) -> None:
        """Switch a microphone, and remember what was said."""
        (self.silenced.discard if on else self.silenced.add)(session)
        await session.set_microphone(on)

    def restart_sfu(self) -> None:
        """Let the SFU forget everybody, and come back."""
        self.truth.forget()
        self.act(self.sim.world.sfu.restart)

    def forge(self, who: str, data: bytes) -> None:
        """Send a data message round the SDK, which would refuse it."""
        session = self.sessions.get(who)
        if session is not None:

            async def _send() -> None:
                room = session.room.room
                await room.send_data(data, reliable=True, to=(), topic="")

            self.begin(f"{who} forges", _send)

    def kill(self, who: str) -> None:
        """End somebody's client as its process would, if the SFU knows it."""
        person = self.person(who)
        for session in self.everybody:
            if person is not None and session.local_participant.sid == person.sid:
                self.everybody.remove(session)
                self.dead.append(session)
                if self.sessions.get(who) is session:
                    del self.sessions[who]
                self.act(self.sim.world.sfu.lines.kill, self.sfu_room, who)
                return

    def cancel(self) -> None:
        """Cancel what was begun last and has not ended."""
        for operation in reversed(self.operations):
            if not operation.task.done():
                operation.task.cancel()
                self.sim.settle()
                return

    def leave_all(self) -> None:
        """Dispose of every session, and wait for it."""
        for session in (*self.everybody, *self.dead):
            self.begin("dispose", session.dispose)
        self.sim.advance(_EMPTY)

    def close(self) -> None:
        """End the world.

        Raises:
            AssertionError: If something outlived it.
        """
        logging.getLogger("utd_stream").removeHandler(self._errors)
        self.sim.close()

    # Looking.

    def under_way(self) -> list[Operation]:
        """Return what was asked and has not ended."""
        return [each for each in self.operations if not each.task.done()]

    def people(self) -> list[SfuParticipant]:
        """Return whom the SFU lists."""
        return list(self.sim.world.sfu.participants(self.sfu_room))

    def person(self, identity: str) -> SfuParticipant | None:
        """Return somebody as the SFU lists them, or None."""
        return self.sim.world.sfu.participant(self.sfu_room, identity)

    # Judging.

    def now(self) -> Iterator[str]:
        """Yield what is broken at this moment, whatever is under way."""
        self.operations = self.under_way()
        yield from self.failures
        yield from self.truth.failures
        yield from (f"logged as an error: {text}" for text in self._errors.heard)
        newest = self.truth.newest
        if newest is not None:
            yield from laws.grid_laws(newest.grid)
        yield from laws.track_laws(self.people())
        for session in self.everybody:
            snapshot = session.snapshot.value
            yield from laws.snapshot_laws(snapshot)
            known = snapshot.grid
            newest_known = self._revs.get(id(session), 0)
            if known.rev < newest_known:
                yield f"{snapshot.local.identity} went back to revision {known.rev}"
            self._revs[id(session)] = max(newest_known, known.rev)
            if known.seats and known != self.truth.grid(known.rev):
                yield (
                    f"{snapshot.local.identity} knows a revision {known.rev} "
                    "that the engine never committed"
                )

    def deserted(self) -> Iterator[str]:
        """Yield what is broken long after everybody left."""
        yield from self.quiet()
        for person in self.people():
            yield f"{person.identity} left and is there"
        newest = self.truth.newest
        if newest is not None and newest.is_live:
            yield "the room is empty and does not end"
        if self.sim.world.sfu.metadata(self.sfu_room) is not None:
            yield "the room has ended and is at the SFU"

    def quiet(self) -> Iterator[str]:
        """Yield what is broken though nothing is under way any more."""
        yield from self.now()
        for operation in self.operations:
            yield f"{operation.name} never ends"
        newest = self.truth.newest
        is_live = newest is not None and newest.is_live
        grid = newest.grid if newest is not None and is_live else None
        members = self.truth.members
        people = self.people()
        yield from laws.rights_laws(grid, members, people)
        for session in self.everybody:
            snapshot = session.snapshot.value
            if snapshot.connection_state not in _SETTLED:
                yield f"{snapshot.local.identity} never settles"
            if grid is not None:
                person = self.person(snapshot.local.identity)
                yield from laws.agreement_laws(snapshot, grid, person)
            if session in self.silenced:
                yield from laws.silence_laws(snapshot)
        if grid is not None:
            yield from laws.patience_laws(grid)
        if grid is not None and people:  # an empty room ends as a whole
            here = [person.identity for person in people]
            for seat in grid.seats:
                who = seat.occupant_identity
                if who is not None and who not in here:
                    yield f"{who} sits on seat {seat.seat_index} and is not there"

    def undisturbed(self) -> Iterator[str]:
        """Yield what is broken when all is quiet, and nothing was disturbed."""
        for session in self.everybody:
            snapshot = session.snapshot.value
            if snapshot.connection_state is UTDConnectionState.FORCE_EXIT:
                yield f"{snapshot.local.identity} was given up"
            if session not in self.silenced:
                yield from laws.voice_laws(snapshot)
