"""A room under change: one command's work before it is committed.

A draft is made and finished inside one decision, so the decision stays pure.
What a type of rooms changes of its content is in the type's folder.
"""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from typing import Any

import attrs

from utd_stream.engine.rules.commands import Actor
from utd_stream.engine.rules.effects import Effect
from utd_stream.engine.rules.state import Member, Room, Rules
from utd_stream.errors import InvalidRequestError

__all__ = ["Draft"]


class Draft:
    """One room while a command is decided.

    Args:
        room: With no time of the future.
        before: As it was committed.
        actor: On whose behalf the command is.
        now: UTC.
        rules: The numbers in force.

    Attributes:
        room: As it is decided so far.
        before: As it was committed.
        effects: Called for so far, in order.
        touched: Whose rights may have changed.
    """

    def __init__(
        self, room: Room, *, before: Room, actor: Actor, now: datetime, rules: Rules
    ) -> None:
        self.room: Room = room
        self.before = before
        self.actor = actor
        self.now = now
        self.rules = rules
        self.effects: dict[Effect, None] = {}
        self.touched: dict[str, None] = {}

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

    def change(self, **fields: Any) -> None:
        """Replace fields of the room; equal ones leave it the same object."""
        if any(getattr(self.room, name) != value for name, value in fields.items()):
            self.room = attrs.evolve(self.room, **fields)

    def change_member(self, identity: str, **fields: Any) -> None:
        """Replace fields of a member."""
        member = self.room.members[identity]
        self.put_member(attrs.evolve(member, **fields))

    def put_member(self, member: Member) -> None:
        """Add or replace a member."""
        if self.room.members.get(member.identity) != member:
            members = {**self.room.members, member.identity: member}
            self.change(members=MappingProxyType(members))

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
