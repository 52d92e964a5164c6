"""One run in which much happens; as a program it prints its log.

``python -m tests.testing.rich_run SEED``
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import suppress
from typing import Any, cast

import attrs

from utd_stream.adapters.loopback._tokens import SECRET
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.compose import UTDStreamClient
from utd_stream.errors import UTDStreamException
from utd_stream.media import Tone
from utd_stream.models.names import sfu_room_name
from utd_stream.models.rooms import SeatMode
from utd_stream.ports import FactKind
from utd_stream.testing import Simulation

__all__ = ["RichRun"]

ROOM = "lounge"
SAID = ("psst, between us two", '{"type": "chat", "text": "meet me at noon"}')


class RichRun:
    """Several people in one room, whatever may happen to them, and its log.

    Attributes:
        lines: Of the log.
        told: Everything the log was told, as it was.
        notes: Likewise, each with whose it is and its kind.
        secrets: What nobody but its owner may see, by what it is.
    """

    def __init__(self, seed: int) -> None:
        self.told: list[object] = []
        self.notes: list[tuple[str, FactKind, object]] = []
        self.secrets: dict[str, set[str]] = {}
        self._clients: list[UTDStreamClient] = []
        with Simulation(seed, observer=self) as sim:
            self._sim = sim
            sessions = self._play()
            self._collect()
            for session in sessions:
                sim.run(session.dispose())
        self.lines = tuple(sim.log.lines)

    def note(self, who: str, kind: FactKind, what: object) -> None:
        """Keep what the log is told."""
        assert who
        assert kind
        self.told.append(what)
        self.notes.append((who, kind, what))
        for field, text in _hidden(what):
            self._keep(field, text)

    def _play(self) -> list[UTDAudioRoomSession]:
        sim, lines = self._sim, self._sim.world.sfu.lines
        room = sfu_room_name(sim.world.app.id, ROOM)
        host = self._join("host", as_host=True, seat_mode=SeatMode.REQUEST)
        ana, ben, eva = (self._join(who) for who in ("ana", "ben", "eva"))
        self._seats(host, ana, ben, eva)
        self._at_once(
            ana.send_data(SAID[0].encode()), eva.send_data(SAID[1].encode(), to=["ana"])
        )
        sim.act(lines.cut, room, "ana")
        sim.advance(4)
        sim.act(lines.mend, room, "ana")
        sim.act(lines.reconnect, room, "ben")
        sim.advance(5)
        sim.act(lines.cut, room, "host")  # for good: it comes back anew
        sim.advance(40)
        sim.act(sim.world.sfu.restart)
        sim.advance(10)
        sim.run(sim.world.kill_engine())
        self._at_once(host.mute_seat(0), ana.leave_seat(), eva.request_to_speak())
        sim.run(sim.world.start_engine())
        sim.advance(10)
        self._at_once(host.kick("eva"), ben.get_seats(), ana.rejoin())
        sim.act(lines.kill, room, "ben")
        sim.advance(60)
        self._at_once(self._clients[0].authenticate("host"), eva.rejoin())
        sim.advance(4_000)  # bearers are renewed
        return [host, ana, ben, eva]

    def _seats(self, host: UTDAudioRoomSession, *guests: UTDAudioRoomSession) -> None:
        ana, ben, eva = guests
        self._at_once(*(each.request_to_speak() for each in guests))
        asked = [each.id for each in host.speaker_requests.value]
        self._at_once(
            *(host.approve_speaker(asked[0]), host.reject_speaker(asked[1])),
            *(host.approve_speaker(asked[0]), ben.cancel_request()),
        )
        self._at_once(host.take_seat(5), host.take_seat(6), ana.take_seat(7))
        self._at_once(host.invite_to_speak("ben", 2), host.invite_to_speak("eva"))
        self._at_once(ben.accept_invitation(), eva.decline_invitation())
        self._at_once(host.setup_seats(seat_mode=SeatMode.FREE), eva.take_seat(5))
        self._at_once(*(each.take_seat(4) for each in guests))
        self._at_once(host.lock_seat(8), host.swap_seats(2, 5), ana.move_seat(3))
        self._at_once(host.mute_seat(3), ben.set_microphone(False), eva.leave_seat())

    def _join(self, who: str, **asked: Any) -> UTDAudioRoomSession:
        client = self._sim.world.client(microphone=Tone(440))
        self._clients.append(client)
        return self._sim.run(client.join_audio_room(who, ROOM, **asked))

    def _at_once(self, *work: Coroutine[Any, Any, object]) -> None:
        async def quiet(one: Coroutine[Any, Any, object]) -> None:
            with suppress(UTDStreamException):
                await one

        async def everything() -> None:
            async with asyncio.TaskGroup() as group:
                for one in work:
                    group.create_task(quiet(one))

        self._sim.run(everything())
        self._sim.advance(1)

    def _collect(self) -> None:
        world = self._sim.world
        self._keep("key", world.app.key)
        self._keep("secret", world.app.secret)
        self._keep("secret", world._config.secret)
        self._keep("secret", SECRET)
        for client in self._clients:
            self._keep("bearer", client._rest.bearer or "")
        for notice in world.webhooks.received:
            self._keep("signature", notice.authorization)
        for text in SAID:
            self._keep("said", text)
        for message in world.sfu.messages:
            self._keep("told", message.data.decode())

    def _keep(self, name: str, text: str) -> None:
        if text:
            self.secrets.setdefault(name, set()).add(text)


def _hidden(value: object) -> Iterator[tuple[str, str]]:
    """Yield what a value holds and does not show, by the name of its field."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _hidden(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _hidden(item)
    elif attrs.has(kind := cast("type[Any]", type(value))):
        for field in attrs.fields(kind):
            held = getattr(value, field.name)
            if field.repr is False and isinstance(held, str):
                yield field.name, held
            yield from _hidden(held)


if __name__ == "__main__":
    for line in RichRun(int(sys.argv[1])).lines:
        sys.stdout.write(line + "\n")
