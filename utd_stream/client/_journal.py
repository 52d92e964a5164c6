"""What one session tells the fact log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from utd_stream.client.rules.call import AnswerCall, DialCall
from utd_stream.client.rules.sending import AskFor
from utd_stream.machines import connection as c
from utd_stream.machines import place as p
from utd_stream.machines import track as t
from utd_stream.machines.calling import HangUp
from utd_stream.ports import FactKind, FactLog
from utd_stream.snapshots.session import SessionSnapshot

__all__ = ["COMMANDS", "Changed", "Journal"]

# With which the application asks; everything else that is heard is a fact.
COMMANDS: frozenset[type] = frozenset(
    {
        AnswerCall,
        DialCall,
        HangUp,
        c.Connect,
        c.Leave,
        AskFor,
        p.LeavePlace,
        t.TurnOn,
        t.TurnOff,
    }
)


@attrs.frozen(kw_only=True)
class Changed:
    """A session knows something else than before.

    Attributes:
        version: Of its snapshot.
        fields: What is new, by name.
    """

    version: int
    fields: Mapping[str, Any]


class Journal:
    """Tells the log, if there is one, what a session's mailbox does.

    Args:
        log: Told; None for nobody.
        who: The session.
    """

    def __init__(self, log: FactLog | None, who: str) -> None:
        self._log = log
        self._who = who

    def take(self, fact: object) -> None:
        """Note what the mailbox takes."""
        if self._log is not None:
            kind: FactKind = "command" if type(fact) in COMMANDS else "fact"
            self._log.note(self._who, kind, fact)

    def refuse(self, error: Exception) -> None:
        """Note what a machine refuses."""
        if self._log is not None:
            self._log.note(self._who, "refusal", error)

    def change(self, before: SessionSnapshot, after: SessionSnapshot) -> None:
        """Note what is known now and was not before."""
        if self._log is not None and after is not before:
            fields = {
                field.name: getattr(after, field.name)
                for field in attrs.fields(type(after))
                if field.name != "version"
                and getattr(after, field.name) != getattr(before, field.name)
            }
            changed = Changed(version=after.version, fields=fields)
            self._log.note(self._who, "revision", changed)

    def begin(self, effect: object) -> None:
        """Note what is begun."""
        if self._log is not None:
            self._log.note(self._who, "effect", effect)
