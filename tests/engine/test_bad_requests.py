"""What is wrong is refused with its status, code and path, and changes nothing."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any

import pytest

from tests.engine.house import OPEN, ROOM, Answer, House, app_of
from utd_stream.engine.rules.audio_room import grid_of

# Each: what is asked, by whom, with what, and then status, code and paths.
Case = tuple[str, str, Any, int, str, list[str]]

# fmt: off
CASES: dict[str, Case] = {
    "not a member":
        ("POST /seats/1/take", "eve", None, 403, "forbidden", []),
    "index beyond":
        ("POST /seats/9/take", "bob", None, 422, "invalid", ["$.index"]),
    "index far":
        ("POST /seats/999/take", "bob", None, 422, "invalid", ["$.index"]),
    "index no number":
        ("POST /seats/one/take", "bob", None, 422, "invalid", ["$.index"]),
    "index negative":
        ("POST /seats/-1/take", "bob", None, 422, "invalid", ["$.index"]),
    "index in other digits":
        ("POST /seats/%D9%A3/take", "bob", None, 422, "invalid", ["$.index"]),
    "seat taken":
        ("POST /seats/0/take", "bob", None, 409, "seat_taken", []),
    "seat locked":
        ("POST /seats/2/take", "bob", None, 409, "seat_locked", []),
    "seat reserved":
        ("POST /seats/3/take", "bob", None, 409, "seat_taken", []),
    "already seated":
        ("POST /seats/1/take", "ana", None, 409, "already_seated", []),
    "asking in free mode":
        ("POST /speakers/request", "bob", None, 409, "conflict", []),
    "approving nothing":
        ("POST /speakers/requests/99/approve", "ana", None, 404, "not_found", []),
    "id no number":
        ("POST /speakers/requests/x/approve", "ana", None, 422, "invalid", ["$.id"]),
    "somebody else's invitation":
        ("POST /speakers/invitations/1/accept", "bob", None, 404, "not_found", []),
    "not a moderator":
        ("POST /seats/0/mute", "bob", None, 403, "forbidden", []),
    "unknown field":
        ("POST /seats/1/take", "bob", {"seat": 1}, 422, "invalid", ["$.seat"]),
    "two wrong fields":
        ("POST /seats/swap", "ana", {"a": "0", "b": 101}, 422, "invalid",
         ["$.a", "$.b"]),
    "field missing":
        ("POST /seats/move", "ana", {}, 422, "invalid", ["$.target_seat"]),
    "body no object":
        ("POST /seats/1/take", "bob", [], 422, "invalid", ["$"]),
    "wrong size":
        ("POST /seats/setup", "ana", {"seat_count": 0}, 422, "invalid",
         ["$.seat_count"]),
    "wrong mode":
        ("POST /seats/setup", "ana", {"seat_mode": "x"}, 422, "invalid",
         ["$.seat_mode"]),
    "unknown query":
        ("GET /seats?page=1", "ana", None, 422, "invalid", ["$.page"]),
    "page zero":
        ("GET /participants?page=0", "ana", None, 422, "invalid", ["$.page"]),
    "page no number":
        ("GET /participants?page=a", "ana", None, 422, "invalid", ["$.page"]),
    "page twice":
        ("GET /participants?page=1&page=2", "ana", None, 422, "invalid", ["$.page"]),
    "page too long":
        ("GET /participants?per_page=101", "ana", None, 422, "invalid",
         ["$.per_page"]),
    "somebody unknown":
        ("GET /participants/eve", "ana", None, 404, "not_found", []),
    "identity of dots":
        ("GET /participants/%2e%2e", "ana", None, 422, "invalid", ["$.identity"]),
    "kicking nobody":
        ("DELETE /participants/eve", "ana", None, 404, "not_found", []),
    "no such path":
        ("POST /seats/1/steal", "ana", None, 404, "not_found", []),
    "no such method":
        ("PUT /seats", "ana", None, 405, "method_not_allowed", []),
}
# fmt: on


async def furnish(house: House) -> None:
    """Ana hosts on seat 0; 1 is open, 2 locked, 3 held for Ann; Bob listens."""
    await house.enter("ana", role="host", host_seat=0)
    for identity in ("ann", "bob"):
        await house.enter(identity)
    await house.room_ask("POST", "/seats/2/lock", by="ana")
    invitation = {"target_identity": "ann", "seat_index": 3}
    answer = await house.room_ask("POST", "/speakers/invite", by="ana", json=invitation)
    assert answer.status == 200


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_bad_request_is_refused_and_changes_nothing(
    house: House, case: Case
) -> None:
    """A refusal has its status, its code and the paths of the fields, and no effect."""
    await furnish(house)
    before = grid_of(await house.room())
    asked, caller, body, *expected = case
    method, path = asked.split(" ")

    answer = await house.room_ask(method, path, by=caller, json=body)

    assert [answer.status, answer.code, answer.paths] == expected
    assert answer.body["message"]
    assert answer.body["request_id"] == answer.headers["X-Request-Id"]
    assert grid_of(await house.room()) == before


async def test_reserved_seat_says_for_whom(house: House) -> None:
    """Who may not sit on a held seat learns for whom it is held."""
    await furnish(house)

    answer = await house.room_ask("POST", "/seats/3/take", by="bob")

    assert answer.body["details"] == {"reserved_for": "ann"}


async def test_asking_and_settling_happen_once(house: House) -> None:
    """A second request is refused; so is a second answer, naming the first's."""
    await furnish(house)
    mode = {"seat_mode": "request"}
    await house.room_ask("POST", "/seats/setup", by="ana", json=mode)
    first = await house.room_ask("POST", "/speakers/request", by="bob")
    second = await house.room_ask("POST", "/speakers/request", by="bob")
    assert (second.status, second.code) == (409, "pending")
    path = f"/speakers/requests/{first.body['request_id']}"
    assert (await house.room_ask("POST", f"{path}/approve", by="ana")).status == 200

    late = await house.room_ask("POST", f"{path}/reject", by="ana")

    assert (late.status, late.code) == (409, "settled")
    assert late.body["details"]["settled_by"] == "ana"


@pytest.mark.parametrize("began", [False, True], ids=["never began", "ended"])
async def test_absent_room_is_not_found(
    house: House,
    began: bool,  # noqa: FBT001 -- a parameter
) -> None:
    """A room that never began, or has ended, is 404 to whoever asks about it."""
    if began:
        await furnish(house)
        await house.room_ask("DELETE", "", by="ana")
    for asked in ("GET ", "GET /seats", "POST /seats/0/take", "DELETE "):
        for caller in ("ana", "eve"):
            answer = await house.room_ask(*asked.split(" "), by=caller)
            assert (answer.status, answer.code) == (404, "not_found")

    assert (await house.room_ask("POST", "/leave", by="ana")).status == 200


BODIES: dict[str, tuple[bytes, int, str]] = {
    "not JSON": (b"{", 400, "malformed"),
    "not UTF-8": (b'{"identity": "\xff"}', 400, "malformed"),
    "a lone surrogate": (b'{"identity": "\\ud800"}', 400, "malformed"),
    "nested 30,000 deep": (b"[" * 30_000 + b"]" * 30_000, 400, "malformed"),
    "nested objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400, "malformed"),
    "nested 65 deep": (b"[" * 65 + b"]" * 65, 400, "malformed"),
    "a number": (b"12", 422, "invalid"),
    "null": (b"null", 422, "invalid"),
    "65 KiB": (b'{"identity": "' + b"x" * 65_536 + b'"}', 413, "too_large"),
    "10 MB": (b'{"identity": "' + b"x" * 10_000_000 + b'"}', 413, "too_large"),
}


@pytest.mark.parametrize("chunked", [False, True], ids=["at once", "in chunks"])
@pytest.mark.parametrize("case", BODIES.values(), ids=BODIES.keys())
async def test_unreadable_body_is_refused(
    house: House,
    case: tuple[bytes, int, str],
    chunked: bool,  # noqa: FBT001 -- a parameter
) -> None:
    """No body, however made, is more than a clean refusal."""
    await furnish(house)
    before = grid_of(await house.room())
    body, status, code = case

    async def chunks() -> Any:
        for start in range(0, len(body), 30_000):
            yield body[start : start + 30_000]

    answer = await house.room_ask(
        "POST", "/seats/1/take", by="bob", data=chunks() if chunked else BytesIO(body)
    )

    assert (answer.status, answer.code) == (status, code)
    assert grid_of(await house.room()) == before


async def test_body_must_say_it_is_json(house: House) -> None:
    """Another content type is 415, though only where there is a body."""
    await furnish(house)

    async def leave(kind: str, body: bytes | None = None) -> Answer:
        headers = {"Content-Type": kind}
        return await house.room_ask(
            "POST", "/seats/leave", by="ana", data=body, headers=headers
        )

    assert (await leave("text/plain")).status == 200
    assert (await leave("application/json; charset=utf-8", b"{}")).status == 200
    refused = await leave("text/plain", b"{}")
    assert (refused.status, refused.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "name", ["a/b", "🎤", "a b", "50%", "a?b#c", "a+b", "é", "%2F", "x" * 200]
)
async def test_odd_names_are_addressed_exactly(house: House, name: str) -> None:
    """Whatever may be a name is reached by its percent-encoded path (L24)."""
    assert (await house.mint(name, room_name=name)).status == 200
    encoded = "".join(f"%{byte:02X}" for byte in name.encode())
    path = f"api/v1/rooms/{encoded}"

    taken = await house.ask("POST", f"{path}/seats/0/take", by=name)
    found = await house.ask("GET", f"{path}/participants/{encoded}", by=name)

    assert taken.body["grid"]["seats"][0]["occupant_identity"] == name
    assert found.body["identity"] == name


# fmt: off
IMPOSSIBLE = [
    "%2e%2e", "%2E", "%00", "%20", "%C2%85", "e%CC%81", "ban", "bans", "call_1",
    "x" * 257, "x" * 252,
]
# fmt: on


@pytest.mark.parametrize("encoded", IMPOSSIBLE)
async def test_impossible_room_names_are_refused(house: House, encoded: str) -> None:
    """Dots, blanks, controls, other normal forms and reserved names are 422."""
    answer = await house.ask("GET", f"api/v1/rooms/{encoded}", by="ana")

    assert (answer.status, answer.paths) == (422, ["$.room"])


async def test_dots_are_names_and_never_climb(house: House) -> None:
    """A path with bare dots, as no client sends it, reaches no other endpoint."""
    host, port = house.url.removeprefix("http://").rstrip("/").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    bearer = house.bearer("ana")["Authorization"]
    writer.write(
        b"GET /api/v1/rooms/../openapi.json HTTP/1.1\r\nHost: x\r\n"
        b"Connection: close\r\nAuthorization: " + bearer.encode() + b"\r\n\r\n"
    )
    answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 404 ")


# fmt: off
FIELDS = [
    ("room_name", ".."), ("room_name", "call_x"), ("room_name", "x" * 252),
    ("identity", "."), ("identity", " "), ("identity", ""), ("name", "x" * 129),
    ("image", "x" * 257), ("metadata", "[]"), ("metadata", "{"), ("type", "party"),
    ("role", "king"), ("host_seat", 100), ("seat_count", 101), ("resume", 1),
    ("os_version", "x" * 21), ("metadata", '{"a":' + "[" * 254 + "]" * 254 + "}"),
    ("metadata", '{"a":' * 65 + "1" + "}" * 65), ("metadata", "[" * 2000),
]
# fmt: on


@pytest.mark.parametrize(("field", "value"), FIELDS)
async def test_mint_names_the_field_that_is_wrong(
    house: House, field: str, value: Any
) -> None:
    """Each field of a mint is checked, and a refused mint begins no life."""
    answer = await house.mint(**{"identity": "ana", "role": "host", field: value})

    assert (answer.status, answer.paths) == (422, [f"$.{field}"])
    secret = app_of(OPEN, secret=True)
    rooms = await house.ask("GET", "api/v1/rooms", by=secret)
    assert rooms.body["data"] == []


@pytest.mark.parametrize(
    "body",
    [{f"field{i}": 1 for i in range(3_000)}, {"x" * 60_000: 1}],
    ids=["many fields", "long name"],
)
async def test_refusal_is_short_whatever_was_sent(
    house: House, body: dict[str, int]
) -> None:
    """Of countless problems some are told, and how many more; names are cut."""
    await furnish(house)
    answer = await house.room_ask("POST", "/seats/setup", by="ana", json=body)

    assert (answer.status, answer.code) == (422, "invalid")
    assert len(answer.raw) < 4_096
    told = answer.body["details"]["errors"]
    if len(body) > 1:
        assert told[-1] == {"path": "$", "message": "and 2980 more problems"}


async def test_if_match_must_be_the_current_revision(house: House) -> None:
    """A revision is a number, quoted or not; only the current one is served."""
    await furnish(house)
    rev = (await house.room()).rev

    async def lock(if_match: str, caller: str = "ana") -> Answer:
        return await house.room_ask(
            "POST", "/seats/5/lock", by=caller, headers={"If-Match": if_match}
        )

    for text in ("", "x", '"', "1.0", "-1", 'W/"1"', "1, 2"):
        assert (await lock(text)).code == "malformed"
    stale = await lock(str(rev - 1))
    assert (stale.status, stale.code) == (409, "stale_revision")
    assert stale.body["details"] == {"rev": rev}
    assert (await lock(str(rev - 1), "eve")).status == 403
    assert (await lock(str(rev))).status == 200
    assert (await lock(f'"{rev + 1}"')).status == 200


async def test_unknown_ways_are_json_too(house: House) -> None:
    """What the router itself refuses has a code, a request id and what is allowed."""
    missing = await house.ask("GET", "nowhere")
    wrong = await house.ask("PATCH", f"api/v1/rooms/{ROOM}")

    assert (missing.status, missing.code) == (404, "not_found")
    assert (wrong.status, wrong.code) == (405, "method_not_allowed")
    assert wrong.headers["Allow"] == "DELETE,GET,HEAD"
    for answer in (missing, wrong):
        assert answer.body["request_id"] == answer.headers["X-Request-Id"]
