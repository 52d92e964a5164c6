"""What is remembered of the disk, and that forgetting is told from absence."""

from __future__ import annotations

import pytest

from tests.engine.rules.scene import KEY, NOON
from utd_stream.engine.committed import Committed
from utd_stream.engine.rules import Room

OTHER = ("app", "other")


def room_of(key: tuple[str, str]) -> Room:
    """Return a room of that name."""
    return Room(app_id=key[0], name=key[1], created_at=NOON)


def test_what_was_forgotten_does_not_seem_absent() -> None:
    """A room the writer forgot between two looks must be read, and not be missing."""
    committed = Committed()
    committed.keep(KEY, room_of(KEY))
    assert committed.room(KEY) == room_of(KEY)

    committed.forget()

    with pytest.raises(KeyError):
        committed.room(KEY)


def test_what_was_kept_last_stays() -> None:
    """Beyond the limit the room kept longest ago makes place for the newest."""
    committed = Committed(limit=1)
    committed.keep(KEY, room_of(KEY))

    committed.keep(OTHER, None)

    assert committed.room(OTHER) is None
    with pytest.raises(KeyError):
        committed.room(KEY)
