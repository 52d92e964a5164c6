"""JSON Schemas of what is spelled by hand: grids and metadata.

A grid has two spellings on the wire, REST's and the room metadata's.  Both are
described from the same docstrings, those of `utd_stream.models.seats`; `SHORT`
says which of REST's names the room metadata shortens.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from enum import Enum
from typing import Any

from utd_stream.contract.docstrings import attributes_of, summary_of
from utd_stream.models.rooms import (
    RemovalReason,
    RoomEndReason,
    SeatMode,
    UTDRole,
    UTDStreamType,
)
from utd_stream.models.seats import (
    MAX_SEAT_COUNT,
    Invitation,
    SpeakerRequest,
    UTDSeat,
    UTDSeatGrid,
)

__all__ = ["DATA_MESSAGES", "SHORT", "enum_schema", "grid_schemas", "metadata_schemas"]

SHORT: Mapping[str, str] = {
    "seat_count": "count",
    "seat_mode": "mode",
    "seat_index": "index",
    "occupant_identity": "identity",
}
"""REST's names that room metadata shortens, in the grid and in its seats."""

DATA_MESSAGES: Mapping[str, str] = {
    "_kicked": "You were removed from the room by a moderator.",
    "_room_ended": "The room was ended.",
}
"""What the types of the engine's data messages mean."""

_REFERENCE = "#/components/schemas/"
_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_WHOLE = {"type": "integer", "minimum": 0}
_NUMBER = {"type": "integer", "minimum": 1}
_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_INDEX = {"type": "integer", "minimum": 0, "maximum": MAX_SEAT_COUNT - 1}
_COUNT_WORDS = "Number of seats."


def enum_schema(kind: type[Enum]) -> dict[str, Any]:
    """Return the schema of an enum; its description says what each value means."""
    meanings = attributes_of(kind)
    told = [
        f"`{member.value}`: {meanings[member.name]}"
        for member in kind
        if member.name in meanings
    ]
    return {
        "type": "string",
        "enum": [member.value for member in kind],
        "description": " ".join([summary_of(kind), *told]),
    }


def grid_schemas() -> dict[str, Any]:
    """Return the schemas of a grid as REST spells it, by name."""
    return {
        "UTDSeatGrid": _grid("UTDSeat", {}),
        "UTDSeat": _seat({}),
        "SpeakerRequest": _described(
            SpeakerRequest,
            required=("id", "identity", "created_at"),
            id=_WHOLE,
            identity=_TEXT,
            created_at=_MOMENT,
        ),
        "Invitation": _described(
            Invitation,
            required=("id", "identity", "seat_index", "expires_at"),
            id=_WHOLE,
            identity=_TEXT,
            seat_index={**_INDEX, "type": ["integer", "null"]},
            expires_at=_MOMENT,
        ),
    }


def metadata_schemas() -> dict[str, Any]:
    """Return the schemas of what the engine writes to LiveKit, by name.

    They refer to those of `grid_schemas`.
    """
    return {
        "RoomMetadata": _object(
            "The metadata of a LiveKit room, JSON as text; only the engine writes "
            "it. Keys that the app's back end has set stand beside these; none of them "
            "begins with `_`. Ignore metadata without a key that you need, or with a "
            "lower `rev` than you know.",
            required=("_seats", "_room"),
            _seats={**_reference("SeatsMetadata"), "description": "The seat grid."},
            _chat_locked={
                "type": "boolean",
                "description": "True while only moderators may chat; missing "
                "otherwise.",
            },
            _room={**_reference("RoomFacts"), "description": "What the room is."},
        ),
        "SeatsMetadata": _grid("SeatMetadata", SHORT),
        "SeatMetadata": _seat(SHORT),
        "RoomFacts": _object(
            "What the room is.",
            required=("type", "owner_identity", "rev"),
            type=enum_schema(UTDStreamType),
            owner_identity={
                **_TEXT_OR_NULL,
                "description": "Identity of its owner; null while no host owns it.",
            },
            rev={
                **_WHOLE,
                "description": "Counts the changes of the metadata of rooms of this "
                "name; metadata with a lower one is older.",
            },
            muted={
                **_reference("MutesMetadata"),
                "description": "What a mute of the room takes from everybody below "
                "admin who has no setting of their own; missing where nothing was "
                "said.",
            },
            ended={
                **_reference("RoomEnd"),
                "description": "Set just before an ended room is deleted.",
            },
        ),
        "MutesMetadata": _object(
            "What is taken or given back; a kind of which nothing was said is missing.",
            required=(),
            audio={
                "type": "boolean",
                "description": "Microphone and sound of a shared screen.",
            },
            video={"type": "boolean", "description": "Camera and shared screen."},
        ),
        "RoomEnd": _object(
            "How a room ended.",
            required=("by", "reason"),
            by={
                **_TEXT_OR_NULL,
                "description": "Identity of who ended it; null for the app's back "
                "end, and where nobody did.",
            },
            reason=enum_schema(RoomEndReason),
        ),
        "ParticipantMetadata": _object(
            "The metadata of a LiveKit participant, JSON as text; only the engine "
            "writes it. Keys that the app gave to the mint stand beside these, but "
            "for `role`, `appId`, `service`, `videoEffects`, `connection`, `stage`, "
            "`grant`, `muted` and `removed`, which the engine alone may write.",
            required=("role", "appId", "service", "connection"),
            role=enum_schema(UTDRole),
            appId={**_TEXT, "description": "The app's id."},
            service={"const": "utd_stream", "description": "Who wrote the metadata."},
            connection={
                **_WHOLE,
                "description": "Number of the newest mint of this member, as in the "
                "answer to it.",
            },
            grant={
                **_NUMBER,
                "description": "Number of this member's right to speak, as on their "
                "seat; missing without one. A lower number than on the seat is of a "
                "right that has ended.",
            },
            muted={
                **_reference("MutesMetadata"),
                "description": "The member's own setting, which outranks the room's; "
                "missing where nothing was said.",
            },
            removed=enum_schema(RemovalReason),
        ),
        "DataMessage": _object(
            "A data message of the engine, UTF-8 JSON, sent without a topic and "
            "without a sender. A hint only: anybody who is new to the room can forge "
            "one, so read state from metadata. Ignore types that you do not know.",
            required=("type",),
            type={
                **_TEXT,
                "pattern": "^_",
                "description": "What it says. "
                + " ".join(f"`{k}`: {v}" for k, v in DATA_MESSAGES.items()),
            },
        ),
    }


def _grid(seat: str, short: Mapping[str, str]) -> dict[str, Any]:
    words = _words(UTDSeatGrid)
    mode = enum_schema(SeatMode)
    properties: dict[str, Any] = {
        "seat_count": {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_SEAT_COUNT,
            "description": _COUNT_WORDS,
        },
        "seat_mode": mode,
        "rev": {**_WHOLE, "description": words["rev"]},
        "seats": _list(seat, words["seats"]),
        "requests": _list("SpeakerRequest", words["requests"]),
        "invitations": _list("Invitation", words["invitations"]),
    }
    required = [short.get(name, name) for name in properties]
    properties["mode_id"] = {**_TEXT, "description": words["mode_id"]}
    spelled = "as room metadata spells it" if short else "as REST spells it"
    return {
        "type": "object",
        "description": f"{summary_of(UTDSeatGrid)[:-1]}, {spelled}.",
        "properties": {short.get(k, k): v for k, v in properties.items()},
        "required": required,
    }


def _seat(short: Mapping[str, str]) -> dict[str, Any]:
    schema = _described(
        UTDSeat,
        required=("seat_index", "occupant_identity", "locked", "muted", "reserved_for"),
        seat_index=_INDEX,
        occupant_identity=_TEXT_OR_NULL,
        locked={"type": "integer", "enum": [0, 1]},
        muted={"type": "boolean"},
        reserved_for=_TEXT_OR_NULL,
        name=_TEXT,
        attributes={"type": "object", "additionalProperties": _TEXT},
        grant=_NUMBER,
    )
    spelled = "as room metadata spells it" if short else "as REST spells it"
    return {
        **schema,
        "description": f"{schema['description'][:-1]}, {spelled}.",
        "properties": {short.get(k, k): v for k, v in schema["properties"].items()},
        "required": [short.get(name, name) for name in schema["required"]],
    }


def _described(
    model: type, *, required: tuple[str, ...], **properties: Mapping[str, Any]
) -> dict[str, Any]:
    words = _words(model)
    told = {
        name: {**schema, "description": words[name]}
        for name, schema in properties.items()
    }
    return _object(summary_of(model), required=required, **told)


def _words(model: type) -> Mapping[str, str]:
    # Docstrings say what Python holds, and `python -OO` drops them.
    words = attributes_of(model)
    told = {name: text.replace("None", "null") for name, text in words.items()}
    return defaultdict(str, told)


def _object(
    description: str, *, required: tuple[str, ...], **properties: Any
) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(required),
    }


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": _REFERENCE + name}


def _list(name: str, description: str) -> dict[str, Any]:
    return {"type": "array", "items": _reference(name), "description": description}
