"""What is remembered of the disk, and that forgetting is told from absence."""

from __future__ import annotations

import attrs
import pytest

from tests.engine.rules.scene import KEY, NOON
from utd_stream.engine.committed import Committed
from utd_stream.engine.rules import Room
from utd_stream.engine.rules.audio_room import AudioRoom, empty_seats
from utd_stream.engine.rules.keeping import row_of
from utd_stream.engine.rules.state import Member, Rules
from utd_stream.engine.store import RoomWrite

MEGABYTE = 2**20


def room_of(key: tuple[str, str], *, size: int = 0) -> Room:
    """Return a room of that name, which weighs about as many bytes."""
    content = AudioRoom(seats=empty_seats(size // 600))
    return Room(app_id=key[0], name=key[1], created_at=NOON, content=content)


def remembered(committed: Committed, key: tuple[str, str]) -> bool:
    """Whether a room need not be read."""
    try:
        committed.room(key)
    except KeyError:
        return False
    return True


def test_what_was_forgotten_does_not_seem_absent() -> None:
    """A room the writer forgot between two looks must be read, and not be missing."""
    committed = Committed()
    committed.keep(KEY, room_of(KEY))
    assert committed.room(KEY) == room_of(KEY)

    committed.forget()

    with pytest.raises(KeyError):
        committed.room(KEY)


def test_rooms_that_never_lived_evict_nothing() -> None:
    """Looking for a hundred thousand rooms that are not there forgets none that is."""
    committed = Committed(limit=MEGABYTE)
    committed.keep(KEY, room_of(KEY))

    for number in range(100_000):
        committed.keep(("app", f"nobody-{number}"), None)

    assert remembered(committed, KEY)
    assert not remembered(committed, ("app", "nobody-1"))


def test_large_rooms_are_remembered_by_their_size() -> None:
    """Of rooms that are too large together those kept longest ago are forgotten."""
    committed = Committed(limit=10 * MEGABYTE)
    keys = [("app", f"room-{number}") for number in range(50)]

    for key in keys:
        committed.keep(key, room_of(key, size=MEGABYTE))

    kept = [key for key in keys if remembered(committed, key)]
    assert kept == keys[-len(kept) :]
    assert 5 <= len(kept) <= 10


def test_room_that_is_renewed_counts_once() -> None:
    """A room weighs what its newest state weighs, however often it was written."""
    committed = Committed(limit=10 * MEGABYTE)
    committed.keep(KEY, room_of(KEY))
    other = ("app", "other")
    large = room_of(other, size=5 * MEGABYTE)

    for version in range(100):
        committed.keep(other, attrs.evolve(large, version=version))
        committed.keep(other, room_of(other, size=version))

    assert remembered(committed, KEY)
    assert remembered(committed, other)


def test_newest_room_is_kept_whatever_its_size() -> None:
    """A room larger than the limit is remembered while it is the newest."""
    committed = Committed(limit=MEGABYTE)
    committed.keep(KEY, room_of(KEY))
    other = ("app", "other")

    committed.keep(other, room_of(other, size=2 * MEGABYTE))

    assert remembered(committed, other)
    assert not remembered(committed, KEY)


def test_members_are_forgotten_with_their_room() -> None:
    """When it is pushed out, lives again, or has ended; another write keeps them."""
    place = (room_of(KEY).life_key, "ana")
    ended = attrs.evolve(room_of(KEY), ended_at=NOON)
    again = attrs.evolve(room_of(KEY), life=2)
    large = room_of(("app", "other"), size=2 * MEGABYTE)
    for after in (ended, again, large):
        committed = Committed(limit=MEGABYTE)
        committed.keep(KEY, room_of(KEY))
        committed.rows.keep(place, None)
        committed.keep(KEY, attrs.evolve(room_of(KEY), version=2))
        assert place in committed.rows

        committed.keep((after.app_id, after.name), after)

        assert place not in committed.rows


def test_a_life_that_ended_leaves_no_row() -> None:
    """Its number is another life's, once the name was forgotten and comes back."""
    committed = Committed()
    room = room_of(KEY)
    ended = attrs.evolve(room, version=2, ended_at=NOON)
    row = row_of(room, Member(identity="ana"), Rules())

    committed.renew([RoomWrite(room, ended, None)], [row])
    committed.renew([RoomWrite(None, room, None)], ())

    assert row.place not in committed.rows


def test_members_are_remembered_with_their_room() -> None:
    """A row is read again only once its room was forgotten, or never remembered."""
    committed = Committed()
    room = room_of(KEY)
    row = row_of(room, Member(identity="ana"), Rules())

    committed.renew([RoomWrite(None, room, None)], [row])
    assert committed.rows[row.place] == row.member
    committed.keep(KEY, None)

    assert row.place not in committed.rows
