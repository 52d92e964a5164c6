"""Which data messages may be sent, and which are believed to come from the engine.

The engine's messages are JSON objects whose ``type`` begins with ``_``.  No
client may send one, and one that names its sender is not the engine's; one
without a sender may still be anybody's, so they change nothing by themselves.
"""

from __future__ import annotations

import json
from typing import Any

from utd_stream.errors import InvalidArgumentError

__all__ = [
    "MAX_DATA_BYTES",
    "check_data",
    "check_receivers",
    "check_text",
    "check_topic",
    "is_system_message",
]

# LiveKit's clients agree on 64,000 for a whole packet, and the SFU drops what
# is far longer without a word.
MAX_DATA_BYTES = 60_000

# JSON in UTF-8, UTF-16 or UTF-32, with or without a mark, may begin with these.
_BEFORE_JSON = b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"


def check_data(data: Any) -> None:
    """Refuse what must not be sent.

    Raises:
        InvalidArgumentError: If *data* is no bytes, too long, or looks like the
            engine's.
    """
    if not isinstance(data, bytes):
        message = f"data must be bytes, not {type(data).__name__}; encode text first"
        raise InvalidArgumentError(message)
    if len(data) > MAX_DATA_BYTES:
        message = f"data is {len(data)} bytes; {MAX_DATA_BYTES} go in one message"
        raise InvalidArgumentError(message)
    if is_system_message(data):
        message = 'data of a "type" that begins with "_" is reserved for the engine'
        raise InvalidArgumentError(message)


def check_text(text: Any) -> None:
    """Refuse what is no text, or too long a one.

    Raises:
        InvalidArgumentError: If so.
    """
    if not isinstance(text, str):
        message = f"text must be a str, not {type(text).__name__}"
        raise InvalidArgumentError(message)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        message = "text must be valid Unicode"
        raise InvalidArgumentError(message) from None
    if size > MAX_DATA_BYTES:
        message = f"text is {size} bytes; {MAX_DATA_BYTES} go in one message"
        raise InvalidArgumentError(message)


def check_receivers(identities: Any) -> tuple[str, ...]:
    """Return who gets a message; nobody named means everybody.

    Raises:
        InvalidArgumentError: If the list is empty, since the SFU would take
            that for everybody, or is none of texts.
    """
    if identities is None:
        return ()
    named = () if isinstance(identities, str) else _texts(identities)
    if not named:
        message = "destination_identities is a list of one or more, or None for all"
        raise InvalidArgumentError(message)
    return named


def check_topic(topic: Any) -> str:
    """Return what a message is sent under; none is an empty one.

    Raises:
        InvalidArgumentError: If it is no text.
    """
    if topic is None:
        return ""
    if not isinstance(topic, str):
        message = f"topic must be a text or None, not {type(topic).__name__}"
        raise InvalidArgumentError(message)
    return topic


def is_system_message(data: bytes) -> bool:
    """Whether any JSON reader could take *data* for a message of the engine.

    Of a key that is there twice readers take either value, so one is enough.
    """
    if data.lstrip(_BEFORE_JSON)[:1] != b"{" or (
        b"_" not in data and b"\\" not in data
    ):
        return False  # most messages; reading them as JSON would cost more
    try:
        pairs = json.loads(data, object_pairs_hook=tuple)
    except (ValueError, RecursionError):  # no JSON for anybody
        return False
    return any(
        key == "type" and isinstance(value, str) and value.startswith("_")
        for key, value in pairs
    )


def _texts(values: Any) -> tuple[str, ...]:
    try:
        known = tuple(values)
    except TypeError:
        return ()
    return known if all(isinstance(each, str) for each in known) else ()
