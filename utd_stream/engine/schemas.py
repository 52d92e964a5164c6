"""JSON Schemas of requests and answers, from the models that check them.

Descriptions are those of the models' docstrings, followed by what the type of
the field says.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs

from utd_stream.contract import requests
from utd_stream.contract.docstrings import attributes_of, summary_of
from utd_stream.contract.fields import FIELDS
from utd_stream.wire.spelling import enum_schema, grid_schemas

__all__ = ["schema_of"]

_SCALARS: Mapping[type, Mapping[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer", "minimum": 0},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
}
# Where the wire spells a field otherwise than the model.
_SPELLED = {("UTDTokenResponse", "room_name"): "roomName"}
_BY_HAND = grid_schemas()


def schema_of(  # noqa: PLR0911 -- one for each kind of type
    kind: Any, schemas: dict[str, Any]
) -> dict[str, Any]:
    """Return the JSON schema of a type; models are added to *schemas*."""
    if kind in FIELDS:
        return dict(FIELDS[kind].schema)
    origin = get_origin(kind)
    if origin in {types.UnionType, Union}:
        return _or_null(schema_of(_without_none(kind), schemas))
    if attrs.has(origin or kind):
        return _reference(kind, schemas)
    if origin is Mapping:
        return {"type": "object", "description": "At most 4,096 bytes of JSON."}
    if origin is tuple:
        return {"type": "array", "items": schema_of(get_args(kind)[0], schemas)}
    if issubclass(kind, Enum):
        return enum_schema(kind)
    return dict(_SCALARS[kind])


def _reference(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    name = _name(kind)
    if name in _BY_HAND:
        schemas |= _BY_HAND
    elif name not in schemas:
        schemas[name] = _model(kind, schemas)
    return {"$ref": f"#/components/schemas/{name}"}


def _name(kind: Any) -> str:
    parts = "".join(part.__name__ for part in get_args(kind))
    return f"{(get_origin(kind) or kind).__name__}{parts}"


def _model(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    base = get_origin(kind) or kind
    hints = get_type_hints(base)
    words = attributes_of(base)
    is_request = base.__module__ == requests.__name__
    parameters: tuple[Any, ...] = getattr(base, "__parameters__", ())
    concrete = dict(zip(parameters, get_args(kind), strict=True))
    properties: dict[str, Any] = {}
    required: list[str] = []
    for field in attrs.fields(base):
        hint = _filled(hints[field.name], concrete)
        name = _SPELLED.get((base.__name__, field.name)) or str(field.name)
        if field.default is None and not is_request:
            hint = _without_none(hint)  # left out of the answer instead
        properties[name] = _with_words(schema_of(hint, schemas), words, field.name)
        # An answer leaves out what is None, and nothing else.
        if field.metadata.get("may_be_missing"):
            continue
        if field.default is attrs.NOTHING or not (is_request or field.default is None):
            required.append(name)
    schema: dict[str, Any] = {"type": "object", "description": summary_of(base)}
    schema["properties"] = properties
    if required:
        schema["required"] = required
    if is_request:
        schema["additionalProperties"] = False
    return schema


def _with_words(
    schema: dict[str, Any], words: Mapping[str, str], name: str
) -> dict[str, Any]:
    told = (words.get(name, ""), schema.get("description", ""))
    return {**schema, "description": " ".join(filter(None, told))}


def _without_none(kind: Any) -> Any:
    (only,) = (part for part in get_args(kind) if part is not type(None))
    return only


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    nullable = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def _filled(hint: Any, concrete: Mapping[Any, Any]) -> Any:
    if hint in concrete:
        return concrete[hint]
    if get_origin(hint) is tuple:
        item = _filled(get_args(hint)[0], concrete)
        return types.GenericAlias(tuple, (item, Ellipsis))
    return hint
