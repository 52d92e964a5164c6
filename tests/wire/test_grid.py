"""A grid has two spellings; both are read, and neither can break a client (L7)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.models.rooms import SeatMode
from utd_stream.models.seats import Invitation, SpeakerRequest, UTDSeat, UTDSeatGrid
from utd_stream.testing.models import grids, json_values
from utd_stream.wire import decode_json, grid_to_json, grid_to_metadata, read_grid

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
GRID = UTDSeatGrid(
    seat_mode=SeatMode.REQUEST,
    mode_id="stage",
    rev=7,
    seats=(
        UTDSeat(
            seat_index=0,
            occupant_identity="ann",
            muted=True,
            name="Ann",
            attributes={"image": "a.png"},
            grant=5,
        ),
        UTDSeat(seat_index=1, locked=True),
        UTDSeat(seat_index=2, reserved_for="bob"),
    ),
    requests=(SpeakerRequest(id=3, identity="cho", created_at=NOON),),
    invitations=(Invitation(id=4, identity="bob", seat_index=2, expires_at=NOON),),
)
SPELLINGS = [grid_to_json, grid_to_metadata]
# Each is nonsense where something else belongs.
NONSENSE: tuple[Any, ...] = (None, 5, -1, 1.5, "x", "", True, [], {}, [[]], [{}])
FIELDS = (
    *("seat_count", "count", "seat_mode", "mode", "mode_id", "rev"),
    *("seats", "requests", "invitations", "seat_index", "index"),
    *("occupant_identity", "identity", "locked", "muted", "reserved_for"),
    *("name", "attributes", "grant", "id", "created_at", "expires_at"),
)

every_spelling = pytest.mark.parametrize("spell", SPELLINGS, ids=["rest", "metadata"])


def read(raw: object) -> UTDSeatGrid:
    """The grid that *raw* holds."""
    grid = read_grid(raw)
    assert grid is not None
    return grid


@every_spelling
@given(grid=grids(8))
def test_a_grid_arrives_as_it_was_told(spell: Any, grid: UTDSeatGrid) -> None:
    """Writing and reading a grid gives it again, in either spelling."""
    assert read_grid(decode_json(orjson.dumps(spell(grid)))) == grid


def test_rest_spells_as_the_contract_says() -> None:
    """The words are those of `GET /seats`."""
    assert grid_to_json(GRID) == {
        "seat_count": 3,
        "seat_mode": "request",
        "mode_id": "stage",
        "rev": 7,
        "seats": [
            {
                "seat_index": 0,
                "occupant_identity": "ann",
                "locked": 0,
                "muted": True,
                "reserved_for": None,
                "name": "Ann",
                "attributes": {"image": "a.png"},
                "grant": 5,
            },
            seat(1, locked=1),
            seat(2, reserved_for="bob"),
        ],
        "requests": [
            {"id": 3, "identity": "cho", "created_at": "2024-02-29T12:00:00Z"}
        ],
        "invitations": [
            {
                "id": 4,
                "identity": "bob",
                "seat_index": 2,
                "expires_at": "2024-02-29T12:00:00Z",
            }
        ],
    }


def seat(index: int, **told: Any) -> dict[str, Any]:
    """A free seat as REST spells it."""
    return {
        "seat_index": index,
        "occupant_identity": None,
        "locked": 0,
        "muted": False,
        "reserved_for": None,
        **told,
    }


def test_metadata_spells_as_the_contract_says() -> None:
    """The same, with four words of its own."""
    rest, metadata = grid_to_json(GRID), grid_to_metadata(GRID)
    other = {"seat_index": "index", "occupant_identity": "identity"}

    assert metadata.pop("count") == rest.pop("seat_count")
    assert metadata.pop("mode") == rest.pop("seat_mode")
    assert metadata.pop("seats") == [
        {other.get(name, name): value for name, value in item.items()}
        for item in rest.pop("seats")
    ]
    assert metadata == rest


def test_what_is_missing_has_the_kits_defaults() -> None:
    """Nine seats, free, revision 0 (L36)."""
    grid = read({})

    assert (grid.seat_count, grid.seat_mode, grid.rev) == (9, SeatMode.FREE, 0)
    assert grid.seats == tuple(UTDSeat(seat_index=index) for index in range(9))
    assert (grid.mode_id, grid.requests, grid.invitations) == (None, (), ())


def test_seats_alone_say_how_many_there_are() -> None:
    """Without a count the highest index counts; the gaps are free seats."""
    grid = read({"seats": [{"index": 3, "identity": "ann"}]})

    assert [s.occupant_identity for s in grid.seats] == [None, None, None, "ann"]


@pytest.mark.parametrize(("told", "read_as"), [(-4, 1), (0, 1), (100, 100), (101, 100)])
def test_a_count_is_kept_within_bounds(told: int, read_as: int) -> None:
    """No message makes a client build a million seats (L36)."""
    assert read({"count": told}).seat_count == read_as


@pytest.mark.parametrize("index", [-1, 100, 10**9, "0", True, None, 1.0], ids=repr)
def test_a_seat_without_a_place_is_left_out(index: object) -> None:
    """The rest of the grid stays usable."""
    grid = read({"count": 2, "seats": [{"index": index}, {"index": 1, "locked": 1}]})

    assert [s.locked for s in grid.seats] == [False, True]


@pytest.mark.parametrize(
    ("told", "read_as"),
    [
        *((1, True), (0, False), (True, True), (False, False)),
        *((None, False), ("1", False), (2, False), ([], False)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("field", ["locked", "muted"])
def test_truth_is_read_from_numbers_too(
    field: str, told: object, read_as: object
) -> None:
    """0 and 1, false and true; everything else is false (L7)."""
    assert getattr(read({"seats": [{"index": 0, field: told}]}).seats[0], field) is (
        read_as
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"seat_count": 3}, {"count": 3}),
        ({"seat_mode": "request"}, {"mode": "request"}),
        ({"seats": [{"seat_index": 1}]}, {"seats": [{"index": 1}]}),
        (
            {"seats": [{"seat_index": 0, "occupant_identity": "ann"}]},
            {"seats": [{"seat_index": 0, "identity": "ann"}]},
        ),
    ],
    ids=["count", "mode", "index", "identity"],
)
def test_each_word_is_read_in_either_spelling(one: object, other: object) -> None:
    """Mixed spellings say the same, one word at a time."""
    assert read(one) == read(other)


def test_requests_and_invitations_without_a_name_are_left_out() -> None:
    """Who asks, and as which number, or it is no request."""
    told = [{"id": 1}, {"identity": "ann"}, {"id": 2, "identity": ""}, 5, None]
    good = {"id": 3, "identity": "bob", "created_at": "soon", "expires_at": 5}
    grid = read({"requests": [*told, good], "invitations": [*told, good]})

    assert grid.requests == (SpeakerRequest(id=3, identity="bob"),)
    assert grid.invitations == (Invitation(id=3, identity="bob"),)


@pytest.mark.parametrize(
    "moment",
    ["2024-02-29T12:00:00", "0001-01-01T00:00:00+14:00", "x", 5, None],
    ids=["naive", "before time", "no date", "number", "nothing"],
)
def test_an_impossible_moment_is_none(moment: object) -> None:
    """A request stays, whatever its date is."""
    told = {"id": 1, "identity": "ann", "created_at": moment}

    assert read({"requests": [told]}).requests[0].created_at is None


@given(raw=json_values())
def test_any_json_is_a_grid_or_none(raw: object) -> None:
    """An object gives a grid, anything else gives none; nothing raises (L7)."""
    assert (read_grid(raw) is not None) == isinstance(raw, dict)


@every_spelling
@given(grid=grids(3), data=st.data())
def test_a_grid_with_nonsense_in_it_is_still_a_grid(
    spell: Any, grid: UTDSeatGrid, data: st.DataObject
) -> None:
    """Wrong types, missing keys, extra keys at any depth never raise (L7)."""
    raw = spoiled(spell(grid), data)

    again = read_grid(raw)

    assert again is not None
    assert 1 <= again.seat_count <= 100
    assert [s.seat_index for s in again.seats] == list(range(again.seat_count))
    assert read_grid(grid_to_json(again)) == again


def spoiled(raw: Any, data: st.DataObject) -> Any:
    """*raw* with some of its values replaced, dropped, or told twice."""
    if isinstance(raw, list):
        return [spoiled(item, data) for item in raw]
    if not isinstance(raw, dict):
        return raw
    fields = {key: spoiled(value, data) for key, value in raw.items()}
    for name in data.draw(st.lists(st.sampled_from(FIELDS), max_size=3)):
        fields[name] = data.draw(st.sampled_from(NONSENSE))
    for name in data.draw(st.lists(st.sampled_from(FIELDS), max_size=1)):
        fields.pop(name, None)
    return fields
