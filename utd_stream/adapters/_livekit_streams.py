"""Streams of remote tracks of LiveKit's native client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeAlias, TypeVar

from livekit import rtc

__all__ = ["Find", "Streams"]

Find: TypeAlias = Callable[[], rtc.Track | None]


class _Stream(Protocol):
    """LiveKit's own stream of a track; it outlives the track, and its room."""

    async def aclose(self) -> None:
        """End it."""
        ...


_S = TypeVar("_S", bound=_Stream)


class Streams(Generic[_S]):
    """Streams of remote tracks that are being read, so that all can be ended."""

    def __init__(self) -> None:
        self._open: dict[_S, tuple[rtc.Track, Find]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._is_closed = False

    def refresh(self) -> None:
        """Look again for tracks: some came, or are gone."""
        news, self._news = self._news, asyncio.Event()
        news.set()
        for stream, (track, find) in tuple(self._open.items()):
            if self._is_closed or find() is not track:
                self._close(stream)

    async def aclose(self) -> None:
        """End every reader; later ones end at once."""
        self.end()
        if self._closing:
            await asyncio.wait(tuple(self._closing))

    def end(self) -> None:
        """End every reader, without waiting until the streams are freed."""
        self._is_closed = True
        self.refresh()

    def _close(self, stream: _S) -> None:
        # A task of its own: whoever stopped reading may have been cancelled.
        task = asyncio.create_task(stream.aclose(), name="stream closing")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
