"""The engine's API as OpenAPI 3.1, from the one list of endpoints.

Schemas come from the same models and fields that check requests, words from
their docstrings, from the endpoints' rules and from the table of codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, cast

import attrs
import orjson

from utd_stream.contract.codes import CODES, DETAILS
from utd_stream.contract.docstrings import attributes_of
from utd_stream.contract.endpoints import ENDPOINTS, Endpoint, Filter, Who
from utd_stream.contract.fields import FIELDS, Identity, RoomName
from utd_stream.engine.schemas import schema_of
from utd_stream.errors import UTDErrorCode
from utd_stream.models.seats import MAX_SEAT_COUNT
from utd_stream.wire.spelling import grid_schemas, metadata_schemas

__all__ = ["document"]

_VERSION = "1"
# Seen from the document, so that it holds below a path of a proxy, too.
_ROOT = "../.."
_JSON = "application/json"
_ABOUT = """\
Audio rooms on LiveKit: who has a seat speaks, all others listen.

Bodies and answers are JSON, never encoded (no Content-Encoding). Every answer \
carries X-Request-Id. Unknown fields of a request are refused; ignore those of an \
answer that you do not know. A field without a value is left out of an answer. \
Bounds in bytes count UTF-8. Segments of a path are percent-encoded. HEAD is served \
wherever GET is. The head of a request must come within 10 s, its body within 10 s \
more. A web page may call if the app's allowed_origins name its origin; \
OPTIONS answers the preflight.

A write is answered once it is committed; the right to speak follows at once and is \
seen at LiveKit. Every write but mints and sign-ins takes an Idempotency-Key; writes \
of seats and speakers take If-Match.

The revision of a grid (`rev`) rises with each visible change: drop a grid with a \
lower one than you know."""

# The codes of every endpoint, and of every endpoint with credentials.
_ALWAYS = ("malformed", "invalid", "too_large", "unsupported_media_type", "unavailable")
_WITH_CREDENTIALS = (
    *("unauthenticated", "forbidden", "feature_disabled", "suspended"),
    "rate_limited",
)

_SECURITY: Mapping[Who, list[dict[str, list[str]]]] = {
    Who.ANYBODY: [],
    Who.SFU: [{"livekit": []}],
    Who.APP: [
        {"app_id": [], "app_key": []},
        {"app_id": [], "app_secret": []},
        {"user_token": []},
    ],
    Who.BEARER: [{"user_token": []}],
    Who.SECRET: [{"app_id": [], "app_secret": []}],
}
_PEOPLE: list[dict[str, list[str]]] = [
    {"user_token": []},
    {"app_id": [], "app_secret": []},
]


@cache
def document() -> bytes:
    """Return the document as JSON."""
    schemas: dict[str, Any] = {
        "Error": _error(),
        **grid_schemas(),
        **metadata_schemas(),
    }
    paths: dict[str, dict[str, Any]] = {}
    refusals: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        refusals |= {_name(*each): _refusal(*each) for each in _refusals(endpoint)}
        paths.setdefault(endpoint.full_path, {})[endpoint.method.lower()] = _operation(
            endpoint, schemas
        )
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "utd_stream engine",
                "version": _VERSION,
                "description": _ABOUT,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": _ROOT}],
            "paths": paths,
            "components": {
                "schemas": dict(sorted(schemas.items())),
                "responses": dict(sorted(refusals.items())),
                "headers": _HEADERS,
                "securitySchemes": _SCHEMES,
            },
        },
        option=orjson.OPT_INDENT_2,
    )


def _operation(endpoint: Endpoint[Any, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    who = attributes_of(Who).get(endpoint.who.name, "")
    told = [endpoint.summary, endpoint.rule, f"Who may call: {who}"]
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": "\n\n".join(filter(None, told)),
        "security": _SECURITY.get(endpoint.who, _PEOPLE),
        "parameters": _parameters(endpoint),
        "responses": _responses(endpoint, schemas),
    }
    body = _WEBHOOK if endpoint.who is Who.SFU else _body(endpoint, schemas)
    if body is not None:
        operation["requestBody"] = body
    return operation


def _body(
    endpoint: Endpoint[Any, Any], schemas: dict[str, Any]
) -> dict[str, Any] | None:
    if endpoint.request is None:
        return None
    schema = schema_of(endpoint.request, schemas)
    fields = attrs.fields(cast("Any", endpoint.request))
    required = any(f.default is attrs.NOTHING for f in fields)
    return {
        "description": "JSON." if required else "JSON; may be left out.",
        "required": required,
        "content": {_JSON: {"schema": schema}},
    }


_WEBHOOK: dict[str, Any] = {
    "description": "LiveKit's WebhookEvent, as LiveKit sends it; at most 2 MiB.",
    "required": True,
    "content": {
        "application/webhook+json": {
            "schema": {
                "type": "object",
                "description": "LiveKit's WebhookEvent in Protobuf's JSON.",
            }
        }
    },
}


_IN_PATH: Mapping[str, Mapping[str, Any]] = {
    "room": FIELDS[RoomName].schema,
    "call_id": {
        "type": "string",
        "pattern": "^call_[0-9a-f]{24}$",
        "description": "Id of the call.",
    },
    "identity": FIELDS[Identity].schema,
    "index": {
        "type": "integer",
        "minimum": 0,
        "maximum": MAX_SEAT_COUNT - 1,
        "description": "Number of the seat, from 0.",
    },
    "id": {
        "type": "integer",
        "minimum": 0,
        "maximum": 2**53,
        "description": "Number of the request or invitation.",
    },
}
_SUBJECTS = {"room": "The room's name in the app. ", "identity": "Whose. "}


def _parameters(endpoint: Endpoint[Any, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name, schema in _IN_PATH.items():
        if f"{{{name}}}" in endpoint.path:
            words = _SUBJECTS.get(name, "") + schema["description"]
            found.append(_parameter(name, "path", words, schema) | {"required": True})
    if endpoint.paged:
        for name, most, default, words in (
            ("page", 2**53, 1, "Which page, from 1."),
            ("per_page", 100, 20, "Most entries on a page."),
        ):
            schema = {"type": "integer", "minimum": 1, "maximum": most}
            schema["default"] = default
            found.append(_parameter(name, "query", words, schema))
    for name, known in endpoint.filters.items():
        found.append(_parameter(name, "query", known.meaning, _filter_schema(known)))
    if endpoint.is_write:
        found += _IDEMPOTENCY_KEY, _IDEMPOTENCY_VOID
    if endpoint.takes_if_match:
        found.append(_IF_MATCH)
    return found


def _filter_schema(known: Filter) -> Mapping[str, Any]:
    if known.values:
        return {"type": "string", "enum": list(known.values)}
    if known.is_time:
        return {"type": "string", "format": "date-time"}
    return FIELDS[Identity].schema


def _parameter(
    name: str, where: str, description: str, schema: Mapping[str, Any]
) -> dict[str, Any]:
    bare = {key: value for key, value in schema.items() if key != "description"}
    return {"name": name, "in": where, "description": description, "schema": bare}


_IDEMPOTENCY_KEY = _parameter(
    "Idempotency-Key",
    "header",
    "Drawn by the caller, 1 to 255 visible ASCII characters. The same request of the "
    "same caller with the same key within 24 h is done once and gets the same status "
    "and fields, with `rev` and `grid` as they are then, without them after the end; "
    "another request with that key is 409 `conflict`. Of one caller the newest 10,000 "
    "answers are kept; those of 401, 429 and 5xx are not.",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
)
_IDEMPOTENCY_VOID = _parameter(
    "Idempotency-Void",
    "header",
    "Takes back the request with that Idempotency-Key, whose fate is unknown: if it "
    "was served, its answer again; if not, 409 `conflict`, and the request does "
    "nothing when it comes later.",
    {"type": "string", "enum": ["true"]},
)
_IF_MATCH = _parameter(
    "If-Match",
    "header",
    'The revision of the grid that the caller saw, such as `12` or `"12"`. Another '
    "one now is 409 `stale_revision` with details.rev.",
    {"type": "string", "pattern": '^("[0-9]{1,16}"|[0-9]{1,16})$'},
)


def _responses(endpoint: Endpoint[Any, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = (
        {"type": "object", "description": "An OpenAPI 3.1 document."}
        if endpoint.answer is None
        else schema_of(endpoint.answer, schemas)
    )
    done = _response("Done.", schema, ("X-Request-Id",))
    # Most operations share most of their refusals.
    refusals = {
        str(status): {"$ref": f"#/components/responses/{_name(status, codes)}"}
        for status, codes in _refusals(endpoint)
    }
    statuses = {endpoint.status, 200} if endpoint.may_be_ok else {endpoint.status}
    return {**dict.fromkeys(map(str, sorted(statuses)), done), **refusals}


def _refusals(endpoint: Endpoint[Any, Any]) -> list[tuple[int, list[UTDErrorCode]]]:
    by_status: dict[int, list[UTDErrorCode]] = {}
    for code in sorted(_codes(endpoint)):
        member = UTDErrorCode(code)
        by_status.setdefault(CODES[member].status, []).append(member)
    return sorted(by_status.items())


def _name(status: int, codes: list[UTDErrorCode]) -> str:
    return "-".join([str(status), *(code.value for code in codes)])


def _response(
    description: str, schema: Mapping[str, Any], headers: Iterable[str]
) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {_JSON: {"schema": schema}},
    }


def _refusal(status: int, codes: list[UTDErrorCode]) -> dict[str, Any]:
    described = "\n".join(_described(code) for code in codes)
    schema = {
        "description": "The error, with one of these codes.",
        "allOf": [{"$ref": "#/components/schemas/Error"}],
        "properties": {"code": {"enum": [code.value for code in codes]}},
    }
    return _response(described, schema, ("X-Request-Id", *_BESIDE.get(status, ())))


_BESIDE: Mapping[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


def _described(code: UTDErrorCode) -> str:
    known = CODES[code]
    keys = ", ".join(f"details.{key}" for key in known.details)
    with_keys = f" With {keys}." if keys else ""
    return f"* `{code.value}`: {known.meaning}{with_keys} {known.remedy}"


def _codes(endpoint: Endpoint[Any, Any]) -> set[str]:
    codes = {*_ALWAYS, *endpoint.errors}
    if endpoint.who is Who.SFU:
        codes.add("unauthenticated")
    elif endpoint.who is not Who.ANYBODY:
        codes |= set(_WITH_CREDENTIALS)
    if "{" in endpoint.path:
        codes.add("not_found")
    if endpoint.is_write:
        codes.add("conflict")
    return codes


def _error() -> dict[str, Any]:
    properties = {
        "code": {
            "description": "What happened, for programs. "
            + " ".join(
                f"`{c.value}` ({k.status}): {k.meaning}" for c, k in CODES.items()
            ),
            "type": "string",
            "enum": [code.value for code in UTDErrorCode],
        },
        "message": {
            "description": "What happened and what to do, for people.",
            "type": "string",
        },
        "request_id": {
            "description": "As in X-Request-Id; the engine's log knows it.",
            "type": "string",
        },
        "details": {
            "description": "More; which keys, depends on the code.",
            "type": "object",
            "properties": DETAILS,
        },
    }
    return {
        "description": "Why a request was refused.",
        "type": "object",
        "properties": properties,
        "required": ["code", "message", "request_id"],
    }


_HEADERS: dict[str, Any] = {
    "X-Request-Id": {
        "description": "Names this request in the engine's log.",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
    },
    "Retry-After": {
        "description": "How long to wait before another try, in whole seconds.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "The scheme of credentials that the engine takes: `Bearer`.",
        "required": True,
        "schema": {"type": "string", "const": "Bearer"},
    },
}


def _header(name: str, description: str) -> dict[str, str]:
    return {"type": "apiKey", "in": "header", "name": name, "description": description}


_SCHEMES: dict[str, Any] = {
    "app_id": _header(
        "X-App-Id",
        "The app's id. May be left out beside a bearer, which names its app; another "
        "app's id beside a bearer is 401.",
    ),
    "app_key": _header(
        "X-App-Key",
        "The app's publishable key. It opens `POST /auth/session` and `POST /token` "
        "only; elsewhere it is 401.",
    ),
    "app_secret": _header(
        "X-App-Secret",
        "The app's secret, for the customer's own back end, never in an app. It acts "
        "for anybody: the body's `identity` says for whom. Beside a bearer it is 401.",
    ),
    "user_token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `user_token` of a sign-in or a mint, good for an hour. It "
        "names one user of one app.",
    },
    "livekit": _header(
        "Authorization", "LiveKit's signature of its webhook, a JWT without a scheme."
    ),
}
