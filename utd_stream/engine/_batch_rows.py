"""The rows of members that a batch reads and changes.

What was decided earlier in the batch comes first, then what is remembered, then
the table, which is read in one statement for all commands of the batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from utd_stream.engine._members import MemberTable
from utd_stream.engine._remembered import RememberedRows
from utd_stream.engine.rules.commands import Actor, Command
from utd_stream.engine.rules.members import Life, MemberRow, Place
from utd_stream.engine.rules.needs import Needs, needs
from utd_stream.engine.rules.rows import Rows, is_here
from utd_stream.engine.rules.state import Member, Room

__all__ = ["BatchRows"]


class BatchRows:
    """Members as they are in the middle of a batch.

    Args:
        table: On disk; read within the batch's transaction.
        remembered: What need not be read.
    """

    def __init__(self, table: MemberTable, remembered: RememberedRows) -> None:
        self._table = table
        self._remembered = remembered
        self._changed: dict[Life, dict[str, MemberRow]] = {}

    @property
    def changed(self) -> Sequence[MemberRow]:
        """What is to be written."""
        return [row for rows in self._changed.values() for row in rows.values()]

    def put(self, rows: Iterable[MemberRow]) -> None:
        """Take what was decided."""
        for row in rows:
            self._changed.setdefault(row.life, {})[row.member.identity] = row

    def read(self, places: Iterable[Place]) -> None:
        """Read those of *places* that are not remembered, in one statement."""
        missing = [p for p in dict.fromkeys(places) if p not in self._remembered]
        if missing:
            found = self._table.rows(missing)
            for place in missing:
                self._remembered.keep(place, found.get(place))

    def one(self, place: Place) -> Member | None:
        """Return a member, or None where there is none."""
        life, identity = place
        decided = self._changed.get(life, {}).get(identity)
        if decided is not None:
            return decided.member
        try:
            return self._remembered.use(place)
        except KeyError:
            member = self._table.rows([place]).get(place)
            self._remembered.keep(place, member)
            return member

    def of(self, room: Room | None, command: Command, actor: Actor) -> Rows:
        """Return the rows that *command* needs.

        Args:
            room: As it is now in the batch.
            command: To be decided.
            actor: On whose behalf.
        """
        if room is None:
            return Rows(dict.fromkeys(filter(None, [actor.identity])))
        needed = needs(room, command, actor)
        if not room.is_live:
            # Nobody is a member of a life that has ended.
            return Rows(dict.fromkeys(needed.names), others=False)
        found = self._found(room.life_key, needed)
        others = self._others(room.life_key, needed) if needed.others else None
        return Rows(found, others=others)

    def _found(self, life: Life, needed: Needs) -> dict[str, Member | None]:
        changed = self._changed.get(life, {})
        found: dict[str, Member | None] = {}
        missing: list[Place] = []
        for name in needed.names:
            if name in changed:
                found[name] = changed[name].member
                continue
            place = (life, name)
            try:
                found[name] = self._remembered.use(place)
            except KeyError:
                missing.append(place)
        # A seat may have changed hands in the batch: whose it is now is read here.
        if missing:
            rows = self._table.rows(missing)
            for place in missing:
                self._remembered.keep(place, rows.get(place))
                found[place[1]] = rows.get(place)
        return found

    def _others(self, life: Life, needed: Needs) -> bool:
        changed = self._changed.get(life, {})
        if any(
            is_here(row.member, needed.since)
            for identity, row in changed.items()
            if identity not in needed.names
        ):
            return True
        return self._table.others(life, {*needed.names, *changed}, needed.since)
