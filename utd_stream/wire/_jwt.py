"""What a JWT says, read without its key: nothing is verified."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from utd_stream.models.json_text import read_json
from utd_stream.wire._grid import is_object

__all__ = ["bearer_expiry", "token_holder"]


def bearer_expiry(token: str) -> datetime | None:
    """Return when a JWT ends, or None if it cannot be read; nothing is verified."""
    try:
        return datetime.fromtimestamp(_claims(token)["exp"], UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


def token_holder(token: str) -> tuple[str, str] | None:
    """Return the room and the identity of a media token, as the SFU names them.

    None if the token cannot be read; nothing is verified.
    """
    claims = _claims(token)
    video = claims.get("video")
    room = video.get("room") if is_object(video) else None
    identity = claims.get("sub")
    if isinstance(room, str) and isinstance(identity, str):
        return room, identity
    return None


def _claims(token: str) -> dict[str, Any]:
    """Return what a JWT says; nothing if it cannot be read."""
    try:
        payload = token.split(".")[1]
        padded = payload + "=" * (-len(payload) % 4)
        claims = read_json(base64.urlsafe_b64decode(padded))
    except (IndexError, ValueError):  # binascii.Error and JSONDecodeError are such
        return {}
    return claims if is_object(claims) else {}
