"""Records what is heard and seen into a file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs

from utd_stream.errors import InvalidArgumentError, UsageError
from utd_stream.media._extras import need_av
from utd_stream.media._paths import checked_path
from utd_stream.media._timeline import PictureTimeline, SoundTimeline
from utd_stream.media._worker import Worker
from utd_stream.models.media import AudioFrame, VideoFrame

if TYPE_CHECKING:
    from utd_stream.media._writing import Writer

__all__ = ["Recorder", "RecordingProgress"]

_WITH_SOUND = (".wav", ".ogg", ".mp4", ".webm")
_WITH_PICTURES = (".mp4", ".webm")
_SMALLEST_PX, _LARGEST_PX = 16, 4_096
# Between two pictures, in seconds; containers count milliseconds.
_LEAST = 0.001


@attrs.frozen(kw_only=True)
class RecordingProgress:
    """How far a recording is.

    Attributes:
        seconds: How long it is so far.
        sounds: How many frames of sound it has.
        pictures: How many pictures.
        size_bytes: Of the file so far; what is not written yet does not count.
    """

    seconds: float = 0.0
    sounds: int = 0
    pictures: int = 0
    size_bytes: int = 0


class Recorder:
    """Records sound, pictures or both into one new file.

    Its name says the format: ``.wav`` and ``.ogg`` (Opus) hold sound, ``.mp4``
    (H.264, AAC) and ``.webm`` (VP8, Opus) both.  Sound is 48 kHz and mono.  Pictures
    of any size are fitted into one, upright, with black bars where they leave room.
    A pause, as by a reconnect, is recorded as silence and as a still picture.

    Args:
        path: Of the file.
        size: Width and height of the pictures, in pixels; even, from 16 to 4,096.
        overwrite: Whether a file that is there is replaced.

    Raises:
        InvalidArgumentError: If *path* is no path, its name ends otherwise, or the
            size is out of range.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        size: tuple[int, int] = (1280, 720),
        overwrite: bool = False,
    ) -> None:
        self._path = checked_path(path)
        if self._path.suffix not in _WITH_SOUND:
            names = ", ".join(_WITH_SOUND)
            message = f"a recording's name ends with {names}, not {self._path.name!r}"
            raise InvalidArgumentError(message)
        if not _is_size(size):
            message = (
                f"size must be two even numbers of pixels from {_SMALLEST_PX} to "
                f"{_LARGEST_PX}, not {size!r}"
            )
            raise InvalidArgumentError(message)
        self._size = size
        self._overwrite = overwrite
        self._writer: Writer | None = None
        self._began: float | None = None
        self._sounds: SoundTimeline[AudioFrame] = SoundTimeline()
        self._pictures = PictureTimeline()

    @property
    def path(self) -> Path:
        """Of the file."""
        return self._path

    @property
    def progress(self) -> RecordingProgress:
        """How far it is; the last word once `run` has ended."""
        writer = self._writer
        if writer is None:
            return RecordingProgress()
        return RecordingProgress(
            seconds=max(self._sounds.end, writer.seconds),
            sounds=writer.sounds,
            pictures=writer.pictures,
            size_bytes=writer.size_bytes,
        )

    async def run(
        self,
        *,
        audio: AsyncIterable[AudioFrame] | None = None,
        video: AsyncIterable[VideoFrame] | None = None,
    ) -> RecordingProgress:
        """Record until both have ended; cancelling ends it, too.

        The file is closed on every way out, and can be played.  What comes later
        than it can be encoded is dropped by whoever sends it.

        Args:
            audio: Such as ``session.audio("ana")``.
            video: Such as ``session.video("ana")``.

        Returns:
            What was recorded.

        Raises:
            InvalidArgumentError: If neither is given, or the format has no pictures;
                no file is made.
            FileError: If the file is there already, cannot be written, or the disk is
                full; what was written before is kept.
            UsageError: If it has run before, or PyAV is not installed.
        """
        self._check(audio, video)
        need_av()
        from utd_stream.media._writing import Writer  # noqa: PLC0415 -- needs PyAV

        writer = Writer(self._path, overwrite=self._overwrite)
        self._writer = writer
        worker = Worker("recorder")
        try:
            await worker.do(
                writer.open, audio is not None, None if video is None else self._size
            )
            tasks: list[Coroutine[Any, Any, None]] = []
            if audio is not None:
                tasks.append(self._record_sound(audio, writer, worker))
            if video is not None:
                tasks.append(self._record_pictures(video, writer, worker))
            await _together(tasks)
        finally:
            left = self._sounds.rest()
            await worker.end(lambda: _finish(writer, left))
        return self.progress

    def _check(self, audio: object, video: object) -> None:
        if self._writer is not None:
            message = "a Recorder makes one file; make another one for the next"
            raise UsageError(message)
        if audio is None and video is None:
            message = "give audio=, video= or both; there is nothing to record"
            raise InvalidArgumentError(message)
        if video is not None and self._path.suffix not in _WITH_PICTURES:
            names = " or ".join(_WITH_PICTURES)
            message = (
                f"{self._path.suffix} holds no pictures: name the file {names}, or "
                "leave out video="
            )
            raise InvalidArgumentError(message)

    async def _record_sound(
        self, frames: AsyncIterable[AudioFrame], writer: Writer, worker: Worker
    ) -> None:
        async for frame in frames:
            arrived = self._now(frame.duration)
            if parts := self._sounds.take(frame, frame.duration, arrived):
                await worker.do(writer.write_sound, parts)

    async def _record_pictures(
        self, frames: AsyncIterable[VideoFrame], writer: Writer, worker: Worker
    ) -> None:
        async for frame in frames:
            at = self._pictures.take(frame.at, self._now(0.0), _LEAST)
            await worker.do(writer.write_picture, frame, at)

    def _now(self, lasted: float) -> float:
        """Return the time in the recording; it begins with the first that comes."""
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = now - lasted
        return now - self._began


def _is_size(size: object) -> bool:
    return (
        isinstance(size, tuple)
        and len(cast("tuple[object, ...]", size)) == len(("width", "height"))
        and all(map(_is_side, cast("tuple[object, ...]", size)))
    )


def _is_side(side: object) -> bool:
    is_even = type(side) is int and side % 2 == 0
    return is_even and _SMALLEST_PX <= cast("int", side) <= _LARGEST_PX


def _finish(writer: Writer, left: list[tuple[float, AudioFrame]]) -> None:
    try:
        if left and writer.is_open:
            writer.write_sound(left)
    finally:
        writer.close()


async def _together(works: list[Coroutine[Any, Any, None]]) -> None:
    """Run them; the first that fails ends the others, and is raised as it is."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
