"""Why LiveKit refuses a connect, and what to do about it.

Its client tells it in a text only, which quotes the token: nothing of that
text gets past this module.
"""

from __future__ import annotations

import re

import attrs

from utd_stream.errors import ConnectError, UTDErrorCode

__all__ = ["refusal"]


@attrs.frozen
class _Refusal:
    pattern: str
    code: str
    message: str


# The first that fits is taken.
_REFUSALS = (
    _Refusal(
        r"\b401\b.*expired",
        UTDErrorCode.UNAUTHENTICATED.value,
        "the token has expired; mint a new one",
    ),
    _Refusal(
        r"\b401\b",
        UTDErrorCode.UNAUTHENTICATED.value,
        "the SFU does not take this token; mint one for its API key that may join",
    ),
    _Refusal(
        r"\b400\b",
        UTDErrorCode.INVALID.value,
        "the SFU does not take the names in this token; 1 to 256 bytes are allowed",
    ),
    _Refusal(
        # LiveKit says no more than that of a room with max_participants in it.
        r"handshake error: 500",
        UTDErrorCode.ROOM_FULL.value,
        "the room is full, or the SFU failed inside; try again later",
    ),
    _Refusal(
        r"parse the url",
        ConnectError.code,
        "this is no URL of an SFU; one begins with ws:// or wss://",
    ),
    _Refusal(
        r"timed out",
        ConnectError.code,
        "the SFU did not answer in time; is this the URL of a LiveKit server?",
    ),
    _Refusal(
        r"lookup address",
        ConnectError.code,
        "the name of the SFU's host is not known; check the URL",
    ),
)


def refusal(text: str) -> ConnectError:
    """Return our error for LiveKit's text, of which nothing is passed on."""
    for each in _REFUSALS:
        if re.search(each.pattern, text):
            return ConnectError(each.message, code=each.code)
    message = "no SFU answers at this URL; is LiveKit running, and the port right?"
    return ConnectError(message)
