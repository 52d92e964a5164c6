"""The engine's API as OpenAPI 3.1, from the one list of endpoints.

Schemas come from the same models and fields that check requests.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

import attrs
import orjson

from utd_stream.contract import requests
from utd_stream.contract.endpoints import ENDPOINTS, Endpoint, Who
from utd_stream.contract.fields import FIELDS, Identity, RoomName
from utd_stream.errors import UTDErrorCode
from utd_stream.models.seats import MAX_SEAT_COUNT, UTDSeatGrid

__all__ = ["document", "schema_of"]

_VERSION = "1"
# Seen from the document, so that it holds below a path of a proxy, too.
_ROOT = "../.."
_JSON = "application/json"

# The codes of every endpoint, and with which status each goes.
_STATUS: Mapping[str, int] = {
    **dict.fromkeys(("malformed",), 400),
    **dict.fromkeys(("unauthenticated",), 401),
    **dict.fromkeys(
        (
            "forbidden",
            "banned",
            "feature_disabled",
            "appkey_identity_mint_disabled",
            "suspended",
        ),
        403,
    ),
    "not_found": 404,
    "method_not_allowed": 405,
    "too_large": 413,
    "unsupported_media_type": 415,
    "invalid": 422,
    "rate_limited": 429,
    "unavailable": 503,
}
_CONFLICT = 409
_ALWAYS = ("malformed", "invalid", "too_large", "unsupported_media_type", "unavailable")
_WITH_CREDENTIALS = (
    "unauthenticated",
    "forbidden",
    "feature_disabled",
    "suspended",
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
    schemas: dict[str, Any] = {"Error": _ERROR}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.full_path, {})[endpoint.method.lower()] = _operation(
            endpoint, schemas
        )
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "utd_stream engine",
                "version": _VERSION,
                "description": "Audio rooms, calls and live streams on LiveKit.",
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": _ROOT}],
            "paths": paths,
            "components": {
                "schemas": dict(sorted(schemas.items())),
                "securitySchemes": _SCHEMES,
            },
        },
        option=orjson.OPT_INDENT_2,
    )


def schema_of(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of a type; models are added to *schemas*."""
    if kind in FIELDS:
        return dict(FIELDS[kind].schema)
    origin = get_origin(kind)
    if origin in {types.UnionType, Union}:
        return _optional(kind, schemas)
    if attrs.has(origin or kind):
        return _reference(kind, schemas)
    if origin is not None:
        return _collection(kind, schemas)
    if issubclass(kind, Enum):
        return {"type": "string", "enum": [member.value for member in kind]}
    return dict(_SCALARS[kind])


def _collection(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    if get_origin(kind) is tuple:
        return {"type": "array", "items": schema_of(get_args(kind)[0], schemas)}
    values = schema_of(get_args(kind)[1], schemas)
    return {"type": "object", "additionalProperties": values}


def _reference(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    name = _name(kind)
    if name not in schemas:
        schemas[name] = {}  # so that a model may hold itself
        schemas[name] = _model(kind, schemas)
    return {"$ref": f"#/components/schemas/{name}"}


_SCALARS: Mapping[type, Mapping[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
}


def _optional(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    (only,) = (part for part in get_args(kind) if part is not type(None))
    schema = schema_of(only, schemas)
    if "$ref" in schema or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def _name(kind: Any) -> str:
    parts = "".join(part.__name__ for part in get_args(kind))
    return f"{(get_origin(kind) or kind).__name__}{parts}"


def _model(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    if kind is UTDSeatGrid:
        return _grid(schemas)
    base = get_origin(kind) or kind
    hints = get_type_hints(base)
    parameters: tuple[Any, ...] = getattr(base, "__parameters__", ())
    concrete = dict(zip(parameters, get_args(kind), strict=True))
    properties: dict[str, Any] = {}
    required: list[str] = []
    for field in attrs.fields(base):
        hint = hints[field.name]
        name = _SPELLED.get((base.__name__, field.name)) or str(field.name)
        properties[name] = schema_of(_filled(hint, concrete), schemas)
        if field.default is attrs.NOTHING:
            required.append(name)
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    summary = (base.__doc__ or "").partition("\n")[0]
    if summary:
        schema["description"] = summary
    if required:
        schema["required"] = required
    if base.__module__ == requests.__name__:
        schema["additionalProperties"] = False
    return schema


# Where the wire spells a field otherwise than the model.
_SPELLED = {("UTDTokenResponse", "room_name"): "roomName"}


def _filled(hint: Any, concrete: Mapping[Any, Any]) -> Any:
    if hint in concrete:
        return concrete[hint]
    if get_origin(hint) is tuple:
        return types.GenericAlias(
            tuple, (_filled(get_args(hint)[0], concrete), Ellipsis)
        )
    return hint


def _grid(schemas: dict[str, Any]) -> dict[str, Any]:
    # The wire spells a grid in its own way: see `wire._grid`.
    text = {"type": ["string", "null"]}
    moment = {"type": ["string", "null"], "format": "date-time"}
    index = {"type": "integer", "minimum": 0, "maximum": MAX_SEAT_COUNT - 1}
    seat = _fixed(
        seat_index=index,
        occupant_identity=text,
        locked={"type": "integer", "enum": [0, 1]},
        muted={"type": "boolean"},
        reserved_for=text,
    )
    seat["properties"] |= {
        "name": {"type": "string"},
        "attributes": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    schemas["UTDSeat"] = seat
    request = _fixed(
        id={"type": "integer"}, identity={"type": "string"}, created_at=moment
    )
    invitation = _fixed(
        id={"type": "integer"},
        identity={"type": "string"},
        seat_index={**index, "type": ["integer", "null"]},
        expires_at=moment,
    )
    grid = _fixed(
        seat_count={"type": "integer", "minimum": 1, "maximum": MAX_SEAT_COUNT},
        seat_mode={"type": "string", "enum": ["free", "request"]},
        rev={"type": "integer"},
        seats={"type": "array", "items": {"$ref": "#/components/schemas/UTDSeat"}},
        requests={"type": "array", "items": request},
        invitations={"type": "array", "items": invitation},
    )
    grid["properties"]["mode_id"] = {"type": "string"}
    return grid


def _fixed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def _operation(endpoint: Endpoint[Any, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": f"Who may call: {endpoint.who.value}.",
        "security": _SECURITY.get(endpoint.who, _PEOPLE),
        "parameters": _parameters(endpoint),
        "responses": _responses(endpoint, schemas),
    }
    if endpoint.request is not None:
        schema = schema_of(endpoint.request, schemas)
        fields = attrs.fields(cast("Any", endpoint.request))
        operation["requestBody"] = {
            "required": any(f.default is attrs.NOTHING for f in fields),
            "content": {_JSON: {"schema": schema}},
        }
    return operation


_IN_PATH: Mapping[str, Mapping[str, Any]] = {
    "room": FIELDS[RoomName].schema,
    "identity": FIELDS[Identity].schema,
    "index": {"type": "integer", "minimum": 0, "maximum": MAX_SEAT_COUNT - 1},
    "id": {"type": "integer", "minimum": 0},
}


def _parameters(endpoint: Endpoint[Any, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": dict(schema)}
        for name, schema in _IN_PATH.items()
        if f"{{{name}}}" in endpoint.path
    ]
    if endpoint.paged:
        for name, most, default in (("page", 2**53, 1), ("per_page", 100, 20)):
            schema = {"type": "integer", "minimum": 1, "maximum": most}
            found.append(
                {"name": name, "in": "query", "schema": {**schema, "default": default}}
            )
    if endpoint.is_write:
        schema = {"type": "string", "minLength": 1, "maxLength": 255}
        found.append({"name": "Idempotency-Key", "in": "header", "schema": schema})
    if endpoint.takes_if_match:
        found.append({"name": "If-Match", "in": "header", "schema": {"type": "string"}})
    return found


def _responses(endpoint: Endpoint[Any, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = (
        {"type": "object"}
        if endpoint.answer is None
        else schema_of(endpoint.answer, schemas)
    )
    answers: dict[str, Any] = {
        "200": {"description": "Done.", "content": {_JSON: {"schema": schema}}}
    }
    by_status: dict[int, set[str]] = {}
    for code in _codes(endpoint):
        by_status.setdefault(_STATUS.get(code, _CONFLICT), set()).add(code)
    for status, codes in sorted(by_status.items()):
        answers[str(status)] = {
            "description": ", ".join(sorted(codes)),
            "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
    return answers


def _codes(endpoint: Endpoint[Any, Any]) -> set[str]:
    codes = {*_ALWAYS, *endpoint.errors}
    if endpoint.who is not Who.ANYBODY:
        codes |= set(_WITH_CREDENTIALS)
    if "{" in endpoint.path:
        codes.add("not_found")
    if endpoint.is_write:
        codes.add("conflict")
    return codes


_ERROR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "enum": [code.value for code in UTDErrorCode]},
        "message": {"type": "string"},
        "request_id": {"type": "string"},
        "details": {"type": "object"},
    },
    "required": ["code", "message", "request_id"],
}


def _header(name: str, description: str) -> dict[str, str]:
    return {
        "type": "apiKey",
        "in": "header",
        "name": name,
        "description": description,
    }


_SCHEMES: dict[str, Any] = {
    "app_id": _header("X-App-Id", "The app; may be left out beside a bearer."),
    "app_key": _header("X-App-Key", "Publishable."),
    "app_secret": _header("X-App-Secret", "Of the customer's own back end."),
    "user_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "livekit": _header("Authorization", "LiveKit's signature of its webhook."),
}
