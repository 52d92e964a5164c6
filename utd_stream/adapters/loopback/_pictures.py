"""Pictures from those who publish to those who look, at the pace of the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs

from utd_stream.adapters._app_pictures import AppPictures
from utd_stream.adapters.loopback._sound import Ear
from utd_stream.models.media import VideoFrame, VideoQuality
from utd_stream.models.participants import TrackKind
from utd_stream.ports import Clock, VideoSource

__all__ = ["PictureFeed", "smaller"]

# The sizes that LiveKit's client sends beside the whole one, by their shorter side,
# and the longer side of the whole from which on it does.
_LAYERS = {VideoQuality.LOW: (180, 480), VideoQuality.MEDIUM: (360, 960)}


class PictureFeed:
    """The pictures of one publication, taken while somebody looks.

    Args:
        source: Where the pictures come from.
        clock: Time.
        ended: Called when the source has ended or failed.

    Attributes:
        is_muted: Whether it sends nothing.
        is_cut: Whether what it sends gets lost.

    Raises:
        PublishError: If the source cannot be opened.
    """

    kind = TrackKind.VIDEO

    def __init__(
        self,
        source: VideoSource,
        clock: Clock,
        ended: Callable[[PictureFeed], None],
    ) -> None:
        self._source = source
        self._clock = clock
        self._ended = ended
        self._pictures = self._opened(source)
        self.is_muted: bool = False
        self.is_cut: bool = False
        self._eyes: dict[Ear[VideoFrame], None] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def is_over(self) -> bool:
        """Whether its source has ended or failed, and its last picture is gone."""
        return self._pictures.is_over and self._task is None

    async def ready(self) -> None:
        """Wait for the first picture, for a limited time.

        Raises:
            PublishError: If the source failed or ended before it.
        """
        await self._pictures.ready()

    def add(self, ear: Ear[VideoFrame], /) -> None:
        """Let *ear* see from now on."""
        self._eyes[ear] = None
        self._look()

    def remove(self, ear: Ear[VideoFrame], /) -> None:
        """Let *ear* see no more; pictures are made no more where nobody looks."""
        self._eyes.pop(ear, None)
        if not self._eyes and self._task is not None:
            self._task.cancel()
            self._task = None
            self._tell_end()

    def mute(self, *, muted: bool) -> None:
        """Send nothing, or pictures again.

        Raises:
            PublishError: If the source had ended, and cannot be opened anew.
        """
        if not muted and self.is_over:
            self._pictures = self._opened(self._source, again=True)
        self.is_muted = muted
        self._look()

    async def switch(self, source: VideoSource) -> None:
        """Take pictures from *source* from now on, once its first one is there.

        Raises:
            PublishError: If it cannot be played; the one before goes on.
        """
        pictures = self._opened(source)
        await pictures.ready_or_closed()
        if self._is_closed:
            await pictures.aclose()
            return
        await self._rest()
        before, self._pictures, self._source = self._pictures, pictures, source
        self._look()
        await before.aclose()

    async def aclose(self) -> None:
        """Take no more pictures, and close the source if it can be."""
        self._is_closed = True
        await self._rest()
        await self._pictures.aclose()

    async def _rest(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    def _opened(self, source: VideoSource, *, again: bool = False) -> AppPictures:
        return AppPictures(source, self._clock, self._tell_end, again=again)

    def _look(self) -> None:
        if self._eyes and self._task is None and not self._is_closed:
            self._task = asyncio.create_task(self._run(), name="loopback pictures")

    async def _run(self) -> None:
        while (frame := await self._pictures.due()) is not None:
            if self.is_muted or self.is_cut:
                continue
            for eye in tuple(self._eyes):
                eye.put(frame)
        self._task = None
        self._tell_end()

    def _tell_end(self) -> None:
        if self.is_over:
            self._ended(self)


def smaller(frame: VideoFrame, quality: VideoQuality) -> VideoFrame:
    """Return the picture in the size that is sent for *quality*."""
    if quality not in _LAYERS:
        return frame
    short_px, from_px = _LAYERS[quality]
    step = min(frame.width_px, frame.height_px) // short_px
    if max(frame.width_px, frame.height_px) < from_px or step <= 1:
        return frame
    width, height = frame.width_px // step // 2 * 2, frame.height_px // step // 2 * 2
    planes: list[bytes] = []
    start = 0
    for few in (1, 2, 2):
        wide, high = frame.width_px // few, frame.height_px // few
        for y in range(height // few):
            row = start + y * step * wide
            planes.append(frame.data[row : row + width // few * step : step])
        start += wide * high
    return attrs.evolve(frame, data=b"".join(planes), width_px=width, height_px=height)
