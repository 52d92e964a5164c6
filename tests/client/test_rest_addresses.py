"""Where a request goes, whatever people and rooms are called."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given

from tests.client.asking import GRID, MINT, OF, ROOM, TOKEN, engine, leave_seat
from tests.client.engine_script import Engine
from utd_stream.client._rest import Call
from utd_stream.errors import InvalidArgumentError
from utd_stream.testing.models import names

__all__ = ["engine"]


PAGE = {"page": 2, "per_page": 50, "total": 0, "total_pages": 0}


@pytest.mark.parametrize("name", ["room", "identity"])
@pytest.mark.parametrize("value", ["..", ".", ""])
async def test_a_name_that_would_change_the_path_is_refused(
    engine: Engine, name: str, value: str
) -> None:
    """Before anything is asked: clients fold it out of the path."""
    path = {"room": "lounge", "identity": "ann", name: value}

    with pytest.raises(InvalidArgumentError, match=f"{name} must not be"):
        await engine.rest().call(OF["get_participant"], None, Call(path=path))

    assert engine.asked == []


def addressed(path: dict[str, str | int]) -> str:
    """The path of a request about somebody."""
    rest = Engine().rest(base_url="http://engine")
    request = rest._request(OF["get_participant"], None, Call(path=path))
    return urlsplit(request.url).path


@given(room=names().filter("..".__ne__), identity=names())
def test_names_are_encoded_in_paths(room: str, identity: str) -> None:
    """A slash, a percent sign, an emoji: one segment each, read as it was (L24)."""
    parts = addressed({"room": room, "identity": identity}).split("/")

    assert len(parts) == 7
    assert (unquote(parts[4]), unquote(parts[6])) == (room, identity)
    assert all(part.isascii() for part in parts)


@pytest.mark.parametrize("name", ["a/b", "a%2Fb", "a?b#c", "🎤", "a b", "...", "a+b"])
async def test_names_arrive_as_they_are(engine: Engine, name: str) -> None:
    """Also through a real HTTP client, which mends nothing (L24)."""
    engine.answers((200, {"identity": name}))
    path = {"room": "lounge", "identity": name}

    await engine.rest().call(OF["get_participant"], None, Call(path=path))

    segment = engine.asked[0].path.rpartition("/")[2]
    assert unquote(segment) == name
    assert "/" not in segment


async def test_mints_may_have_an_engine_of_their_own(engine: Engine) -> None:
    """Two addresses, with or without a slash at the end."""
    rest = engine.rest(
        base_url=engine.url + "rooms/", token_base_url=engine.url + "mint//"
    )
    engine.answers(TOKEN)
    await rest.call(OF["create_token"], MINT)
    engine.answers(GRID)
    await leave_seat(rest)

    assert [asked.path for asked in engine.asked] == [
        "/mint/api/v1/token",
        "/rooms/api/v1/rooms/lounge/seats/leave",
    ]


async def test_pages_are_asked_for_in_the_query(engine: Engine) -> None:
    """The path stays, the query says which page."""
    engine.answers((200, {"data": [], "pagination": PAGE}))
    call = Call(path=ROOM.path, query={"page": 2, "per_page": 50})

    await engine.rest().call(OF["list_participants"], None, call)

    path = engine.asked[0].path
    assert path == "/api/v1/rooms/lounge/participants?page=2&per_page=50"
