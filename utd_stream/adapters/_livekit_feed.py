"""Frames of an app's source on their way into a track of LiveKit's native client."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from livekit import rtc

from utd_stream.adapters._app_frames import AppFrames, Source

__all__ = ["Feed"]

_F = TypeVar("_F", bound=AppFrames[Any])


class Feed(ABC, Generic[_F]):
    """Frames of a source on their way into a track.

    Args:
        source: Where they come from.

    Raises:
        PublishError: If the source cannot be opened.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._frames = self._open(source, again=False)
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    @abstractmethod
    def track(self) -> rtc.LocalAudioTrack | rtc.LocalVideoTrack:
        """The track that is published; only after `ready`."""

    async def ready(self) -> None:
        """Wait for the first frame, for a limited time.

        Raises:
            PublishError: If the source failed or ended before it.
        """
        await self._frames.ready()

    def start(self) -> None:
        """Begin to take frames."""
        self._task = asyncio.create_task(self._run(), name=type(self).__name__)

    def mute(self, *, muted: bool) -> None:
        """Stop or start sending; frames are taken all the same.

        Raises:
            PublishError: If the source had ended, and cannot be opened anew.
        """
        if muted:
            self.track.mute()
            return
        if self._task is not None and self._task.done():
            self._frames = self._open(self._source, again=True)
            self.start()
        self.track.unmute()

    async def switch(self, source: Source) -> None:
        """Take frames from *source* from now on, once its first one is there.

        Raises:
            PublishError: If it cannot be played; the one before goes on.
        """
        frames = self._open(source, again=False)
        await frames.ready_or_closed()
        if self._is_closed:
            await frames.aclose()
            return
        await self._rest()
        before, self._frames, self._source = self._frames, frames, source
        self.start()
        await before.aclose()

    async def stop(self) -> None:
        """Take no more frames, and close the source."""
        self._is_closed = True
        await self._rest()
        await self._frames.aclose()

    async def aclose(self) -> None:
        """Stop, then free what LiveKit's client holds."""
        await self.stop()
        await self._free()

    @abstractmethod
    def _open(self, source: Source, *, again: bool) -> _F:
        """Open *source*; *again* says that nobody waits for its first frame."""

    @abstractmethod
    async def _run(self) -> None:
        """Send the frames, and mute the track once they are over."""

    @abstractmethod
    async def _free(self) -> None:
        """Free what LiveKit's client holds."""

    async def _rest(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
