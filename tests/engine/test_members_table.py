"""One suite for the table of members: on disk, and the dict that stands for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.engine.rules.members import (
    Connected,
    Life,
    MemberRow,
    Members,
    MembersInMemory,
    Place,
)
from utd_stream.engine.rules.state import Member
from utd_stream.engine.store import Store
from utd_stream.models.rooms import UTDRole
from utd_stream.testing.models import values
from utd_stream.testing.strategies import NOON

LIFE: Life = ("app", "lounge", 1)
LATER: Life = ("app", "lounge", 2)
OTHER: Life = ("app", "attic", 1)


class Table(Members, Protocol):
    """A table that can be written."""

    def write(self, rows: Collection[MemberRow]) -> None:
        """Add or replace rows."""

    def delete(self, places: Collection[Place]) -> None:
        """Delete rows."""


@pytest.fixture(params=["store", "memory"])
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """An empty table."""
    if request.param == "memory":
        yield MembersInMemory()
        return
    store = Store("sqlite://")
    with store.transaction():
        yield store.members
    store.close()


def member(identity: str, **fields: Any) -> Member:
    """Somebody who is connected since noon."""
    given = {"sid": f"PA_{identity}", "seen_at": NOON, "joined_at": NOON, **fields}
    return Member(identity=identity, **given)


def row(of: Member, life: Life = LIFE, **fields: Any) -> MemberRow:
    """A row as it is written."""
    given = {"shown": f"d-{of.identity}", "plain": True, "due_at": None, **fields}
    return MemberRow(life, of, **given)


def at(seconds: float) -> datetime:
    """Return so long after noon."""
    return NOON + timedelta(seconds=seconds)


def places(*names: str, life: Life = LIFE) -> list[Place]:
    """Return whose rows these are."""
    return [(life, name) for name in names]


# Rows.


@given(values(Member))
def test_rows_are_read_as_they_were_written(of: Member) -> None:
    """Every field of a member survives, whatever it holds."""
    store = Store("sqlite://")
    with store.transaction():
        store.members.write([row(of)])

        assert store.members.rows(places(of.identity)) == {(LIFE, of.identity): of}
    store.close()


def test_rows_are_those_asked_for(table: Table) -> None:
    """Of one life; who has no row is left out."""
    ana, bob = member("ana"), member("bob")
    table.write([row(ana), row(bob), row(member("ana", name="A"), LATER)])

    assert table.rows(places("ana", "eve")) == {(LIFE, "ana"): ana}
    assert table.rows([]) == {}
    both = [*places("bob"), *places("ana", life=LATER), *places("ana", life=OTHER)]
    assert set(table.rows(both)) == {(LIFE, "bob"), (LATER, "ana")}


@pytest.mark.parametrize("count", [1, 2, 127, 128, 129, 300])
def test_rows_of_any_number_are_read_at_once(table: Table, count: int) -> None:
    """However many are asked for, each is found once."""
    names = [f"m{number}" for number in range(count)]
    table.write([row(member(name)) for name in names])

    assert set(table.rows(places(*names))) == set(places(*names))


def test_rows_are_replaced_and_deleted(table: Table) -> None:
    """A place has one row, the newest; deleting what is not there does nothing."""
    table.write([row(member("ana")), row(member("bob"))])
    table.write([row(member("ana", role=UTDRole.ADMIN, sid=None))])
    table.delete(places("bob", "eve"))

    found = table.rows(places("ana", "bob"))
    assert set(found) == {(LIFE, "ana")}
    assert found[LIFE, "ana"].role is UTDRole.ADMIN
    assert not table.others(LIFE, (), None)


# Others.


@pytest.mark.parametrize(
    ("names", "since", "is_anybody"),
    [
        ((), None, True),
        (("ana",), None, True),
        (("ana", "bob"), None, False),
        (("ana", "bob", "eve"), None, False),
        (("eve",), at(5), True),
        (("bob",), at(5), False),
        ((), at(10), True),
        ((), at(10.000001), False),
    ],
)
def test_others_are_connected_and_were_seen(
    table: Table, names: tuple[str, ...], since: datetime | None, *, is_anybody: bool
) -> None:
    """Anybody but those named, of this life, whom the SFU has not forgotten."""
    table.write(
        [
            row(member("ana")),
            row(member("bob", seen_at=at(10))),
            row(member("eve", sid=None, seen_at=at(20))),
            row(member("dan", seen_at=at(20)), LATER),
        ]
    )

    assert table.others(LIFE, names, since) is is_anybody


# Due.


def test_due_is_who_waits_longest_first(table: Table) -> None:
    """Of any room; not before their time, and no more than asked for."""
    table.write(
        [
            row(member("late"), due_at=at(9).timestamp()),
            row(member("soon"), OTHER, due_at=at(1).timestamp()),
            row(member("never")),
            row(member("then"), due_at=at(5).timestamp()),
        ]
    )

    assert table.due(at(0), 10) == []
    assert table.due(at(5), 10) == [(OTHER, "soon"), (LIFE, "then")]
    assert table.due(at(60), 2) == [(OTHER, "soon"), (LIFE, "then")]


# Ranges.


def test_ranges_show_the_connected_in_turn(table: Table) -> None:
    """Each once, by identity, whoever else is a member."""
    names = ["a", "A", "\u00e9", "z", "\U0001f3a4", "b"]
    table.write([row(member(name)) for name in names])
    table.write([row(member("c", sid=None)), row(member("d"), LATER)])

    found: list[Connected] = []
    while some := table.ranges(LIFE, found[-1].identity if found else "", 2):
        found += some

    shown = [Connected(n, f"PA_{n}", NOON.timestamp(), f"d-{n}") for n in sorted(names)]
    assert found == shown


# Pages.


def test_pages_are_of_the_admitted_by_identity(table: Table) -> None:
    """One beyond the last is empty; the kicked are on none."""
    names = [f"m{number:02}" for number in range(25)]
    everybody = [member(name, sid=None) for name in names]
    table.write([row(of) for of in reversed(everybody)])
    table.write([row(member("kicked", admitted=False)), row(member("a"), LATER)])

    assert table.page(LIFE, 0, 10) == everybody[:10]
    assert table.page(LIFE, 20, 10) == everybody[20:]
    assert table.page(LIFE, 30, 10) == []


@pytest.mark.parametrize("role", UTDRole)
def test_pages_may_be_of_one_role(table: Table, role: UTDRole) -> None:
    """By identity as well; nobody of another role, life or room, nor the kicked."""
    of_role = {
        each: [
            attrs.evolve(member(f"m{number:02}", sid=None), role=each)
            for number in range(rank, 25, 5)
        ]
        for rank, each in enumerate(UTDRole)
    }
    table.write([row(each) for some in of_role.values() for each in some])
    gone = attrs.evolve(member("a", admitted=False), role=role)
    table.write([row(gone), row(attrs.evolve(member("b"), role=role), LATER)])

    assert table.page(LIFE, 0, 3, role) == of_role[role][:3]
    assert table.page(LIFE, 3, 10, role) == of_role[role][3:]


# Against each other.


@given(
    st.dictionaries(
        st.sampled_from([(life, name) for life in (LIFE, LATER) for name in "abcdef"]),
        st.tuples(
            st.sampled_from([None, "PA_1", "PA_2"]),
            st.booleans(),
            st.none() | st.integers(0, 9),
        ),
    ),
    st.sets(st.sampled_from("abcdef")),
    st.none() | st.integers(-1, 10),
)
def test_both_tables_answer_alike(
    drawn: Mapping[Place, tuple[str | None, bool, int | None]],
    names: set[str],
    since: int | None,
) -> None:
    """Whatever is in them, and whatever is asked."""
    rows = [
        row(
            attrs.evolve(
                member(who), sid=sid, admitted=admitted, seen_at=at(len(who) + (n or 0))
            ),
            life,
            due_at=None if n is None else at(n + ord(who) / 1_000).timestamp(),
        )
        for (life, who), (sid, admitted, n) in drawn.items()
    ]
    store, memory = Store("sqlite://"), MembersInMemory()
    asked = None if since is None else at(since)

    def answers(table: Table, life: Life) -> list[object]:
        return [
            table.rows(places(*names, life=life)),
            table.others(life, names, asked),
            table.due(asked or NOON, 3),
            table.ranges(life, min(names, default=""), 3),
            table.page(life, len(names), 3),
            *(table.page(life, 0, 3, role) for role in UTDRole),
        ]

    with store.transaction():
        store.members.write(rows)
        memory.write(rows)
        for life in (LIFE, LATER):
            assert answers(store.members, life) == answers(memory, life)
    store.close()
