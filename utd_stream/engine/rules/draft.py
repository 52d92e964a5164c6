"""A room under change: one command's work before it is committed.

A draft is made and finished inside one decision, so the decision stays pure.
What a type of rooms changes of its content is in the type's folder.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from utd_stream.engine.rules.commands import Actor
from utd_stream.engine.rules.effects import Effect
from utd_stream.engine.rules.late import late
from utd_stream.engine.rules.rows import Rows, as_seen, member_of
from utd_stream.engine.rules.state import Member, Room, Rules
from utd_stream.errors import InvalidRequestError

__all__ = ["Draft"]


class Draft:
    """One room while a command is decided.

    Args:
        room: With no time of the future.
        before: As it was committed.
        rows: The members that the command needs, as they were committed.
        actor: On whose behalf the command is.
        now: UTC.
        rules: The numbers in force.

    Attributes:
        room: As it is decided so far.
        before: As it was committed.
        members: Those that the command needs, as they are decided so far.
        rows: As they were committed.
        effects: Called for so far, in order.
        touched: Whose rights may have changed.
    """

    def __init__(  # noqa: PLR0913 -- all that a decision may depend on
        self,
        room: Room,
        *,
        before: Room,
        rows: Rows,
        actor: Actor,
        now: datetime,
        rules: Rules,
    ) -> None:
        self.room: Room = room
        self.before = before
        self.rows = rows
        self._found = {
            name: None if member is None else _as_of(member, room, now)
            for name, member in rows.found.items()
        }
        self.members: Rows = rows.over(self._found)
        self.actor = actor
        self.now = now
        self.rules = rules
        self.effects: dict[Effect, None] = {}
        self.touched: dict[str, None] = {}

    @property
    def changed(self) -> tuple[Member, ...]:
        """The members to write, and none where the life has ended."""
        if not self.room.is_live:
            return ()
        before = self.rows.found
        return tuple(m for m in self.members.values() if m is not before[m.identity])

    @property
    def person(self) -> str:
        """For whom the command is.

        Raises:
            InvalidRequestError: If the app's back end did not say.
        """
        if self.actor.identity is None:
            message = "required: say for whom the app's back end acts"
            raise InvalidRequestError.at(("$.identity", message))
        return self.actor.identity

    def member(self, identity: str | None) -> Member | None:
        """Return the member of the life that goes on, or None."""
        return member_of(self.room, self.members, identity)

    def change(self, **fields: Any) -> None:
        """Replace fields of the room; equal ones leave it the same object."""
        if any(getattr(self.room, name) != value for name, value in fields.items()):
            self.room = attrs.evolve(self.room, **fields)

    def change_member(self, identity: str, **fields: Any) -> None:
        """Replace fields of a member."""
        member = self.members[identity]
        self.put_member(attrs.evolve(member, **fields))

    def put_member(self, member: Member) -> None:
        """Add or replace a member."""
        if self.members.get(member.identity) != member:
            self._found[member.identity] = member

    def rewrite(self, identity: str) -> None:
        """Write the row of a member though nothing of it changes."""
        self._found[identity] = attrs.evolve(self.members[identity])

    def take_id(self) -> int:
        """Return an id not used before, while the name of the room is remembered."""
        number = self.room.next_id
        self.change(next_id=number + 1)
        return number

    def touch(self, identity: str) -> None:
        """Have the right of *identity* written if it is another one at the end."""
        self.touched[identity] = None

    def effect(self, effect: Effect) -> None:
        """Call for *effect*, once."""
        self.effects[effect] = None

    def end_with(self, *effects: Effect) -> None:
        """Call for *effects* alone: the room goes, and all of it with it."""
        self.effects = dict.fromkeys(effects)
        self.touched.clear()


def _as_of(member: Member, room: Room, now: datetime) -> Member:
    """Return *member* as they are now; as a rule the same object.

    A connection that the SFU has forgotten is none.  After a clock was set back no
    time lies in the future.
    """
    times = member.seen_at, member.left_at, member.idle_since, member.joined_at
    if not any(at is not None and at > now for at in times):
        return as_seen(member, room.lost_before)
    fields = late(member, now, "seen_at", "left_at", "idle_since")
    if member.joined_at is not None and member.joined_at > now:
        # It is the SFU's time, whose clock was set back as well: to compare
        # the next connection with it would take that for an older one.
        fields["joined_at"] = None
    return as_seen(attrs.evolve(member, **fields), room.lost_before)
