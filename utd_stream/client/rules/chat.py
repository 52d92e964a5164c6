"""What may be said in a room's chat, how fast, and what of it is heard: pure.

Source: contract.md section 4, Chat; lessons L64, L78.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import attrs

from utd_stream.errors import InvalidArgumentError
from utd_stream.models.rooms import UTDRole

__all__ = ["Hearing", "Saying", "check_text", "may_chat"]

_MOST_BYTES = 4_000
# So many messages at once, and so many a second; moderators twice that.
_BURST, _RATE = 10.0, 1.0
_ROUNDING = 1e-6
# So many of one sender are heard in so many seconds.
_MOST_HEARD, _WINDOW = 20, 10.0
_MOST_IDS = 1_024
_MOST_SENDERS = 1_024


def check_text(text: Any) -> str:
    """Return *text* without blanks around it.

    Raises:
        InvalidArgumentError: If it is no text, blank, too long, or no Unicode.
    """
    if not isinstance(text, str):
        message = f"text must be a str, not {type(text).__name__}"
        raise InvalidArgumentError(message)
    trimmed = text.strip()
    if not trimmed:
        message = "text must not be blank"
        raise InvalidArgumentError(message)
    try:
        size = len(trimmed.encode())
    except UnicodeEncodeError:
        message = "text must be valid Unicode"
        raise InvalidArgumentError(message) from None
    if size > _MOST_BYTES:
        message = f"text is {size} bytes; {_MOST_BYTES} go in one message"
        raise InvalidArgumentError(message)
    return trimmed


def may_chat(role: UTDRole | None, *, is_locked: bool) -> bool:
    """Whether somebody's messages are sent and heard; of a role unknown is None."""
    return not is_locked or (role is not None and role.moderates)


@attrs.define
class Saying:
    """How much one sender may still say: so many at once, then so many a second."""

    _said: float = 0.0
    _at: float = 0.0

    def wait(self, now: float, *, moderates: bool) -> float:
        """Return 0 and count a message, or how long to wait for the next, in seconds.

        Args:
            now: On a clock that rises, in seconds.
            moderates: Whether the sender is a moderator.
        """
        share = 2.0 if moderates else 1.0
        said = max(0.0, self._said - (now - self._at) * _RATE * share)
        too_much = said + 1 - _BURST * share
        if too_much > _ROUNDING:  # who waits as long as is said here may go on
            return too_much / (_RATE * share)
        self._said, self._at = said + 1, now
        return 0.0


@attrs.define
class Hearing:
    """What has been heard of late: no message twice, and none of a flood."""

    _ids: dict[str, None] = attrs.field(factory=dict[str, None])
    _heard: dict[str, deque[float]] = attrs.field(factory=dict[str, deque[float]])

    def takes(self, sender: str, message_id: str, now: float) -> bool:
        """Return whether a message is told, and remember it if so."""
        times = self._heard.pop(sender, deque())
        while times and now - times[0] >= _WINDOW:
            times.popleft()
        is_new = message_id not in self._ids
        is_calm = len(times) < _MOST_HEARD
        if is_new and is_calm:
            self._ids[message_id] = None
            times.append(now)
        self._heard[sender] = times  # as the newest
        _forget_oldest(self._ids, _MOST_IDS)
        _forget_oldest(self._heard, _MOST_SENDERS)
        return is_new and is_calm


def _forget_oldest(known: dict[str, Any], most: int) -> None:
    while len(known) > most:
        del known[next(iter(known))]
