"""The API describes itself, from the same list that serves it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.engine.house import OPEN, ROOM, House, app_of
from utd_stream.contract import ENDPOINTS
from utd_stream.engine.openapi import document

DOCUMENT: dict[str, Any] = orjson.loads(document())


def referred(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a response, or the one among the components that it refers to."""
    name = answer.get("$ref", "").rpartition("/")[2]
    return DOCUMENT["components"]["responses"][name] if name else answer


def answers_of(name: str) -> dict[str, Any]:
    """Return the responses of an operation."""
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            if operation["operationId"] == name:
                return {
                    status: referred(answer)
                    for status, answer in operation["responses"].items()
                }
    raise LookupError(name)


def test_document_is_valid() -> None:
    """It is OpenAPI 3.1, references included."""
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_every_endpoint_is_described_once() -> None:
    """Paths, methods and names are those of the one list."""
    described = [
        (method.upper(), path, operation["operationId"])
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    ]

    assert sorted(described) == sorted(
        (e.method, e.full_path, e.name) for e in ENDPOINTS
    )


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: e.name)
def test_every_place_in_a_path_is_a_parameter(endpoint: Any) -> None:
    """Names in braces are described, and nothing else as of the path."""
    operation = DOCUMENT["paths"][endpoint.full_path][endpoint.method.lower()]
    named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}

    assert named == set(re.findall(r"{(\w+)}", endpoint.path))


def test_requests_refuse_unknown_fields() -> None:
    """What the engine refuses, the description does too."""
    schemas = DOCUMENT["components"]["schemas"]
    models = {e.request.__name__ for e in ENDPOINTS if e.request is not None}

    assert len(models) > 5
    assert all(schemas[name]["additionalProperties"] is False for name in models)


def conforms(body: Any, name: str, status: int) -> list[str]:
    """Return how *body* strays from what the operation may answer."""
    schema = answers_of(name)[str(status)]["content"]["application/json"]["schema"]
    whole = {**schema, "components": DOCUMENT["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(body)]


async def test_answers_conform(house: House) -> None:
    """What is answered is what was described, refusals too."""
    minted = await house.enter("ana", role="host", host_seat=0, name="Ana", image="x")
    await house.enter("bob")
    session = await house.ask(
        "POST", "api/v1/auth/session", by=app_of(OPEN), json={"identity": "ana"}
    )
    invited = await house.room_ask(
        "POST", "/speakers/invite", by="ana", json={"target_identity": "bob"}
    )
    path = f"/speakers/invitations/{invited.body['invitation_id']}/accept"
    told = {
        "create_token": minted,
        "create_session": session,
        "invite_to_speak": invited,
        "accept_invitation": await house.room_ask("POST", path, by="bob"),
        "get_seats": await house.room_ask("GET", "/seats", by="ana"),
        "get_room": await house.room_ask("GET", "", by="ana"),
        "list_participants": await house.room_ask("GET", "/participants", by="ana"),
        "set_role": await house.room_ask(
            "PUT", "/participants/bob/role", by="ana", json={"role": "guest"}
        ),
        "list_participants_by_role": await house.room_ask(
            "GET", "/participants/by-role?role=guest", by="ana"
        ),
        "get_participant": await house.room_ask("GET", "/participants/bob", by="ana"),
        "get_requests": await house.room_ask("GET", "/speakers/requests", by="ana"),
        "take_seat": await house.room_ask("POST", "/seats/0/take", by="bob"),
        "lock_seat": await house.room_ask("POST", "/seats/3/lock", by="bob"),
        "mute_seat": await house.room_ask("POST", "/seats/0/mute", by="ana"),
        "list_rooms": await house.ask(
            "GET", "api/v1/rooms", by=app_of(OPEN, secret=True)
        ),
        "end_room": await house.room_ask("DELETE", "", by="ana"),
        "health": await house.ask("GET", "health"),
        "contract": await house.ask("GET", "api/v1/contract"),
    }

    for name, answer in told.items():
        assert conforms(answer.body, name, answer.status) == [], (name, answer.body)
    assert told["get_room"].body["room_name"] == ROOM


async def test_a_call_in_glare_conforms(house: House) -> None:
    """It is answered by the call that was there, and 200 says so."""
    statuses: list[int] = []
    for caller, callee in (("ana", "bob"), ("bob", "ana")):
        answer = await house.ask(
            "POST",
            "api/v1/calls",
            by=app_of(OPEN, secret=True),
            json={
                "identity": caller,
                "callee_identity": callee,
                "type": "audio_call",
            },
        )
        statuses.append(answer.status)
        assert conforms(answer.body, "create_call", answer.status) == []

    assert statuses == [201, 200]


async def test_document_is_served_to_anybody(house: House) -> None:
    """No credentials are needed to read how to show them."""
    answer = await house.ask("GET", "api/v1/openapi.json")

    assert (answer.status, answer.body) == (200, DOCUMENT)


def test_document_is_valid_without_docstrings() -> None:
    """An engine that runs without them (``python -OO``) describes itself, too."""
    code = "from utd_stream.engine.openapi import document; print(document().decode())"
    ran = subprocess.run(  # noqa: S603 -- our own
        [sys.executable, "-OO", "-c", code], capture_output=True, check=True
    )
    told = orjson.loads(ran.stdout)

    assert list(OpenAPIV31SpecValidator(told).iter_errors()) == []
    assert told["paths"].keys() == DOCUMENT["paths"].keys()
