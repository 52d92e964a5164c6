"""HEAD is GET without a body."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.house import OPEN, ROOM, House, app_of
from utd_stream.contract.endpoints import ENDPOINTS, Endpoint

GETS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "GET"]


@pytest.mark.parametrize("endpoint", GETS, ids=[each.name for each in GETS])
async def test_head_is_get_without_a_body(
    house: House, endpoint: Endpoint[Any, Any]
) -> None:
    """Every route that has GET has HEAD, with the same status, type and length."""
    await house.enter("ana", role="host")
    secret = app_of(OPEN, secret=True)
    wanted = {"callee_identity": "ben", "type": "audio_call", "identity": "ana"}
    call = await house.ask("POST", "api/v1/calls", by=secret, json=wanted)
    places = {"room": ROOM, "identity": "ana", "call_id": call.body["call_id"]}
    path = endpoint.full_path[1:].format_map(places)

    got = await house.ask("GET", path, by=secret)
    head = await house.ask("HEAD", path, by=secret)

    assert (got.status, head.status) == (200, 200)
    assert head.raw == b""
    for name in ("Content-Type", "Content-Length"):
        assert head.headers[name] == got.headers[name]
    assert head.headers["X-Request-Id"]


async def test_head_is_refused_as_get_is(house: House) -> None:
    """HEAD asks for the same credentials, and of what is not there says 404."""
    path = f"api/v1/rooms/{ROOM}"

    assert (await house.ask("HEAD", path)).status == 401
    assert (await house.ask("HEAD", path, by="ana")).status == 404
    assert (await house.ask("HEAD", "nowhere")).status == 404
    assert (await house.ask("HEAD", "api/v1/token")).status == 405
