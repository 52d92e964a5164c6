"""The app's own metadata, as the engine keeps it: JSON as text, bounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from utd_stream.errors import InvalidRequestError

__all__ = ["metadata_text"]

_MOST = 4_096  # bytes


def metadata_text(metadata: Mapping[str, Any] | None) -> str:
    """Return *metadata* as text; empty where there is none.

    Raises:
        InvalidRequestError: If it is too large.
    """
    text = orjson.dumps(dict(metadata)).decode() if metadata else ""
    if len(text.encode()) > _MOST:
        message = f"must be at most {_MOST} bytes of JSON"
        raise InvalidRequestError.at(("$.metadata", message))
    return text
