"""What the engine writes to LiveKit is as its JSON Schemas say."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.engine.house import House
from utd_stream.engine.openapi import document
from utd_stream.models.seats import MAX_SEAT_COUNT, UTDSeatGrid
from utd_stream.testing.models import grids
from utd_stream.wire import grid_to_json, grid_to_metadata
from utd_stream.wire.spelling import DATA_MESSAGES, SHORT

COMPONENTS: dict[str, Any] = orjson.loads(document())["components"]


def strays(value: Any, name: str) -> list[str]:
    """Return how *value* strays from a schema of the components."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": COMPONENTS}
    return [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator(schema).iter_errors(value)
    ]


def closed(value: Any, name: str) -> list[str]:
    """Return the keys of *value*, an object, which its schema does not know."""
    return sorted(set(value) - set(COMPONENTS["schemas"][name]["properties"]))


# A seat is one of those that a grid can have.
_GRIDS = grids(seat_index=st.integers(0, MAX_SEAT_COUNT - 1))


@given(_GRIDS)
def test_both_spellings_of_a_grid_are_described(grid: UTDSeatGrid) -> None:
    """Every grid conforms in REST's spelling and in metadata's, no key unknown."""
    for body, whole, one in (
        (grid_to_json(grid), "UTDSeatGrid", "UTDSeat"),
        (grid_to_metadata(grid), "SeatsMetadata", "SeatMetadata"),
    ):
        read = orjson.loads(orjson.dumps(body))
        assert strays(read, whole) == []
        assert closed(read, whole) == []
        assert [closed(seat, one) for seat in read["seats"]] == [[]] * len(grid.seats)


@given(_GRIDS)
def test_the_short_spelling_differs_in_names_only(grid: UTDSeatGrid) -> None:
    """Metadata's grid is REST's with the names that the table shortens."""

    def shortened(fields: dict[str, Any]) -> dict[str, Any]:
        return {SHORT.get(name, name): value for name, value in fields.items()}

    rest = shortened(grid_to_json(grid))
    rest["seats"] = [shortened(seat) for seat in rest["seats"]]

    assert grid_to_metadata(grid) == rest


async def test_metadata_of_a_played_room_conforms(house: House) -> None:
    """What a room and its people have at the SFU is described, key by key."""
    await house.enter("ana", role="host", host_seat=0, seat_mode="request", image="x")
    await house.enter("bob", metadata='{"team": "red"}', name="Bob")
    await house.room_ask("POST", "/speakers/request", by="bob")
    await house.enter("cy")
    invitation = {"target_identity": "cy", "seat_index": 4}
    await house.room_ask("POST", "/speakers/invite", by="ana", json=invitation)
    await house.room_ask("POST", "/seats/7/lock", by="ana")
    await house.told()

    room = house.metadata()
    bob = house.sfu.participant(house.sfu_room, "bob")
    assert bob is not None
    member = orjson.loads(bob.metadata)

    assert strays(room, "RoomMetadata") == []
    assert closed(room, "RoomMetadata") == []
    assert closed(room["_room"], "RoomFacts") == []
    assert room["_seats"]["requests"]
    assert room["_seats"]["invitations"]
    assert strays(member, "ParticipantMetadata") == []
    assert closed(member, "ParticipantMetadata") == ["team"]


@pytest.mark.parametrize("kind", DATA_MESSAGES)
def test_data_messages_are_described(kind: str) -> None:
    """Each type of message that the engine sends is one that the schema names."""
    assert strays({"type": kind}, "DataMessage") == []
    assert strays({"type": "chat"}, "DataMessage") != []


async def test_everything_the_engine_says_is_in_the_table(house: House) -> None:
    """A kick and an end say what the table of data messages knows."""
    await house.enter("ana", role="host")
    await house.enter("bob")
    await house.room_ask("DELETE", "/participants/bob", by="ana")
    await house.room_ask("DELETE", "", by="ana")
    await house.told()
    said = [orjson.loads(message.data) for message in house.sfu.messages]

    assert [message["type"] for message in said] == ["_kicked", "_room_ended"]
    assert all(strays(message, "DataMessage") == [] for message in said)
