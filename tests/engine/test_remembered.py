"""Which rows of members need not be read."""

from __future__ import annotations

from utd_stream.engine._remembered import RememberedRows
from utd_stream.engine.rules.members import Place
from utd_stream.engine.rules.state import Member

KILOBYTE = 1_000


def place(identity: str, room: str = "lounge", life: int = 1) -> Place:
    """Return whose row it is."""
    return (("app", room, life), identity)


def kept(rows: RememberedRows, *names: str, room: str = "lounge") -> list[str]:
    """Return which of *names* need not be read."""
    return [name for name in names if place(name, room) in rows]


def test_absence_is_remembered_too() -> None:
    """That somebody is no member is not asked of the disk again and again."""
    rows = RememberedRows(10 * KILOBYTE)
    rows.keep(place("ana"), None)

    assert rows[place("ana")] is None
    assert place("ana", life=2) not in rows


def test_rows_used_last_are_kept() -> None:
    """Those used longest ago are forgotten when together they weigh too much."""
    rows = RememberedRows(10 * KILOBYTE)
    names = [f"m{number}" for number in range(8)]
    for name in names:
        rows.keep(place(name), Member(identity=name, metadata="x" * KILOBYTE))
        rows.use(place(names[0]))

    left = kept(rows, *names)
    assert left == [names[0], *names[-len(left) + 1 :]]
    assert 3 <= len(left) <= 8


def test_a_row_that_is_renewed_counts_once() -> None:
    """A row weighs what its newest state weighs, however often it was written."""
    rows = RememberedRows(10 * KILOBYTE)
    rows.keep(place("bob"), Member(identity="bob"))
    for number in range(100):
        rows.keep(place("ana"), Member(identity="ana", metadata="x" * number))

    assert kept(rows, "ana", "bob") == ["ana", "bob"]


def test_rows_are_forgotten_with_their_room() -> None:
    """Those of other rooms stay, and what was forgotten weighs nothing."""
    rows = RememberedRows(10 * KILOBYTE)
    for number in range(100):
        rows.keep(place("bob", "attic"), Member(identity="bob"))
        for name in ("ana", "eve"):
            rows.keep(place(name), Member(identity=name, metadata="x" * KILOBYTE))
        rows.drop(place("eve" if number % 2 else "dan"))
        rows.forget(("app", "lounge"))

    assert kept(rows, "ana", "eve") == []
    assert kept(rows, "bob", room="attic") == ["bob"]
    rows.clear()
    assert kept(rows, "bob", room="attic") == []
