"""When a request is asked again: decisions without time and chance of their own."""

from __future__ import annotations

import attrs

from utd_stream.errors import (
    ConnectError,
    IntermediaryError,
    RateLimitedError,
    RemoteProtocolError,
    TransportError,
    UnauthenticatedError,
    UnavailableError,
    UTDStreamException,
)

__all__ = ["Tries"]

# Pauses grow threefold from the first to the longest, in seconds.
_FIRST_PAUSE = 0.2
_GROWTH = 3.0
_LONGEST_PAUSE = 2.0
# Where nobody says how long to wait.
_TRIES = 3
_TOO_MANY_REQUESTS = 429
_RATE_PAUSE = 1.0


@attrs.frozen(kw_only=True)
class Tries:
    """The failed tries of one request.

    Attributes:
        count: How many there were.
        waited: How long all pauses between them were, in seconds.
        unknown: A fault after which the request may have been served; None if
            there was none.
    """

    count: int = 0
    waited: float = 0.0
    unknown: UTDStreamException | None = None

    def after(self, error: UTDStreamException) -> Tries:
        """Return the tries, one that ended with *error* included."""
        is_unknown = isinstance(error, TransportError | RemoteProtocolError)
        if is_unknown and not isinstance(error, ConnectError):
            return attrs.evolve(self, count=self.count + 1, unknown=error)
        return attrs.evolve(self, count=self.count + 1)

    def pause(
        self, error: UTDStreamException, *, limit: float, luck: float
    ) -> float | None:
        """Return the seconds before the next try, or None to give up.

        After a fault there are three tries.  Where a server says how long to
        wait, it is waited for as often as *limit* allows.

        Args:
            error: How the last try ended; it is counted already.
            limit: How long all pauses may be, in seconds.
            luck: In [0, 1); drawn by the caller.
        """
        own = min(_FIRST_PAUSE * _GROWTH ** (self.count - 1), _LONGEST_PAUSE)
        match error:
            case IntermediaryError(status_code=status, retry_after=None):
                asked = _RATE_PAUSE if status == _TOO_MANY_REQUESTS else None
            case RateLimitedError() | UnavailableError() | IntermediaryError():
                asked = error.retry_after
            case TransportError() | RemoteProtocolError():
                asked = None
            case _:
                return None  # the engine has decided
        if asked is None:
            return own * (1 + luck) if self.count < _TRIES else None
        if self.waited + max(asked, _FIRST_PAUSE) > limit:
            return None
        return min(max(asked, own) + own * luck, limit - self.waited)

    def outcome(self, error: UTDStreamException) -> UTDStreamException:
        """Return what the caller is to know, when *error* was the last.

        An engine that could not look at the last try says nothing of one
        before it, which may have been served.
        """
        undecided = UnauthenticatedError | RateLimitedError | UnavailableError
        if self.unknown is not None and isinstance(error, undecided):
            return self.unknown
        return error
