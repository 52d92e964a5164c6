"""Decides when a request is sent again; the caller brings time and chance."""

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
# Without a Retry-After.
_TRIES = 3
_TOO_MANY_REQUESTS = 429
_RATE_PAUSE = 1.0


@attrs.frozen(kw_only=True)
class Tries:
    """The failed tries of one request.

    Attributes:
        count: Number of failed tries.
        waited: Sum of the pauses between them, in seconds.
        unknown: The newest fault after which the engine may have served the
            request, or None.
    """

    count: int = 0
    waited: float = 0.0
    unknown: UTDStreamException | None = None

    def after(self, error: UTDStreamException) -> Tries:
        """Return these tries and one more, which ended with *error*."""
        is_unknown = isinstance(error, TransportError | RemoteProtocolError)
        if is_unknown and not isinstance(error, ConnectError):
            return attrs.evolve(self, count=self.count + 1, unknown=error)
        return attrs.evolve(self, count=self.count + 1)

    def pause(
        self, error: UTDStreamException, *, limit: float, luck: float
    ) -> float | None:
        """Return the seconds before the next try, or None to give up.

        A request that meets faults is tried three times.  A Retry-After is
        followed as often as *limit* allows.

        Args:
            error: The error of the last try, which `count` includes.
            limit: The longest that all pauses together may be, in seconds.
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
        """Return the error to raise when *error* was the last.

        A 401, 429 or 503 says only that the engine did not serve the last try.
        If it may have served an earlier one, the caller gets that one's error.
        """
        undecided = UnauthenticatedError | RateLimitedError | UnavailableError
        if self.unknown is not None and isinstance(error, undecided):
            return self.unknown
        return error
