"""How well people are connected, as the SFU tells it: in steps of 5 s."""

from __future__ import annotations

from collections.abc import Sequence

from utd_stream.adapters.loopback._people import Member, Room
from utd_stream.adapters.loopback._timers import Ticks, Timers
from utd_stream.ports import Clock

__all__ = ["Quality"]

_PERIOD = 5.0
# How long a connection has been silent when it counts as lost, in seconds (T12).
_LOST_AFTER = 10.0


class Quality:
    """Who tells everybody; its timer runs only while something may have changed."""

    def __init__(self, clock: Clock, timers: Timers) -> None:
        self._clock = clock
        self._ticks = Ticks(clock, timers, _PERIOD)

    def look(self, room: Room) -> None:
        """Look with the next tick, and tell what is other than it was."""
        self._ticks.set(room.sid, room.began, self._tick, room)

    def forget(self, room: Room) -> None:
        """Tell nothing of *room* any more."""
        self._ticks.drop(room.sid)

    def _tick(self, room: Room) -> None:
        present = [member for member in room.people.values() if member.is_active]
        before = [member.quality for member in present]
        for member in present:
            member.quality = self._judged(member)
        if before != [member.quality for member in present]:
            speakers = [member for member in present if member.tracks]
            for listener in present:
                self._tell(listener, speakers)
        if any(each.silence and each.quality != "lost" for each in present):
            self.look(room)

    def _judged(self, member: Member) -> str:
        since = member.silent_since
        is_lost = since is not None and self._clock.monotonic() - since >= _LOST_AFTER
        return "lost" if is_lost else "excellent"

    def _tell(self, listener: Member, speakers: Sequence[Member]) -> None:
        if listener.client is None:
            return
        heard = [
            member
            for member in speakers
            if not listener.heard.keys().isdisjoint(member.tracks)
        ]
        for member in (listener, *heard):
            told = listener.client.told_quality
            listener.send(told, member.identity, member.quality)
