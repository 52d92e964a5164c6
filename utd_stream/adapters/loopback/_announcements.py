"""What the others are told of somebody: some of it at once, some in batches."""

from __future__ import annotations

from utd_stream.adapters.loopback._people import Member, Room, Update
from utd_stream.adapters.loopback._sound import Feed
from utd_stream.adapters.loopback._timers import Ticks, Timers
from utd_stream.ports import Clock

__all__ = ["Announcements", "Announcer"]

# How often newcomers without tracks are told to the others (T11).
_PERIOD = 3.0


class Announcements:
    """What the others are told at once, and what waits for the next tick (T11)."""

    def __init__(self) -> None:
        self._waiting: dict[str, Update] = {}

    def push(self, update: Update, *, at_once: bool) -> tuple[Update, ...]:
        """Return what is told now; the rest waits for `take`."""
        identity = update.info.participant.identity
        waiting, told = self._waiting.get(identity), list[Update]()
        if waiting is not None and waiting.info.number != update.info.number:
            if waiting.info.number > update.info.number:
                return ()
            # A newer connection: the switch is told at once, its reason is not.
            told.append(Update(waiting.info, is_gone=True))
            at_once = True
        if at_once:
            self._waiting.pop(identity, None)
            return (*told, update)
        self._waiting[identity] = update
        return ()

    def take(self) -> tuple[Update, ...]:
        """Return what waited."""
        told = tuple(self._waiting.values())
        self._waiting.clear()
        return told


class Announcer:
    """Who tells everybody in a room; its timer runs only while something waits."""

    def __init__(self, clock: Clock, timers: Timers) -> None:
        # By the room's sid.
        self._waiting: dict[str, Announcements] = {}
        self._ticks = Ticks(clock, timers, _PERIOD)

    def announce(self, member: Member) -> None:
        """Tell the others of a newcomer, with the next tick (T11)."""
        self.tell(member, Update(member.info()), at_once=False)

    def tell(self, member: Member, update: Update, *, at_once: bool) -> None:
        """Tell the others of *member*, at once or with the next tick."""
        if member.permission.hidden:
            return
        room = member.room
        waiting = self._waiting.setdefault(room.sid, Announcements())
        told = waiting.push(update, at_once=at_once)
        self._broadcast(room, told, but=member)
        if not told:
            self._ticks.set(room.sid, room.began, self._tick, room)

    def tell_speaker(self, member: Member, feed: Feed) -> None:
        """Tell everybody that *member* begins to speak, or falls silent.

        Of who is gone it is not told, as LiveKit may not.
        """
        identities = (member.identity,) if feed.is_speaking else ()
        for listener in member.room.people.values() if member.is_present else ():
            if listener.client is not None:
                listener.send(listener.client.told_speakers, identities)

    def forget(self, room: Room) -> None:
        """Tell nothing of *room* any more."""
        self._waiting.pop(room.sid, None)
        self._ticks.drop(room.sid)

    def _tick(self, room: Room) -> None:
        self._broadcast(room, self._waiting.pop(room.sid).take(), but=None)

    def _broadcast(
        self, room: Room, told: tuple[Update, ...], *, but: Member | None
    ) -> None:
        for listener in room.people.values() if told else ():
            if listener is not but and listener.client is not None:
                listener.send(listener.client.told_people, told)
