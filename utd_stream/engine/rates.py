"""How many requests an app and a user may send.

A request counts once its credentials are checked, before its body is read; one
without credentials is refused and leaves nothing behind.  A request with a bearer
counts for that user and for the app.  A request with the app's key or secret counts
for the app alone: the identity in its body is only a claim, and counting it would
let anybody use up the requests of somebody else.  Calls of one person to another
count for the pair, whoever asks, since it is the callee whom each of them rings.

Source: contract.md section 6.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from utd_stream.engine.auth import Caller, Credential
from utd_stream.errors import RateLimitedError
from utd_stream.ports import Clock

if TYPE_CHECKING:
    from utd_stream.engine._per_minute import PerMinute

__all__ = ["Rates"]


class Rates:
    """The limits of this process.

    Args:
        app: Requests of one app a minute; 0 for no limit.
        identity: Requests of one user a minute; 0 for no limit.
        pair: Calls of one user to another a minute; 0 for no limit.
        clock: Of the engine.
    """

    def __init__(self, *, app: int, identity: int, pair: int, clock: Clock) -> None:
        self._apps = _per_minute(app)
        self._identities = _per_minute(identity)
        self._pairs = _per_minute(pair)
        self._clock = clock

    def check(self, caller: Caller) -> None:
        """Count one request of *caller*, unless the endpoint needs no credentials.

        The user's limit comes first: a request beyond it does not count for the
        app, so that one user cannot use up the requests of all.

        Raises:
            RateLimitedError: If it is beyond a limit.
        """
        if caller.credential is Credential.NOTHING:
            return
        if caller.user is not None:
            who = (caller.app.id, caller.user.identity)
            self._take(self._identities, who, "requests of this user")
        self._take(self._apps, caller.app.id, "requests of this app")

    def check_pair(self, app_id: str, caller: str, callee: str) -> None:
        """Count one call of *caller* to *callee*.

        Raises:
            RateLimitedError: If it is beyond the limit.
        """
        self._take(self._pairs, (app_id, caller, callee), "calls to this user")

    def _take(self, limit: PerMinute | None, key: Hashable, what: str) -> None:
        if limit is None:
            return
        wait = limit.take(key, self._clock.monotonic())
        if wait:
            message = f"too many {what}; ask again after Retry-After"
            raise RateLimitedError(message, retry_after=wait)


def _per_minute(limit: int) -> PerMinute | None:
    if not limit:
        return None
    from utd_stream.engine._per_minute import PerMinute  # noqa: PLC0415 -- see there

    return PerMinute(limit)
