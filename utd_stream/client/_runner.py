"""Runs what a session decides: one fact at a time, and what follows from it.

A fact changes the state; then observers hear of the new snapshot; then the effects
begin.  Effects are tasks of the session, and report back by posting facts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, Protocol, Self, TypeVar

from utd_stream._border import HomeLoop
from utd_stream.client._journal import COMMANDS, Journal
from utd_stream.client._mailbox import Mailbox
from utd_stream.client.rules.sending import Sending
from utd_stream.client.rules.session import Connecting, Taken
from utd_stream.errors import InvalidTransitionError, UTDStreamException
from utd_stream.ports import Clock
from utd_stream.reactive import LatestSource
from utd_stream.snapshots.session import SessionSnapshot

__all__ = ["Runner", "SessionState"]

_S = TypeVar("_S", bound=SessionSnapshot)
_S_co = TypeVar("_S_co", bound=SessionSnapshot, covariant=True)
_R = TypeVar("_R")  # what is asked for a place
_F = TypeVar("_F")  # facts
_E = TypeVar("_E")  # effects
_E_co = TypeVar("_E_co", covariant=True)

logger = logging.getLogger("utd_stream.client")


class SessionState(Protocol[_S_co, _R, _F, _E_co]):
    """All that one kind of session decides by; an immutable value."""

    @property
    def snapshot(self) -> _S_co:
        """What observers see."""
        ...

    @property
    def connecting(self) -> Connecting:
        """The connection."""
        ...

    @property
    def sending(self) -> Sending[_R]:
        """The place, and the tracks that are sent from it."""
        ...

    def is_late(self, fact: _F) -> bool:
        """Whether *fact* belongs to something that has ended, and is no news."""
        ...

    def take(self, fact: _F) -> Taken[Self, _E_co, _F]:
        """Take one fact; a pure function.

        Raises:
            InvalidTransitionError: If it does not fit.
            RefusedError: If a machine refuses it.
        """
        ...


class Runner(Generic[_S, _R, _F, _E]):
    """Takes the facts of one session.

    Args:
        state: Of the session before its first fact.
        begin: Begins an effect.
        journal: Told what is taken and begun.
        clock: Time, for those who wait for values.

    Attributes:
        state: After the last fact.
        home: The event loop of the session.
        snapshot: What observers see.
        begin: Begins an effect.
    """

    def __init__(
        self,
        state: SessionState[_S, _R, _F, _E],
        begin: Callable[[_E], None],
        *,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self.state = state
        self.begin = begin
        self.home = HomeLoop()
        self.snapshot = LatestSource(state.snapshot, clock, self.home)
        self._journal = journal
        self._mailbox: Mailbox[_F] = Mailbox(self._take, self.home)

    def post(self, fact: _F) -> None:
        """Take *fact* now, or after the one being taken.

        Raises:
            InvalidTransitionError: If it is a command and does not fit.
            RefusedError: If a machine refuses it.
        """
        self._mailbox.post(fact)

    def _take(self, fact: _F) -> None:
        before = self.state
        if before.is_late(fact):
            logger.debug("late: %r", fact)
            return
        self._journal.take(fact)
        try:
            taken = before.take(fact)
        except UTDStreamException as error:
            self._journal.refuse(error)
            is_command = type(fact) in COMMANDS
            if is_command or not isinstance(error, InvalidTransitionError):
                raise
            logger.debug("late: %s", error)
            return
        self.state = taken.state
        self._journal.change(before.snapshot, taken.state.snapshot)
        for derived in taken.derived:
            self._mailbox.post(derived)
        self.snapshot.set(taken.state.snapshot)
        for effect in taken.effects:
            self._journal.begin(effect)
            self.begin(effect)
