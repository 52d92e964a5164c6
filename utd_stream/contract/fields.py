"""Types of single fields, checked where they cross the wire.

Each is a plain value with a name; `utd_stream.wire` checks it and OpenAPI
describes it, both from `FIELDS`, so that an error names the field's path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NewType

import attrs

from utd_stream.models.names import (
    check_display_name,
    check_identity,
    check_room_name,
    is_call_id,
)
from utd_stream.models.seats import MAX_SEAT_COUNT

__all__ = [
    "FIELDS",
    "DisplayName",
    "Field",
    "Identity",
    "Image",
    "JsonObjectText",
    "ModeId",
    "RoomName",
    "RoomOrCall",
    "SeatCount",
    "SeatIndex",
    "Text20",
    "Text50",
    "Text100",
    "Text256",
    "WholeNumber",
]

Identity = NewType("Identity", str)
RoomName = NewType("RoomName", str)
RoomOrCall = NewType("RoomOrCall", str)
DisplayName = NewType("DisplayName", str)
Image = NewType("Image", str)
ModeId = NewType("ModeId", str)
JsonObjectText = NewType("JsonObjectText", str)
Text20 = NewType("Text20", str)
Text50 = NewType("Text50", str)
Text100 = NewType("Text100", str)
Text256 = NewType("Text256", str)
SeatIndex = NewType("SeatIndex", int)
SeatCount = NewType("SeatCount", int)
WholeNumber = NewType("WholeNumber", int)


@attrs.frozen
class Field:
    """How one type of field is checked and described.

    Attributes:
        base: What JSON must hold, ``str`` or ``int``.
        check: Returns the value, or raises ValueError with the reason.
        schema: Its JSON schema.  A bound in bytes, which JSON Schema cannot
            say, stands in its description.
    """

    base: type[str | int]
    check: Callable[[Any], Any]
    schema: Mapping[str, Any]


def _text(max_bytes: int) -> Field:
    def check(value: str) -> str:
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            message = "must be valid Unicode"
            raise ValueError(message) from None
        if size > max_bytes:
            message = f"must be at most {max_bytes} bytes"
            raise ValueError(message)
        return value

    return Field(str, check, _string(f"At most {max_bytes:,} bytes.", max_bytes))


def _string(description: str, max_bytes: int, **more: Any) -> Mapping[str, Any]:
    # No text has more characters than bytes.
    bounds = {"type": "string", "maxLength": max_bytes, **more}
    return {**bounds, "description": description}


def _name(max_bytes: int, pattern: str, *also: str) -> Mapping[str, Any]:
    base = f"1 to {max_bytes} bytes of UTF-8 in NFC, compared byte for byte"
    words = (base, "not blank", "no control characters", *also)
    return _string("; ".join(words) + ".", max_bytes, minLength=1, pattern=pattern)


def _number(least: int, most: int) -> Field:
    def check(value: int) -> int:
        if not least <= value <= most:
            message = f"must be from {least} to {most}"
            raise ValueError(message)
        return value

    return Field(int, check, {"type": "integer", "minimum": least, "maximum": most})


_CONTROL = r"\u0000-\u001f\u007f-\u009f"
_TEXT = f"[^{_CONTROL}]+$"
# Some read $ as also before a last line feed: so controls are refused first.
_NOT_FOLDED = rf"^(?![\s\S]*[{_CONTROL}])(?!\s*$)(?!\.{{1,2}}$)"
_NO_DOTS = "neither `.` nor `..`"


def _room_or_call(text: str) -> str:
    return text if is_call_id(text) else check_room_name(text)


FIELDS: Mapping[Any, Field] = {
    Identity: Field(str, check_identity, _name(256, _NOT_FOLDED + _TEXT, _NO_DOTS)),
    RoomName: Field(
        str,
        check_room_name,
        _name(
            256,
            f"{_NOT_FOLDED}(?!bans?$)(?!call_){_TEXT}",
            _NO_DOTS,
            "not `ban`, not `bans`, and not beginning `call_`",
            "with `p<app id>_` before it still at most 256 bytes",
        ),
    ),
    RoomOrCall: Field(
        str,
        _room_or_call,
        _name(
            256,
            f"{_NOT_FOLDED}(?!bans?$)(?!call_(?![0-9a-f]{{24}}$)){_TEXT}",
            _NO_DOTS,
            "not `ban`, not `bans`, and beginning `call_` only as the id of a call",
            "with `p<app id>_` before it still at most 256 bytes",
        ),
    ),
    DisplayName: Field(
        str, check_display_name, _name(128, _NOT_FOLDED + _TEXT, _NO_DOTS)
    ),
    Image: _text(256),
    ModeId: _text(128),
    JsonObjectText: Field(
        str,
        _text(4096).check,
        _string(
            "A JSON object, as text; at most 4,096 bytes.",
            4096,
            contentMediaType="application/json",
        ),
    ),
    Text20: _text(20),
    Text50: _text(50),
    Text100: _text(100),
    Text256: _text(256),
    SeatIndex: _number(0, MAX_SEAT_COUNT - 1),
    SeatCount: _number(1, MAX_SEAT_COUNT),
    WholeNumber: _number(0, 2**53),
}
