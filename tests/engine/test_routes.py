"""Every endpoint is served, and what it reads is the engine's own state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.engine.house import OPEN, ROOM, SHUT, House, app_of, open_house
from tests.engine.manual_clock import ManualClock
from utd_stream.adapters.loopback import Loopback
from utd_stream.contract import ENDPOINTS, Endpoint, Who, endpoints
from utd_stream.contract.call_endpoints import CREATE_CALL
from utd_stream.engine.routes import COMMANDS, LOOKS

SECRET = app_of(OPEN, secret=True)


def test_every_endpoint_is_in_the_list() -> None:
    """Each constant is in it once, under its own name."""
    constants = {
        name: value for name, value in vars(endpoints).items() if name.isupper()
    }
    found = {name: e for name, e in constants.items() if isinstance(e, Endpoint)}

    assert found == {endpoint.name.upper(): endpoint for endpoint in ENDPOINTS}
    assert len(found) == len(ENDPOINTS)


def test_every_endpoint_is_served_in_one_way() -> None:
    """The maps of commands and looks hold each endpoint once, and nothing else."""
    served = {endpoint for endpoint in ENDPOINTS if endpoint.who is not Who.SFU}

    assert not set(COMMANDS) & set(LOOKS)
    assert set(COMMANDS) | set(LOOKS) == served


def test_writes_are_commands() -> None:
    """What takes an Idempotency-Key goes through the writer; what reads does not."""
    writes = {endpoint for endpoint in ENDPOINTS if endpoint.is_write}

    # The id of a call is drawn before it is created.
    assert writes == {*COMMANDS, CREATE_CALL}


async def test_health_needs_nothing(house: House) -> None:
    """Whoever asks learns that the engine serves."""
    answer = await house.ask("GET", "health")

    assert (answer.status, answer.body) == (200, {"status": "ok"})
    assert answer.headers["X-Request-Id"]


async def test_request_ids_differ(house: House) -> None:
    """No two answers carry the same request id."""
    answers = [await house.ask("GET", "health") for _ in range(5)]

    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 5


async def test_room_shows_its_members_from_the_roster(house: House) -> None:
    """Who is a member, who is there and who sits is known without the SFU."""
    await house.enter("ana", role="host", name="Ana", host_seat=2)
    await house.mint("bob")
    answer = await house.room_ask("GET", "", by="bob")

    assert answer.body == {
        "room_name": ROOM,
        "type": "audio_room",
        "owner_identity": "ana",
        "created_at": "2024-02-29T12:00:00Z",
        "num_participants": 1,
        "participants": [
            {
                "identity": "ana",
                "name": "Ana",
                "role": "host",
                "seat_index": 2,
                "connected": True,
                "joined_at": "2024-02-29T12:00:00Z",
            },
            {"identity": "bob", "role": "audience", "connected": False},
        ],
        "pagination": {"page": 1, "per_page": 20, "total": 2, "total_pages": 1},
    }


async def test_lists_are_paged(house: House) -> None:
    """A page of a room's members, of its participants, of the rooms: in SQL."""
    names = [f"m{number:02}" for number in range(23)]
    for name in reversed(names):
        await house.mint(name)
    for name in ("attic", "cellar", "den"):
        await house.mint("eve", room_name=name)
    await house.mint("kicked")
    back_end = app_of(OPEN, secret=True)
    await house.room_ask("DELETE", "/participants/kicked", by=back_end)

    room = await house.room_ask("GET", "?page=3&per_page=10", by=back_end)
    listed = await house.room_ask("GET", "/participants?page=3&per_page=10", by="m00")
    rooms = await house.ask("GET", "api/v1/rooms?page=2&per_page=3", by=back_end)
    beyond = await house.room_ask("GET", "?page=9&per_page=10", by=back_end)

    assert [p["identity"] for p in room.body["participants"]] == names[20:]
    assert room.body["pagination"] == {
        "page": 3, "per_page": 10, "total": 23, "total_pages": 3
    }  # fmt: skip
    assert listed.body["data"] == room.body["participants"]
    assert listed.body["pagination"] == room.body["pagination"]
    assert [room["room_name"] for room in rooms.body["data"]] == [ROOM]
    assert rooms.body["pagination"]["total"] == 4
    assert beyond.body["participants"] == []


async def test_kicked_member_is_no_member(house: House) -> None:
    """Who was kicked is gone from the lists, and may not read them."""
    await house.enter("ana", role="host")
    await house.enter("bob")
    await house.room_ask("DELETE", "/participants/bob", by="ana")
    listed = await house.room_ask("GET", "/participants", by="ana")

    assert [p["identity"] for p in listed.body["data"]] == ["ana"]
    assert (await house.room_ask("GET", "/participants/bob", by="ana")).status == 404
    assert (await house.room_ask("GET", "", by="bob")).status == 403


async def test_kicked_member_is_not_counted(house: House) -> None:
    """A room counts those it shows, also while the SFU has not removed them yet."""
    await house.enter("ana", role="host")
    await house.enter("bob")
    async with house.sfu.outage():
        await house.room_ask("DELETE", "/participants/bob", by="ana")
        answer = await house.room_ask("GET", "", by="ana")

    assert [p["identity"] for p in answer.body["participants"]] == ["ana"]
    assert answer.body["num_participants"] == 1


@pytest.mark.parametrize(
    ("query", "names", "page"),
    [
        ("", list("abcde"), (1, 20, 5, 1)),
        ("?per_page=2", ["a", "b"], (1, 2, 5, 3)),
        ("?page=3&per_page=2", ["e"], (3, 2, 5, 3)),
        ("?page=4&per_page=2", [], (4, 2, 5, 3)),
        ("?page=9007199254740992", [], (2**53, 20, 5, 1)),
    ],
)
async def test_lists_come_in_pages(
    house: House, query: str, names: list[str], page: tuple[int, ...]
) -> None:
    """A page holds its part, and says where it stands (L25)."""
    for name in "cabed":
        await house.mint("ana", room_name=name)
    answer = await house.ask("GET", f"api/v1/rooms{query}", by=SECRET)

    assert [room["room_name"] for room in answer.body["data"]] == names
    assert tuple(answer.body["pagination"].values()) == page


async def test_apps_do_not_see_each_other(house: House) -> None:
    """A room belongs to its app: another app's of the same name is another room."""
    await house.enter("ana", role="host")
    other = app_of(SHUT, secret=True)
    listed = await house.ask("GET", "api/v1/rooms", by=other)
    read = await house.room_ask("GET", "", by=other)

    assert listed.body["data"] == []
    assert read.status == 404


async def test_pending_requests_are_listed(house: House) -> None:
    """Who waits for a moderator is listed, oldest first."""
    await house.enter("ana", role="host", seat_mode="request")
    for identity in ("cho", "bob"):
        await house.enter(identity)
        await house.room_ask("POST", "/speakers/request", by=identity)
    answer = await house.room_ask("GET", "/speakers/requests", by="bob")

    assert [r["identity"] for r in answer.body["data"]] == ["cho", "bob"]


async def test_mint_answers_with_all_a_client_needs(house: House) -> None:
    """Token, address, role, owner, connection and the grid come at once."""
    first = (await house.mint("ana", role="host", seat_count=3)).body
    second = (await house.mint("ana")).body

    assert (first["url"], first["roomName"], first["role"]) == (
        "ws://sfu",
        ROOM,
        "host",
    )
    assert first["owner_identity"] == "ana"
    assert first["ws_url"] == house.url.replace("http", "ws") + "api/v1/signal"
    assert first["seats"]["seat_count"] == 3
    assert second["connection"] == first["connection"] + 1
    assert house.services.tokens.read(first["user_token"]).identity == "ana"


STEPS: list[tuple[str, str, dict[str, Any]]] = [
    ("setup_seats", "POST /seats/setup", {"seat_count": 4}),
    ("take_seat", "POST /seats/0/take", {}),
    ("move_seat", "POST /seats/move", {"target_seat": 1}),
    ("swap_seats", "POST /seats/swap", {"a": 1, "b": 2}),
    ("mute_seat", "POST /seats/2/mute", {}),
    ("unmute_seat", "POST /seats/2/unmute", {}),
    ("leave_seat", "POST /seats/leave", {}),
    ("lock_seat", "POST /seats/3/lock", {}),
    ("unlock_seat", "POST /seats/3/unlock", {}),
    ("kick_from_seat", "POST /seats/0/kick", {}),
]


async def test_seat_writes_answer_with_the_grid_after_them(house: House) -> None:
    """Each write of the grid is served, and says the grid and revision it made."""
    await house.enter("ana", role="host")
    for name, asked, body in STEPS:
        method, path = asked.split(" ")
        answer = await house.room_ask(method, path, by="ana", json=body)

        assert answer.status == 200, (name, answer.body)
        read = await house.room_ask("GET", "/seats", by="ana")
        assert answer.body["grid"] == read.body
        assert answer.body["rev"] == read.body["rev"]


async def test_speakers_are_asked_and_answered(house: House) -> None:
    """Requests and invitations go their ways through the routes."""
    await house.enter("ana", role="host", seat_mode="request")
    await house.enter("bob")

    async def say(path: str, by: str, **given: Any) -> dict[str, Any]:
        answer = await house.room_ask("POST", f"/speakers/{path}", by=by, **given)
        assert answer.status == 200, answer.body
        return dict(answer.body)

    first = await say("request", "bob")
    withdrawn = await house.room_ask("DELETE", "/speakers/request", by="bob")
    assert withdrawn.body["grid"]["requests"] == []
    second = await say("request", "bob")
    rejected = await say(f"requests/{second['request_id']}/reject", "ana")
    assert rejected["request_id"] == second["request_id"] > first["request_id"]
    third = await say("request", "bob")
    approved = await say(f"requests/{third['request_id']}/approve", "ana")
    assert (approved["identity"], approved["seat_index"]) == ("bob", 0)
    assert approved["speaks"]
    await house.room_ask("POST", "/seats/leave", by="bob")
    offer = {"target_identity": "bob", "seat_index": 5}
    invited = await say("invite", "ana", json=offer)
    declined = await say(f"invitations/{invited['invitation_id']}/decline", "bob")
    assert declined["grid"]["invitations"] == []
    invited = await say("invite", "ana", json=offer)
    seated = await say(f"invitations/{invited['invitation_id']}/accept", "bob")

    assert (seated["seat_index"], seated["speaks"]) == (5, True)


async def test_approval_names_whom_it_seated(house: House) -> None:
    """Whoever approves, a moderator his own request too."""
    await house.enter("ana", role="host", seat_mode="request")
    asked = await house.room_ask("POST", "/speakers/request", by="ana")
    path = f"/speakers/requests/{asked.body['request_id']}/approve"

    answer = await house.room_ask("POST", path, by="ana")

    assert (answer.body["identity"], answer.body["seat_index"]) == ("ana", 0)


class Speechless(Loopback):
    """A plane whose tokens cannot be signed, by a bug."""

    def sign_token(self, claims: Mapping[str, Any]) -> str:
        """Fail in a way nobody foresaw."""
        raise ZeroDivisionError(str(claims))


async def test_failure_of_the_engine_is_unavailable() -> None:
    """What nobody foresaw is 503 with a request id, and nothing of the cause."""
    clock = ManualClock()
    async with open_house(clock=clock, sfu=Speechless(clock)) as house:
        house.listens = False
        answer = await house.mint("ana")

        assert (answer.status, answer.code) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "1"
        assert "ana" not in answer.body["message"]
