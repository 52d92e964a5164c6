"""What may be an identity, a room name, a display name or an app id.

Source: contract.md section 1.  Identities and names are compared byte for
byte; what cannot be told apart on screen (not NFC) or would be folded out of
a URL path (``.`` and ``..``) is refused instead of mended.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = [
    "check_app_id",
    "check_call_id",
    "check_display_name",
    "check_identity",
    "check_room_name",
    "is_call_id",
    "sfu_room_name",
    "split_sfu_room_name",
]

_MAX_NAME_BYTES = 256  # LiveKit's own limit for identities and room names
_MAX_DISPLAY_BYTES = 128
_APP_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_CALL_ID = re.compile(r"call_[0-9a-f]{24}")
_RESERVED_ROOMS = frozenset({"ban", "bans"})  # /rooms/ban is an endpoint
_FOLDED = frozenset({".", ".."})  # clients fold them out of paths


def check_identity(text: str) -> str:
    """Return *text* if it may name a participant.

    Raises:
        ValueError: If it may not; the message says why.
    """
    return _checked(text, "identity", _MAX_NAME_BYTES)


def check_room_name(text: str) -> str:
    """Return *text* if it may name a room.

    Raises:
        ValueError: If it may not; the message says why.
    """
    _checked(text, "room name", _MAX_NAME_BYTES)
    if text in _RESERVED_ROOMS or text.startswith("call_"):
        message = f"room name {text!r} is reserved"
        raise ValueError(message)
    return text


def check_call_id(text: str) -> str:
    """Return *text* if it may be the id of a call.

    Raises:
        ValueError: If it is not ``call_`` and 24 hexadecimal digits.
    """
    if not is_call_id(text):
        message = "must be call_ and 24 hexadecimal digits"
        raise ValueError(message)
    return text


def is_call_id(text: str) -> bool:
    """Whether *text* may be the id of a call."""
    return _CALL_ID.fullmatch(text) is not None


def check_display_name(text: str) -> str:
    """Return *text* if it may be shown as somebody's name.

    Raises:
        ValueError: If it may not; the message says why.
    """
    return _checked(text, "name", _MAX_DISPLAY_BYTES)


def check_app_id(text: str) -> str:
    """Return *text* if it may be an app id.

    Raises:
        ValueError: If it is not 1 to 64 letters, digits and hyphens.
    """
    if not _APP_ID.fullmatch(text):
        message = "app id must be 1 to 64 letters, digits and hyphens"
        raise ValueError(message)
    return text


def sfu_room_name(app_id: str, room_name: str) -> str:
    """Return the SFU's name of an app's room.

    Raises:
        ValueError: If it would be longer than the SFU takes.
    """
    name = f"p{app_id}_{room_name}"
    if len(name.encode()) > _MAX_NAME_BYTES:
        left = _MAX_NAME_BYTES - len(f"p{app_id}_")
        message = f"room name must be at most {left} bytes in this app"
        raise ValueError(message)
    return name


def split_sfu_room_name(name: str) -> tuple[str, str] | None:
    """Return (app id, room name) of an SFU room, or None if it is none of ours."""
    app_id, separator, room_name = name[1:].partition("_")
    if not name.startswith("p") or not separator or not room_name:
        return None
    return (app_id, room_name) if _APP_ID.fullmatch(app_id) else None


def _checked(text: str, what: str, max_bytes: int) -> str:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        message = f"{what} is not valid Unicode"
        raise ValueError(message) from None  # the cause repeats the text
    problem = None
    if not text.strip():
        problem = "must not be blank"
    elif size > max_bytes:
        problem = f"must be at most {max_bytes} bytes"
    elif text in _FOLDED:
        problem = "must not be '.' or '..'"
    elif any(unicodedata.category(char) == "Cc" for char in text):
        problem = "must not hold control characters"
    elif unicodedata.normalize("NFC", text) != text:
        problem = "must be in Unicode's NFC form"
    if problem:
        message = f"{what} {problem}"
        raise ValueError(message)
    return text
