"""An app's pictures on their way to an SFU: checked, and paced by their times."""

from __future__ import annotations

from collections.abc import Callable

from utd_stream.adapters._app_frames import AppFrames, Words
from utd_stream.errors import InvalidArgumentError
from utd_stream.models.media import VideoFrame
from utd_stream.ports import Clock, VideoSource

__all__ = ["AppPictures"]

_WORDS = Words("video", "a video source", "picture", "VideoFrame")
# A picture later or earlier than this sets a new start; in seconds.
_MOST_LATE = 0.5
_MOST_EARLY = 10.0
# Nobody sees more; pictures that all have the same time do not flood the SFU.
_SHORTEST = 1 / 120


class AppPictures(AppFrames[VideoFrame]):
    """The pictures of one source, opened once.

    Each is due as long after the first one as their times say; a source that is
    late, or that waits by itself, goes on from there.

    Args:
        source: Where they come from.
        clock: Time.
        ended: Called once the source has ended or failed, unless `ready` says so.
        again: Whether the source was opened before; then nobody calls `ready`.

    Raises:
        PublishError: If the source cannot be opened, or gives no async iterator.
    """

    def __init__(
        self,
        source: VideoSource,
        clock: Clock,
        ended: Callable[[], object] = lambda: None,
        *,
        again: bool = False,
    ) -> None:
        # When a picture of time 0 was, or would have been, due.
        self._start: float | None = None
        self._last = 0.0
        super().__init__(source, _WORDS, clock, ended, again=again)

    async def due(self) -> VideoFrame | None:
        """Wait until the next picture is due, and take it; None once it is over."""
        frame = await self.next()
        if frame is None:
            return None
        now = self._clock.monotonic()
        if self._start is None:
            self._start, self._last = now - frame.at, now - _SHORTEST
        wait = self._start + frame.at - now
        if not -_MOST_LATE <= wait <= _MOST_EARLY:
            self._start, wait = now - frame.at, 0.0
        await self._clock.sleep(max(wait, self._last + _SHORTEST - now, 0.0))
        self._last = self._clock.monotonic()
        return frame

    async def _take_frame(self, frame: object) -> None:
        if not isinstance(frame, VideoFrame):
            message = f"a video source must give VideoFrame, not {type(frame).__name__}"
            raise InvalidArgumentError(message)
        await self._give(frame)

    async def _take_end(self) -> None:
        """Give nothing: each picture was given whole."""
