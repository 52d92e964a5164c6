"""When what arrives belongs into a recording: pure, on whatever clock."""

from __future__ import annotations

import math
from typing import Any, Generic, TypeVar

import attrs

__all__ = ["PictureTimeline", "SoundTimeline"]

_S = TypeVar("_S")

# Sound that comes so late after the sound before it may follow a pause; in seconds.
_LATE = 0.3
# So much more of it must be as late: a reader that was held up catches up.
_SURE = 0.3
_JITTER = 0.005
# A pause shorter than this is none.
_SHORT = 0.1
# Pictures so far from where their times say are of another track, or another clock.
_ASTRAY = 0.5


@attrs.define
class SoundTimeline(Generic[_S]):
    """Puts sound after sound, and finds the pauses between them.

    Attributes:
        end: Where the sound that was taken ends, in seconds.
    """

    end: float = 0.0
    _held: list[tuple[_S, float, float]] = attrs.field(
        factory=list[tuple[Any, float, float]]
    )
    # How late the least late of them is, and where it is held.
    _least: float = math.inf
    _since: float = 0.0

    def take(self, sound: _S, seconds: float, at: float) -> list[tuple[float, _S]]:
        """Take *sound* that lasts *seconds* and whose end arrived *at*.

        Returns:
            What is recorded now: each with the pause before it, in seconds.
        """
        held = sum(lasts for _, lasts, _ in self._held)
        late = at - seconds - held - self.end
        if not self._held and late < _LATE:
            self.end += seconds
            return [(0.0, sound)]
        self._held.append((sound, seconds, late))
        if late < self._least - _JITTER:
            self._least, self._since = late, held
        if late < _SHORT or held + seconds - self._since >= _SURE:
            return self.rest()
        return []

    def rest(self) -> list[tuple[float, _S]]:
        """Return what is held back; it is decided now."""
        held, self._held = self._held, []
        self._least, self._since = math.inf, 0.0
        if not held:
            return []
        pause = min(late for _, _, late in held)
        pause = 0.0 if pause < _SHORT else pause
        self.end += pause + sum(seconds for _, seconds, _ in held)
        first, *others = (sound for sound, _, _ in held)
        return [(pause, first), *((0.0, sound) for sound in others)]


@attrs.define
class PictureTimeline:
    """Puts pictures where their own times say, not where they happen to arrive."""

    _began: float | None = None
    _last: float = -1.0

    def take(self, own: float, at: float, least: float) -> float:
        """Return the time of a picture.

        Args:
            own: Its own time, in seconds since the first one of its track.
            at: When it arrived.
            least: By how much it must follow the one before.
        """
        began = at - own
        if self._began is None or abs(began - self._began) > _ASTRAY:
            self._began = began
        # Some come late, none comes early.
        self._began = min(self._began, began)
        self._last = max(self._began + own, self._last + least, 0.0)
        return self._last
