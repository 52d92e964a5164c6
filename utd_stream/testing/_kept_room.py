"""A room and its members as an engine keeps them, without a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from utd_stream.contract.endpoints import Who
from utd_stream.engine.rules import (
    Actor,
    Command,
    Decision,
    Member,
    Room,
    Rows,
    Rules,
    decide,
    needs,
)
from utd_stream.engine.rules.commands import MembersListed
from utd_stream.engine.rules.keeping import row_of
from utd_stream.engine.rules.kinds import kind_of
from utd_stream.engine.rules.listing import differences, listed_of, shown_of
from utd_stream.engine.rules.members import MemberRow, MembersInMemory
from utd_stream.engine.rules.rows import as_seen
from utd_stream.ports import SfuParticipant

__all__ = ["KeptRoom"]


class KeptRoom:
    """One room name, and a dict that stands for the table of members.

    Each decision gets the rows that `needs` names, and no other.

    Args:
        key: App id and room name.
        rules: The numbers in force.

    Attributes:
        room: As kept last; None if the name never lived.
        table: Of the members of all its lives.
        rules: The numbers in force.
    """

    def __init__(self, key: tuple[str, str], rules: Rules) -> None:
        self.room: Room | None = None
        self.table: MembersInMemory = MembersInMemory()
        self._key = key
        self.rules = rules

    @property
    def members(self) -> Mapping[str, Member]:
        """Those of the life that goes on, as a decision would see them."""
        room = self.room
        if room is None or not room.is_live:
            return {}
        return {
            name: as_seen(member, room.lost_before)
            for name, member in self.table.members_of(room.life_key).items()
        }

    def row(self, identity: str) -> MemberRow:
        """Return the row of a member of the life that goes on."""
        assert self.room is not None  # noqa: S101 -- the caller's belief
        return row_of(self.room, self.members[identity], self.rules)

    def decide(
        self, command: Command, *, who: Who, actor: Actor, now: datetime
    ) -> Decision:
        """Return what would be decided; nothing is kept."""
        return decide(
            self.room,
            self._rows(command, actor),
            command,
            key=self._key,
            who=who,
            actor=actor,
            now=now,
            rules=self.rules,
        )

    def keep(self, decision: Decision) -> None:
        """Keep what was decided."""
        self.room = decision.room
        self.table.write(
            row_of(decision.room, member, self.rules) for member in decision.members
        )

    def listed(
        self, participants: Iterable[SfuParticipant], *, asked_at: datetime
    ) -> MembersListed:
        """Return what an engine makes of a listing; its metadata is as it should be."""
        everybody = {each.identity: each for each in participants}
        room = self.room
        if room is None or not room.is_live:
            return MembersListed(
                participants=tuple(everybody.values()), asked_at=asked_at
            )
        members = self.members
        unlike, vanished = differences(
            self.table.ranges(room.life_key, "", len(members)),
            {name: listed_of(each) for name, each in everybody.items()},
            placed={
                name: shown_of(room, members[name])
                for name in kind_of(room).placed(room)
            },
            lost_before=room.lost_before,
        )
        return MembersListed(
            participants=tuple(everybody[name] for name in unlike),
            vanished=tuple(vanished),
            asked_at=asked_at,
            metadata_rev=room.metadata_rev,
        )

    def _rows(self, command: Command, actor: Actor) -> Rows:
        room = self.room
        if room is None:
            return Rows(dict.fromkeys(filter(None, [actor.identity])))
        needed = needs(room, command, actor)
        if not room.is_live:
            return Rows(dict.fromkeys(needed.names), others=False)
        life = room.life_key
        rows = self.table.rows([(life, name) for name in needed.names])
        found = {name: rows.get((life, name)) for name in needed.names}
        others = None
        if needed.others:
            others = self.table.others(life, needed.names, needed.since)
        return Rows(found, others=others)
