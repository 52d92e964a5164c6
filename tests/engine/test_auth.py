"""Who may call what: the matrix of endpoints and callers, and the credentials."""

from __future__ import annotations

import base64
from typing import Any

import attrs
import jwt
import pytest

from tests.engine.ears import ear
from tests.engine.house import GONE, OPEN, ROOM, SHUT, House, app_of
from utd_stream.contract import ENDPOINTS, Endpoint, Who

CALLERS = (
    "nobody",
    "key",
    "secret",
    "stranger",
    "member",
    "admin",
    "host",
    "foreigner",
    "expired",
)
_PEOPLE = {"stranger", "member", "admin", "host"}
_MEMBERS = {"member", "admin", "host"}
_ALLOWED: dict[Who, set[str]] = {
    Who.ANYBODY: set(CALLERS),
    Who.SFU: set(),
    Who.APP: {"key", "secret", *_PEOPLE},
    Who.BEARER: _PEOPLE,
    Who.PERSON: {"secret", *_PEOPLE},
    Who.SELF: {"secret", *_MEMBERS},
    Who.MEMBER: {"secret", *_MEMBERS},
    Who.MODERATOR: {"secret", "admin", "host"},
    Who.HOST: {"secret", "host"},
    Who.OWNER: {"secret", "host"},  # the first host
    # Whether they are a party is told by 404, which tells strangers nothing.
    Who.PARTY: {"secret", *_PEOPLE},
    Who.SECRET: {"secret"},
}
# Known by name, and yet not allowed: 403. The others are not known here: 401.
_KNOWN = {"secret", *_PEOPLE}


def expected(endpoint: Endpoint[Any, Any], caller: str) -> int:
    """Return the status of a refusal, or 0 for none."""
    if caller in _ALLOWED[endpoint.who]:
        return 0
    if endpoint.who in {Who.BEARER, Who.SFU}:
        return 401
    return 403 if caller in _KNOWN else 401


def body_of(endpoint: Endpoint[Any, Any], caller: str) -> dict[str, Any] | None:
    """Return a body that is right for the endpoint."""
    if endpoint.request is None:
        return None
    who = {"secret": "member"}.get(caller, caller)
    bodies: dict[str, dict[str, Any]] = {
        "create_session": {"identity": who},
        "create_token": {"type": "audio_room", "room_name": ROOM, "identity": who},
        "move_seat": {"target_seat": 1},
        "swap_seats": {"a": 0, "b": 1},
        "invite_to_speak": {"target_identity": "member"},
        "set_role": {"role": "admin"},
        "mute_participant": {"audio": True, "muted": True},
        "set_room_metadata": {"metadata": {"a": 1}},
        "mute_room": {"video": True, "muted": True},
        "create_call": {"callee_identity": "callee", "type": "audio_call"},
    }
    body = bodies.get(endpoint.name, {})
    if caller == "secret" and endpoint.who in {Who.SELF, Who.PERSON}:
        body["identity"] = "member"
    return body


def path_of(endpoint: Endpoint[Any, Any]) -> str:
    """Return a path with everything filled in."""
    places = {"room": ROOM, "identity": "member", "index": "3", "id": "1"}
    places["call_id"] = "call_" + "0" * 24
    return endpoint.full_path.format(**places).lstrip("/")


async def populate(house: House) -> dict[str, dict[str, str]]:
    """Return the headers of every kind of caller, in a room with its roles."""
    secret = app_of(OPEN, secret=True)
    for identity, role in (("host", "host"), ("admin", "admin"), ("member", None)):
        body = {"type": "audio_room", "room_name": ROOM, "identity": identity}
        if role:
            body["role"] = role
        minted = await house.ask("POST", "api/v1/token", by=secret, json=body)
        assert minted.status == 200
    return {
        "nobody": {},
        "key": app_of(OPEN),
        "secret": secret,
        "foreigner": house.bearer("member", attrs.evolve(OPEN, id="else")),
        "expired": forged(identity="member", exp=1_709_208_000),
        **{name: house.bearer(name) for name in ("stranger", *_MEMBERS)},
    }


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: e.name)
async def test_each_endpoint_opens_to_whom_it_names(
    house: House, endpoint: Endpoint[Any, Any]
) -> None:
    """Every endpoint lets in every kind of caller it is for, and nobody else."""
    for caller in CALLERS:
        headers = (await populate(house))[caller]
        answer = await house.ask(
            endpoint.method,
            path_of(endpoint),
            by=headers,
            json=body_of(endpoint, caller),
        )

        refused = answer.status if answer.status in {401, 403} else 0
        assert refused == expected(endpoint, caller), (caller, answer.body)


@pytest.mark.parametrize("caller", CALLERS)
async def test_the_signaling_socket_opens_to_users_alone(
    house: House, caller: str
) -> None:
    """By their bearer; no key or secret is one."""
    shown = (await populate(house))[caller]
    credential = shown.get("Authorization", "Bearer -").removeprefix("Bearer ")
    token = shown.get("X-App-Secret") or shown.get("X-App-Key") or credential
    async with ear(house) as opened:
        await opened.say("auth", token=token, party_id="phone")
        if caller in _PEOPLE:
            event, _ = await opened.heard()
            assert event == "ready"
        else:
            assert (await opened.closed())[0] == 4401


async def test_wrong_credentials_are_all_the_same(house: House) -> None:
    """A wrong app, key or secret is 401, and says no more than that."""
    body = {"identity": "ana"}
    wrong: tuple[dict[str, str], ...] = (
        {},
        {"X-App-Id": "open"},
        {"X-App-Key": "open-key"},
        {"X-App-Id": "open", "X-App-Key": "x"},
        {"X-App-Id": "open", "X-App-Key": "öpen-key"},
        {"X-App-Id": "none", "X-App-Key": "open-key"},
        {"X-App-Id": "open", "X-App-Secret": "open-key"},
        {"X-App-Id": "open", "X-App-Secret": "shut-secret"},
        {"X-App-Id": "open", "X-App-Key": "x", "X-App-Secret": "open-secret"},
        {"X-App-Id": "-", "X-App-Key": "-"},
        {"Authorization": "Basic b3Blbg=="},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
    )
    for headers in wrong:
        answer = await house.ask("POST", "api/v1/auth/session", by=headers, json=body)

        assert (answer.status, answer.code) == (401, "unauthenticated"), headers
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_bearer_of_two_minds_is_refused(house: House) -> None:
    """A bearer beside another app's id, a secret or a wrong key is 401."""
    bearer = house.bearer("ana")
    for headers in (
        {"X-App-Id": "shut"},
        {"X-App-Id": "open", "X-App-Secret": "open-secret"},
        {"X-App-Key": "shut-key"},
    ):
        answer = await house.room_ask("POST", "/leave", by=bearer | headers)

        assert answer.status == 401, headers


@pytest.mark.parametrize("headers", [{}, {"X-App-Id": "open"}, app_of(OPEN)])
async def test_bearer_names_its_app(house: House, headers: dict[str, str]) -> None:
    """Beside a bearer the app's id and key may be left out, or be right."""
    bearer = house.bearer("ana")

    answer = await house.room_ask("POST", "/leave", by=bearer | headers)

    assert answer.status == 200


def forged(**claims: Any) -> dict[str, str]:
    """Return the header of a bearer with these claims, well signed by default."""
    now = 1_709_208_000  # noon, when the tests' clock starts
    secret = claims.pop("secret", "s" * 32)
    algorithm = claims.pop("algorithm", "HS256")
    whole = {
        "app": "open",
        "identity": "ana",
        "iat": now,
        "nbf": now,
        "exp": now + 60,
        **claims,
    }
    kept = {name: value for name, value in whole.items() if value is not None}
    return {"Authorization": f"Bearer {jwt.encode(kept, secret, algorithm)}"}


@pytest.mark.parametrize(
    "claims",
    [
        {"secret": "t" * 32},
        {"secret": "", "algorithm": "none"},
        {"secret": "s" * 64, "algorithm": "HS512"},
        {"exp": 1_709_208_000},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": 1_709_208_010},
        {"nbf": None},
        {"app": "none"},
        {"app": None},
        {"app": 7},
        {"identity": None},
        {"identity": ["ana"]},
        {"name": 7},
    ],
    ids=str,
)
async def test_forged_bearer_is_refused(house: House, claims: dict[str, Any]) -> None:
    """A bearer counts when this engine signed it, for one of its apps, for now."""
    assert (await house.room_ask("POST", "/leave", by=forged())).status == 200

    answer = await house.room_ask("POST", "/leave", by=forged(**claims))

    assert (answer.status, answer.code) == (401, "unauthenticated")


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_bearer_nested_deep_is_refused(house: House, part: int) -> None:
    """What only Python's reader of JSON stumbles over is no bearer either."""
    parts = forged()["Authorization"].removeprefix("Bearer ").split(".")
    deep = b"[" * 3_000 + b"]" * 3_000
    parts[part] = base64.urlsafe_b64encode(deep).decode().rstrip("=")
    shown = {"Authorization": "Bearer " + ".".join(parts)}

    answer = await house.room_ask("POST", "/leave", by=shown)

    assert (answer.status, answer.code) == (401, "unauthenticated")


async def test_remembered_bearer_still_expires(house: House) -> None:
    """That a bearer was good a moment ago does not make it good now."""
    bearer = house.bearer("ana")
    assert (await house.room_ask("POST", "/leave", by=bearer)).status == 200
    await house.clock.advance(3599)
    assert (await house.room_ask("POST", "/leave", by=bearer)).status == 200
    await house.clock.advance(1)

    assert (await house.room_ask("POST", "/leave", by=bearer)).status == 401


async def test_body_cannot_name_somebody_else(house: House) -> None:
    """A body's identity that differs from the bearer's is 403, for any endpoint."""
    await house.enter("ana")
    for path, body in (
        ("/leave", {}),
        ("/seats/0/take", {}),
        ("/seats/move", {"target_seat": 1}),
    ):
        answer = await house.room_ask(
            "POST", path, by="ana", json={**body, "identity": "bob"}
        )

        assert (answer.status, answer.code) == (403, "forbidden")
    minted = await house.ask(
        "POST",
        "api/v1/token",
        by=house.bearer("ana"),
        json={"type": "audio_room", "room_name": ROOM, "identity": "bob"},
    )
    assert minted.status == 403


async def test_secret_says_for_whom(house: House) -> None:
    """The back end acts for anybody, and must say for whom where that matters."""
    await house.enter("ana")
    secret = app_of(OPEN, secret=True)
    silent = await house.room_ask("POST", "/seats/0/take", by=secret)
    named = await house.room_ask(
        "POST", "/seats/0/take", by=secret, json={"identity": "ana"}
    )
    moderating = await house.room_ask("POST", "/seats/0/mute", by=secret)

    assert (silent.status, silent.paths) == (422, ["$.identity"])
    assert named.body["grid"]["seats"][0]["occupant_identity"] == "ana"
    assert moderating.status == 200


async def test_key_signs_in_only_where_allowed(house: House) -> None:
    """The publishable key alone mints nothing in an app that does not say so."""
    for path, body in (
        ("auth/session", {"identity": "ana"}),
        ("token", {"type": "audio_room", "room_name": ROOM, "identity": "ana"}),
    ):
        by_key = await house.ask("POST", f"api/v1/{path}", by=app_of(SHUT), json=body)
        by_secret = await house.ask(
            "POST", f"api/v1/{path}", by=app_of(SHUT, secret=True), json=body
        )
        by_bearer = await house.ask(
            "POST", f"api/v1/{path}", by=house.bearer("ana", SHUT), json=body
        )

        assert (by_key.status, by_key.code) == (403, "appkey_identity_mint_disabled")
        assert (by_secret.status, by_bearer.status) == (200, 200)


async def test_suspended_app_is_served_nothing(house: House) -> None:
    """Right credentials of a suspended app are 403 `suspended`, wrong ones 401."""
    for headers in (app_of(GONE, secret=True), house.bearer("ana", GONE)):
        answer = await house.room_ask("POST", "/leave", by=headers)
        assert (answer.status, answer.code) == (403, "suspended")
    wrong = {"X-App-Id": "gone", "X-App-Secret": "x"}

    assert (await house.room_ask("POST", "/leave", by=wrong)).status == 401


async def test_session_is_good_for_an_hour_and_can_be_renewed(house: House) -> None:
    """A bearer names its user, ends after an hour, and buys a later one before."""
    body = {"identity": "ana", "name": "Ana", "device_id": "d1"}
    first = await house.ask("POST", "api/v1/auth/session", by=app_of(OPEN), json=body)
    assert first.body["expires_at"] == "2024-02-29T13:00:00Z"
    ws_url = house.url.replace("http", "ws") + "api/v1/signal"
    assert (first.body["ws_url"], first.body["signaling_enabled"]) == (ws_url, True)
    await house.clock.advance(1800)

    shown = {"Authorization": f"Bearer {first.body['user_token']}"}
    second = await house.ask("POST", "api/v1/auth/refresh", by=shown)

    claims = house.services.tokens.read(second.body["user_token"])
    assert second.body["expires_at"] == "2024-02-29T13:30:00Z"
    assert second.body["ws_url"] == ws_url
    assert (claims.app, claims.identity) == ("open", "ana")
    assert (claims.name, claims.device_id) == ("Ana", "d1")


async def test_room_token_carries_no_right_to_publish(house: House) -> None:
    """Whoever enters, the host included, may publish by a later grant only."""
    minted = await house.mint("ana", role="host", image="http://x/a.png", name="Ana")
    claims = jwt.decode(minted.body["token"], options={"verify_signature": False})

    assert claims["video"] == {
        "roomJoin": True,
        "room": f"popen_{ROOM}",
        "canPublish": False,
        "canPublishSources": ["microphone"],
        "canPublishData": True,
        "canSubscribe": True,
        "canUpdateOwnMetadata": False,
    }
    assert claims["exp"] == house.clock.now().timestamp() + 600
    assert (claims["sub"], claims["name"]) == ("ana", "Ana")
    assert claims["attributes"] == {"image": "http://x/a.png"}
    assert claims["roomConfig"] == {"emptyTimeout": 300, "departureTimeout": 300}
