"""One rate limit over many keys, by pyrate-limiter's GCRA.

Imported only where a limit is set: loading pyrate-limiter takes a while.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from pyrate_limiter import GCRA, Duration, Rate

__all__ = ["PerMinute"]

_ALGORITHM = GCRA()
# Two for each one that comes, so that idle keys are forgotten faster than made.
_FORGOTTEN_AT_ONCE = 2


class PerMinute:
    """At most so many a minute for each key; all of them may come at once.

    A key that owes nothing is as one that never came, and is forgotten when
    others come: what is remembered is at most those of the last minute.

    Args:
        limit: A minute; at least 1.
    """

    def __init__(self, limit: int) -> None:
        self._rates = [Rate(limit, Duration.MINUTE)]
        # Of each key when it will owe nothing; the one that came last is last.
        self._states: OrderedDict[Hashable, tuple[float, ...]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._states)

    def take(self, key: Hashable, now: float) -> float:
        """Count one of *key*, unless it is beyond the limit.

        Args:
            key: Whose.
            now: In seconds that never go back.

        Returns:
            0 if it was counted, else the seconds until the next one fits.
        """
        milliseconds = int(now * 1000)
        self._forget(milliseconds)
        state = self._states.get(key) or _ALGORITHM.initial(self._rates)
        state, decision = _ALGORITHM.step(self._rates, state, milliseconds, 1)
        self._states[key] = state
        self._states.move_to_end(key)
        return (decision.retry_after_ms or 0) / 1000

    def _forget(self, milliseconds: int) -> None:
        for _ in range(_FORGOTTEN_AT_ONCE):
            oldest = next(iter(self._states), None)
            if oldest is None or _ALGORITHM.consumed(
                self._rates, self._states[oldest], milliseconds
            ):
                return
            del self._states[oldest]
