"""Who reads which video, so that no more is received than is read."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeAlias

from utd_stream.models.media import VideoQuality
from utd_stream.models.participants import TrackSource

__all__ = ["Readers"]

_Key: TypeAlias = tuple[str, TrackSource]

_SHARPEST_FIRST = (VideoQuality.HIGH, VideoQuality.MEDIUM, VideoQuality.LOW)


class Readers:
    """The readers of one client.

    Args:
        changed: Told whose video is read otherwise than before, and which.
    """

    def __init__(self, changed: Callable[[str, TrackSource], object]) -> None:
        self._changed = changed
        self._asked: dict[_Key, list[VideoQuality]] = {}

    @contextmanager
    def reading(
        self, identity: str, source: TrackSource, quality: VideoQuality
    ) -> Generator[None]:
        """Count a reader in, for as long as the body runs."""
        key = identity, source
        before = self.best(*key)
        self._asked.setdefault(key, []).append(quality)
        self._tell(key, before)
        try:
            yield
        finally:
            before = self.best(*key)
            self._asked[key].remove(quality)
            if not self._asked[key]:
                del self._asked[key]
            self._tell(key, before)

    def best(self, identity: str, source: TrackSource) -> VideoQuality | None:
        """Return the sharpest that is asked for; None while nobody reads it."""
        asked = self._asked.get((identity, source), ())
        return next((each for each in _SHARPEST_FIRST if each in asked), None)

    def _tell(self, key: _Key, before: VideoQuality | None) -> None:
        if self.best(*key) is not before:
            self._changed(*key)
