"""What a session tells the fact log is what its machines call it."""

from __future__ import annotations

from typing import Any, get_args

from tests.machines import test_connection
from utd_stream.client._journal import COMMANDS, Changed, Journal
from utd_stream.client.rules.audio_room import AudioRoomFact
from utd_stream.client.rules.call import AnswerCall, CallFact, DialCall
from utd_stream.client.rules.sending import AskFor
from utd_stream.machines.calling import HangUp
from utd_stream.machines.connection import Leave
from utd_stream.machines.place import Cancelled, LeavePlace
from utd_stream.machines.track import TurnOff, TurnOn
from utd_stream.models.participants import LocalParticipant
from utd_stream.models.rooms import UTDRole
from utd_stream.ports import FactKind
from utd_stream.snapshots import SessionSnapshot
from utd_stream.snapshots.session import changed

NOBODY = SessionSnapshot(local=LocalParticipant(identity="me"))


class Notes:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, FactKind, object]] = []

    def note(self, who: str, kind: FactKind, what: object) -> None:
        """Take one thing."""
        self.told.append((who, kind, what))


def test_commands_are_those_of_the_machines() -> None:
    """The application asks; everything else is a fact."""
    taken = {getattr(each, "__origin__", each) for each in get_args(AudioRoomFact)}
    taken |= set(get_args(CallFact))
    sending = {AskFor, LeavePlace, TurnOn, TurnOff}
    calling = {DialCall, AnswerCall, HangUp}

    assert test_connection.VOCABULARY.commands | sending | calling == COMMANDS
    assert taken > COMMANDS


def test_what_is_taken_is_told_by_its_kind() -> None:
    """In the order in which it is taken, and whose it is."""
    notes = Notes()
    journal = Journal(notes, "me")
    taken: list[Any] = [Leave(), Cancelled(1)]

    for each in taken:
        journal.take(each)

    assert notes.told == [("me", "command", taken[0]), ("me", "fact", taken[1])]


def test_what_is_new_is_told_and_nothing_else() -> None:
    """By name, with the version; what stays is not worth a line."""
    notes = Notes()
    journal = Journal(notes, "me")
    host = changed(NOBODY, role=UTDRole.HOST)

    journal.change(NOBODY, host)
    journal.change(host, host)

    new = Changed(version=1, fields={"role": UTDRole.HOST})
    assert notes.told == [("me", "revision", new)]
