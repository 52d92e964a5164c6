"""People who call each other, in a world on virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from utd_stream._embedded.lines import SignalLine
from utd_stream.client.call import UTDCallSession
from utd_stream.client.incoming import IncomingCall
from utd_stream.compose import UTDStreamClient
from utd_stream.machines.signal import SignalState
from utd_stream.media import Tone
from utd_stream.models.calls import UTDCall, UTDCallStatus
from utd_stream.models.rooms import UTDStreamType
from utd_stream.testing import Simulation

__all__ = ["Phone", "Telephone", "outcome", "telephone"]


class Phone:
    """One device of somebody."""

    def __init__(self, client: UTDStreamClient, line: SignalLine) -> None:
        self.client = client
        self.line = line
        self.rang: list[IncomingCall] = []
        self.sessions: list[UTDCallSession] = []
        client.incoming_calls.subscribe(self.rang.append)

    def session(self, kind: UTDStreamType = UTDStreamType.AUDIO_CALL) -> UTDCallSession:
        """Return a session for calls."""
        session = self.client.call_session(kind)
        self.sessions.append(session)
        return session

    @property
    def rings(self) -> bool:
        """Whether a call rings now."""
        return bool(self.client.ringing_calls.value)

    @property
    def told(self) -> list[str]:
        """The calls that were told as incoming."""
        return [incoming.call.value.call_id for incoming in self.rang]


class Telephone:
    """A world, and the phones in it."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.phones: list[Phone] = []

    def phone(self, identity: str, **sources: Any) -> Phone:
        """Return a device of somebody, signed in and listening."""
        sources.setdefault("microphone", Tone(440))
        client = self.sim.world.client(**sources)
        phone = Phone(client, self.sim.world.signal_line(client))
        self.sim.run(client.authenticate(identity))
        ready = SignalState.READY
        self.sim.run(client.signal_state.until(lambda state: state is ready))
        self.phones.append(phone)
        return phone

    def calls(self, identity: str) -> list[UTDCall]:
        """Return the calls of somebody as the engine has them, newest first."""
        api = next(p.client.api for p in self.phones if p.client.identity == identity)
        return list(self.sim.run(api.list_calls()).data)

    def is_busy(self, identity: str) -> bool:
        """Whether the engine has a live call of somebody."""
        return any(call.status.is_live for call in self.calls(identity))

    def nobody_is_busy(self) -> None:
        """Fail if the engine has a live call of anybody."""
        names = {phone.client.identity or "" for phone in self.phones}
        assert not [name for name in sorted(names) if self.is_busy(name)]

    def talk(
        self,
        caller: Phone,
        callee: Phone,
        kind: UTDStreamType = UTDStreamType.AUDIO_CALL,
    ) -> tuple[UTDCallSession, ...]:
        """Let one call the other, who answers; return both sessions."""
        calling = caller.session(kind)
        self.sim.run(calling.start(callee.client.identity or ""))
        self.sim.settle()
        answering = self.sim.run(callee.rang[-1].answer())
        callee.sessions.append(answering)
        active = UTDCallStatus.ACTIVE
        self.sim.run(calling.status.until(lambda status: status is active))
        return calling, answering

    def close(self) -> None:
        """Let everybody go."""
        for phone in self.phones:
            for session in phone.sessions:
                self.sim.run(session.dispose())


@pytest.fixture
def telephone() -> Iterator[Telephone]:
    """A world that no task outlives."""
    with Simulation(seed=7) as sim:
        made = Telephone(sim)
        yield made
        made.close()


def outcome(session: UTDCallSession) -> tuple[Any, Any]:
    """Return status and reason of the newest call."""
    end = session.end_info.value
    return session.status.value, None if end is None else end.reason
