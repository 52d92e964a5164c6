"""The facade has a method for each endpoint, and each asks its own."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
import pytest_asyncio

from tests.client.engine_script import Engine, refusal
from utd_stream.client.api import UTDApi
from utd_stream.contract import ENDPOINTS, Endpoint, Who
from utd_stream.contract.requests import TokenRequest
from utd_stream.errors import NotFoundError
from utd_stream.models.calls import HangUpReason, UTDCallStatus
from utd_stream.models.rooms import SeatMode, UTDRole, UTDStreamType
from utd_stream.wire import decode_json, decode_request

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ASKED = [endpoint for endpoint in ENDPOINTS if endpoint.who is not Who.SFU]
MINT: Any = {"type": UTDStreamType.AUDIO_ROOM, "room_name": "a/b", "identity": "ann"}
# What each parameter is given; those of the path hold what must be encoded.
GIVEN: dict[str, Any] = {
    "room": "a/b",
    "identity": "c d",
    "index": 3,
    "role": UTDRole.ADMIN,
    "muted": False,
    "audio": True,
    "video": True,
    "request_id": 7,
    "invitation_id": 8,
    "target_seat": 4,
    "seat_a": 1,
    "seat_b": 2,
    "seat_index": 5,
    "seat_count": 6,
    "seat_mode": SeatMode.REQUEST,
    "mode_id": "m",
    "name": "n",
    "device_id": "d",
    "connection": 9,
    "page": 2,
    "per_page": 50,
    "if_match": 12,
    "key": "mine",
    "void": True,
    "request": TokenRequest(**MINT),
    "call_id": "call_" + "0" * 24,
    "callee_identity": "c d",
    "type": UTDStreamType.AUDIO_CALL,
    "callee_name": "n",
    "caller_name": "n",
    "metadata": {"a": 1},
    "party_id": "p",
    "reason": HangUpReason.HANGUP,
    "status": UTDCallStatus.ACTIVE,
    "start_date": NOON,
    "end_date": NOON,
}
# What a request holds of it.
BODIES: dict[str, dict[str, Any]] = {
    "create_session": {"identity": "c d", "name": "n", "device_id": "d"},
    "create_token": {**MINT, "type": "audio_room", "resume": False},
    "leave_room": {"connection": 9},
    "setup_seats": {"seat_count": 6, "seat_mode": "request", "mode_id": "m"},
    "move_seat": {"target_seat": 4},
    "swap_seats": {"a": 1, "b": 2},
    "set_role": {"role": "admin"},
    "mute_participant": {"audio": True, "video": True, "muted": False},
    "set_room_metadata": {"metadata": {"a": 1}},
    "mute_room": {"audio": True, "video": True, "muted": False},
    "invite_to_speak": {"target_identity": "c d", "seat_index": 5},
    "create_call": {
        "callee_identity": "c d",
        "type": "audio_call",
        "callee_name": "n",
        "caller_name": "n",
        "metadata": {"a": 1},
        "party_id": "p",
    },
    "accept_call": {"party_id": "p"},
    "end_call": {"reason": "hangup"},
}

# What a query holds of it.
QUERY = {
    "role": "admin",
    "status": "active",
    "type": "audio_call",
    "identity": "c d",
    "start_date": "2026-01-02T12:00:00+00:00",
    "end_date": "2026-01-02T12:00:00+00:00",
}

every_endpoint = pytest.mark.parametrize("endpoint", ASKED, ids=lambda e: e.name)


def methods() -> dict[str, Any]:
    """The public methods of the facade."""
    return {
        name: method
        for name, method in inspect.getmembers(UTDApi, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    """A server that says no to everything."""
    async with Engine.running() as running:
        running.answers(refusal(404, "not_found"))
        yield running


async def ask(engine: Engine, method: str, given: dict[str, Any]) -> None:
    """Call a method, with all it takes or only what it needs."""
    api = UTDApi(engine.rest())
    with pytest.raises(NotFoundError):
        await getattr(api, method)(**given)


def given_to(name: str, *, required_only: bool = False) -> dict[str, Any]:
    """Arguments for a method."""
    parameters = inspect.signature(methods()[name]).parameters.values()
    return {
        p.name: GIVEN[p.name]
        for p in parameters
        if p.name != "self" and not (required_only and p.default is not p.empty)
    }


def test_there_is_a_method_for_each_endpoint_and_no_more() -> None:
    """The facade is the contract: nothing is missing, nothing is made up."""
    assert set(methods()) == {endpoint.name for endpoint in ASKED}


@every_endpoint
async def test_each_method_asks_its_endpoint(
    engine: Engine, endpoint: Endpoint[Any, Any]
) -> None:
    """Method and path are the contract's, names percent-encoded (L24)."""
    await ask(engine, endpoint.name, given_to(endpoint.name))

    segments = {
        "room": GIVEN["room"],
        "identity": GIVEN["identity"],
        "index": GIVEN["index"],
        "call_id": GIVEN["call_id"],
        "id": GIVEN["request_id" if "/requests/" in endpoint.path else "invitation_id"],
    }
    quoted = {name: quote(str(value), safe="") for name, value in segments.items()}
    path = endpoint.full_path.format(**quoted)
    asks = {"page": "2", "per_page": "50"} if endpoint.paged else {}
    asks |= {name: QUERY[name] for name in endpoint.filters}
    (asked,) = engine.asked
    found, _, query = asked.path.partition("?")
    assert (asked.method, found) == (endpoint.method, path)
    assert dict(parse_qsl(query)) == asks


@every_endpoint
async def test_each_body_is_what_the_contract_reads(
    engine: Engine, endpoint: Endpoint[Any, Any]
) -> None:
    """Nothing unknown, nothing forgotten; without a model there is no body."""
    await ask(engine, endpoint.name, given_to(endpoint.name))

    (asked,) = engine.asked
    if endpoint.request is None:
        assert asked.body == b""
    else:
        raw = decode_json(asked.body)
        decode_request(endpoint.request, raw)
        assert raw == BODIES.get(endpoint.name, {})


@every_endpoint
async def test_what_is_left_out_is_not_sent(
    engine: Engine, endpoint: Endpoint[Any, Any]
) -> None:
    """The engine decides about what the caller did not say."""
    given = given_to(endpoint.name, required_only=True)

    await ask(engine, endpoint.name, given)

    (asked,) = engine.asked
    raw = decode_json(asked.body) if asked.body else {}
    assert isinstance(raw, dict)
    assert None not in raw.values()
    assert "If-Match" not in asked.headers


@every_endpoint
async def test_writes_say_which_they_are_and_on_which_revision(
    engine: Engine, endpoint: Endpoint[Any, Any]
) -> None:
    """An Idempotency-Key with every write, If-Match where the contract takes it."""
    given = given_to(endpoint.name)

    await ask(engine, endpoint.name, given)

    (asked,) = engine.asked
    assert (asked.key is not None) == endpoint.is_write
    assert asked.key == "mine" or "key" not in given
    assert ("if_match" in given) == endpoint.takes_if_match
    assert (asked.headers.get("If-Match") == "12") == endpoint.takes_if_match


def test_the_contract_knows_what_is_a_write() -> None:
    """Mints and refreshes are none: they take no key; nor is what the SFU tells."""
    not_written = {e.name for e in ENDPOINTS if e.method != "GET" and not e.is_write}

    assert not_written == {
        "create_session",
        "refresh_session",
        "create_token",
        "livekit_webhook",
    }
    assert {e.name for e in ENDPOINTS if e.is_write and not e.takes_if_match} == {
        "end_room",
        "leave_room",
        *("kick_participant", "set_role", "mute_participant", "mute_room"),
        *("set_room_metadata", "lock_chat", "unlock_chat"),
        *("create_call", "ring_call", "accept_call"),
        *("reject_call", "busy_call", "end_call"),
    }


def test_paths_begin_with_the_version() -> None:
    """But for what stands at the root."""
    at_root = {e.name for e in ENDPOINTS if not e.full_path.startswith("/api/v1/")}

    assert at_root == {"health", "ready", "livekit_webhook"}
    assert len({(e.method, e.full_path) for e in ENDPOINTS}) == len(ENDPOINTS)
