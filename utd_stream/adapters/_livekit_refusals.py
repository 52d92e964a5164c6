"""Why LiveKit refuses a connect, and what to do about it.

Its client tells it in a text only, which quotes the token: nothing of that
text gets past this module.
"""

from __future__ import annotations

import re

import attrs

from utd_stream.adapters._livekit_proxy import proxy_hint
from utd_stream.errors import ConnectError, UTDErrorCode

__all__ = ["refusal"]


@attrs.frozen
class _Refusal:
    pattern: str
    code: str
    message: str
    # Whether a proxy on the way may have said it.
    may_be_proxy: bool = True


# The first that fits is taken.
_REFUSALS = (
    _Refusal(
        r"\b401\b.*expired",
        UTDErrorCode.UNAUTHENTICATED.value,
        "the token has expired; mint a new one",
        may_be_proxy=False,
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
        may_be_proxy=False,
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


_OTHER = _Refusal(
    "",
    ConnectError.code,
    "no SFU answers at this URL; is LiveKit running, and the port right?",
)


def refusal(text: str, *, proxy: str | None = None) -> ConnectError:
    """Return our error for LiveKit's text, of which nothing is passed on.

    Args:
        text: What LiveKit's client said.
        proxy: The variable that sets a proxy for the connection, if one does.
    """
    fitting = (each for each in _REFUSALS if re.search(each.pattern, text))
    each = next(fitting, _OTHER)
    if proxy is None or not each.may_be_proxy:
        return ConnectError(each.message, code=each.code)
    return ConnectError(f"{each.message}; {proxy_hint(proxy)}", code=each.code)
