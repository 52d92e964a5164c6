"""What a session tells the fact log is what its machines call it."""

from __future__ import annotations

from typing import Any, get_args

from tests.machines import occupancy_reading, test_connection
from utd_stream.client._journal import COMMANDS, Changed, Journal
from utd_stream.machines.connection import ConnectionEvent, Leave
from utd_stream.machines.occupancy import Cancelled, OccupancyEvent
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
    machines = (test_connection.VOCABULARY, occupancy_reading.VOCABULARY)
    heard = {*get_args(ConnectionEvent), *get_args(OccupancyEvent)}

    assert set().union(*(words.commands for words in machines)) == COMMANDS
    assert heard > COMMANDS


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
