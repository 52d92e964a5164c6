"""Calls as a Hypothesis state machine: any order of commands, and any fault.

Devices of some people live in an embedded world on virtual time.  After each step
the laws that hold at every moment are checked; after the faults are undone and a
while has passed, the engine and every device must agree.  Subclass it to add rules
and laws of your own app, or a program of yours that holds a device by itself::

    from utd_stream.testing.telephones import CallMachine

    class Bots(CallMachine):
        people = {"ana": "ana", "phone": "ben"}
        bots = {"bot": "bot"}

        def begin(self) -> None:
            device = self.devices["bot"]
            self.bot = Bot(device.client, device.sessions)

        def at_rest(self) -> None:
            session = self.devices["ana"].sessions[0]
            self.sim.run(session.start("bot"))
            self.sim.advance(1)
            assert session.status.value is UTDCallStatus.ACTIVE

    TestBots = Bots.TestCase

Source: contract.md section 5, Calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from utd_stream._embedded.lines import SignalLine
from utd_stream.client.call import UTDCallSession
from utd_stream.client.incoming import IncomingCall
from utd_stream.compose import UTDStreamClient
from utd_stream.errors import SfuNotFoundError, UTDStreamException
from utd_stream.media import Tone
from utd_stream.models.calls import UTDCall, UTDCallStatus
from utd_stream.models.rooms import UTDStreamType
from utd_stream.testing._simulation import Simulation

__all__ = ["CallMachine", "Device", "devices"]

devices: st.SearchStrategy[str] = st.runner().flatmap(
    lambda machine: st.sampled_from(sorted(machine.people))
)
"""One of the devices of the machine that draws, bots left out."""

_lines = st.runner().flatmap(lambda machine: st.sampled_from(sorted(machine.owners)))
_others = st.runner().flatmap(
    lambda machine: st.sampled_from(sorted({*machine.owners.values()}))
)
# What needs no time, and more and more of what does.
_pauses = st.sampled_from((0.0, 0.01, 0.2, 3.0, 12.0, 31.0))
_AUDIO, _VIDEO = UTDStreamType.AUDIO_CALL, UTDStreamType.VIDEO_CALL
# A ring, a grace, and what LiveKit's client may take to connect.
_WHILE = 160.0


class Device:
    """One device of somebody.

    Attributes:
        client: Signed in.
        sessions: Those of its calls, which the laws look at; of a bot's device
            whatever your program adds.
        line: Its signaling.
        rang: Each call that was told as incoming.
    """

    def __init__(self, client: UTDStreamClient, line: SignalLine) -> None:
        self.client = client
        self.line = line
        self.sessions: list[UTDCallSession] = []
        self.rang: list[IncomingCall] = []
        client.incoming_calls.subscribe(self.rang.append)

    def is_in(self, call_id: str) -> bool:
        """Whether it is in the media room of that call."""
        return any(
            session.connected.value and session.call_id.value == call_id
            for session in self.sessions
        )

    @property
    def told(self) -> list[str]:
        """The ids of the calls that were told as incoming."""
        return [each.call.value.call_id for each in self.rang]


class CallMachine(RuleBasedStateMachine):
    """People who call each other; see the module for what is yours.

    Attributes:
        people: Whose device each is, by its name.
        bots: Likewise those that a program of yours holds: the machine spoils their
            lines, and presses no button.
        sim: The world that they are in, and its time.
        devices: By name, once they are signed in.
    """

    people: ClassVar[Mapping[str, str]] = {"ana": "ana", "phone": "ben", "desk": "ben"}
    bots: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.sim: Simulation
        self.devices: dict[str, Device] = {}
        self._asked: list[asyncio.Task[None]] = []

    @property
    def owners(self) -> Mapping[str, str]:
        """Whose device each is, bots included."""
        return {**self.people, **self.bots}

    @initialize(seed=st.integers(0, 7), videos=st.sets(devices))
    def open(self, seed: int, videos: set[str]) -> None:
        """Sign everybody in; the devices in *videos* make video calls."""
        self.sim = Simulation(seed=seed)
        for name, identity in self.owners.items():
            client = self.sim.world.client(microphone=Tone(440))
            self.sim.run(client.authenticate(identity))
            device = Device(client, self.sim.world.signal_line(client))
            self.devices[name] = device
            if name in self.people:
                kind = _VIDEO if name in videos else _AUDIO
                device.sessions.append(client.call_session(kind))
        self.sim.act(self.begin)
        self.sim.settle()

    def begin(self) -> None:
        """Begin your own programs, in the loop of the world; by default none."""

    def ask(
        self, who: str, command: Callable[[UTDCallSession], Coroutine[Any, Any, Any]]
    ) -> None:
        """Let a device begin something, and go on before any of it has happened."""
        self._begin(command(self.devices[who].sessions[0]))

    # What people do.

    @rule(who=devices, whom=_others)
    def dial(self, who: str, whom: str) -> None:
        """Call somebody, whoever it is."""
        self.ask(who, lambda session: session.start(whom))

    @rule(who=devices)
    def answer(self, who: str) -> None:
        """Answer what rings."""
        if call := self._rings(who):
            self.ask(who, lambda session: session.accept(call))

    @rule(who=devices, verb=st.sampled_from(("ringing", "reject", "busy")))
    def say(self, who: str, verb: str) -> None:
        """Say something to what rings."""
        if call := self._rings(who):
            self.ask(who, lambda session: getattr(session, verb)(call))

    @rule(who=devices)
    def hang_up(self, who: str) -> None:
        """End the call, if there is one."""
        self.ask(who, lambda session: session.end())

    @rule(newest=st.booleans())
    def cancel(self, newest: bool) -> None:  # noqa: FBT001 -- drawn
        """Cancel the newest or the oldest of what has no answer yet."""
        waiting = [task for task in self._asked if not task.done()]
        if waiting:
            self.sim.run(_called(waiting[-newest].cancel))

    @rule(turns=st.sampled_from((1, 2, 4, 8, 16, 32)))
    def go_on(self, turns: int) -> None:
        """Let the loop turn so often, in the midst of what goes on."""
        self.sim.run(_turns(turns))

    @rule(seconds=_pauses)
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.sim.advance(seconds)

    # Faults.

    @rule(who=_lines, how=st.sampled_from(("cut", "silence", "down", "up")))
    def spoil_signaling(self, who: str, how: str) -> None:
        """Cut, silence, close or open the signaling of a device."""
        line = self.devices[who].line
        line.is_down = how == "down" if how in {"down", "up"} else line.is_down
        if how == "silence":
            self.sim.act(line.silence)
        elif how != "up":
            self.sim.act(line.cut)

    @rule(frames=st.integers(0, 9), who=_lines)
    def spoil_later(self, who: str, frames: int) -> None:
        """Break the next socket of a device after so many pieces."""
        line = self.devices[who].line
        line.cut_after(frames)
        self.sim.act(line.cut)

    @rule(who=_lines, how=st.sampled_from(("cut", "mend", "kill", "remove")))
    def spoil_media(self, who: str, how: str) -> None:
        """Cut or mend somebody's line to the SFU, kill it, or let the SFU remove them.

        A line that was killed never comes back by itself.
        """
        sfu, identity = self.sim.world.sfu, self.owners[who]
        for call in self._calls():
            room = self.sim.world.sfu_room(call.call_id)
            with suppress(SfuNotFoundError):
                if how == "remove":
                    self.sim.run(sfu.remove_participant(room, identity))
                else:
                    self.sim.act(getattr(sfu.lines, how), room, identity)

    @rule(seconds=st.sampled_from((0.0, 2.0, 30.0)))
    def kill_sfu(self, seconds: float) -> None:
        """Kill the SFU, which forgets everything, and start it after a while."""
        self.sim.act(self.sim.world.sfu.kill)
        self.sim.advance(seconds)
        self.sim.act(self.sim.world.sfu.start)

    @rule(seconds=st.sampled_from((0.0, 2.0, 10.0)))
    def kill_engine(self, seconds: float) -> None:
        """Kill the engine, and start it again after a while."""
        self.sim.run(self.sim.world.kill_engine())
        self.sim.advance(seconds)
        self.sim.run(self.sim.world.start_engine())

    # Laws.

    @invariant()
    def no_call_is_told_twice(self) -> None:
        """At no device, whatever becomes of its socket."""
        for device in self.devices.values():
            _hold(len(device.told) == len({*device.told}), f"told twice: {device.told}")

    @invariant()
    def one_device_of_a_person_talks(self) -> None:
        """Whoever did not answer is never in the media room of an active call."""
        talking = [
            self.owners[name]
            for name, device in self.devices.items()
            for session in device.sessions
            if session.connected.value and session.status.value is UTDCallStatus.ACTIVE
        ]
        _hold(len(talking) == len({*talking}), f"on two devices: {talking}")

    def at_rest(self) -> None:
        """Check laws of your own when no fault is left and nobody is in a call.

        By default there are none.
        """

    def teardown(self) -> None:
        """Undo the faults, let a while pass, and compare what everybody knows."""
        if not self.devices:
            return
        try:
            for device in self.devices.values():
                device.line.is_down = False
                device.line.cut_after(None)
            self._mend_media()
            self.sim.advance(_WHILE)
            self._check_agreement()
            self._end_all()
            live = [call for call in self._calls() if call.status.is_live]
            _hold(not live, f"still busy: {live}")
            self.at_rest()
            self._end_all()
            for session in self._sessions():
                self.sim.run(session.aclose())
        finally:
            self.sim.close()

    def _check_agreement(self) -> None:
        calls = {call.call_id: call for call in self._calls()}
        for name, device in self.devices.items():
            _hold(not device.client.ringing_calls.value, f"{name} rings on")
            for session in device.sessions:
                known = session.call.value
                if known is None or not known.status.is_final:
                    continue
                told = calls[known.call_id]
                is_same = known.status is told.status
                is_same &= known.end_reason is told.end_reason
                _hold(is_same, f"{name} knows {known}, the engine {told}")
        for call in calls.values():
            if not call.status.is_live:
                continue
            _hold(call.status is UTDCallStatus.ACTIVE, f"without an end: {call}")
            inside = sorted(
                self.owners[name]
                for name, device in self.devices.items()
                if device.is_in(call.call_id)
            )
            parties = sorted((call.caller_identity, call.callee_identity))
            _hold(inside == parties, f"{inside} talk in {call}")

    def _sessions(self) -> list[UTDCallSession]:
        return [each for device in self.devices.values() for each in device.sessions]

    def _end_all(self) -> None:
        for session in self._sessions():
            self.sim.run(session.end())
        self.sim.advance(5)

    def _mend_media(self) -> None:
        lines = self.sim.world.sfu.lines
        for call in self._calls():
            room = self.sim.world.sfu_room(call.call_id)
            for identity in (call.caller_identity, call.callee_identity):
                with suppress(SfuNotFoundError):
                    self.sim.act(lines.mend, room, identity)

    def _calls(self) -> list[UTDCall]:
        found: dict[str, UTDCall] = {}
        for device in self.devices.values():
            page = self.sim.run(device.client.api.list_calls(per_page=100))
            found |= {call.call_id: call for call in page.data}
        return list(found.values())

    def _rings(self, who: str) -> str:
        ringing = self.devices[who].client.ringing_calls.value
        return ringing[0].call.value.call_id if ringing else ""

    def _begin(self, asked: Coroutine[Any, Any, Any]) -> None:
        async def done() -> None:
            with suppress(UTDStreamException):
                await asked

        async def begin() -> asyncio.Task[None]:
            return asyncio.ensure_future(done())

        self._asked.append(self.sim.run(begin()))


async def _turns(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def _called(call: Callable[[], object]) -> None:
    call()


def _hold(holds: bool, said: str) -> None:  # noqa: FBT001 -- a law
    if not holds:
        raise AssertionError(said)
