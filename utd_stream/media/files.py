"""A media file as sources of sound and of pictures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import attrs

from utd_stream.media._extras import need_av
from utd_stream.media._paths import checked_path
from utd_stream.media._worker import Worker
from utd_stream.models.media import AudioFrame, VideoFrame

if TYPE_CHECKING:
    from utd_stream.media._reading import Picture, Reader, Sound

__all__ = ["FileAudio", "FileSource", "FileVideo"]

_P = TypeVar("_P", "Sound", "Picture")


class _Playback:
    """Where a file is played, so that its sound and its pictures stay together."""

    def __init__(self) -> None:
        self._open = 0
        # The loop's time at which the file began, or would have.
        self._began: float | None = None

    def open(self) -> float:
        """Count a source in; return where it is to begin, in seconds."""
        self._open += 1
        now = asyncio.get_running_loop().time()
        return 0.0 if self._began is None else now - self._began

    def start(self, at: float) -> float:
        """Take that somebody plays at *at*; return by how much that is late."""
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = now - at
        return max(now - self._began - at, 0.0)

    def close(self) -> None:
        """Count a source out; with the last one the file begins anew."""
        self._open -= 1
        if not self._open:
            self._began = None


async def _played(
    reader: Reader[_P], playback: _Playback
) -> AsyncGenerator[tuple[_P, float], None]:
    """Yield each piece from where the file is played, and its time since the first."""
    worker = Worker("media file")
    begin, first, late = playback.open(), None, 0.0
    try:
        await worker.do(reader.open, begin)
        while pieces := await worker.do(reader.read):
            for piece in pieces:
                if first is None:
                    first = piece.at
                    yield piece, 0.0
                    # It waited until it was published, and the other played on.
                    late = playback.start(first)
                elif piece.at >= first + late:
                    yield piece, piece.at - first - late
    finally:
        playback.close()
        await worker.end(reader.close)


@attrs.frozen
class FileAudio:
    """The sound of a `FileSource`, made 48 kHz and mono."""

    path: Path
    _playback: _Playback = attrs.field(factory=_Playback, eq=False, repr=False)

    async def open(self) -> AsyncIterator[AudioFrame]:
        """Yield frames until the file's end.

        Raises:
            FileError: If it cannot be read, is no media file, or has no sound.
            UsageError: If PyAV is not installed.
        """
        need_av()
        from utd_stream.media._reading import SoundReader  # noqa: PLC0415 -- needs PyAV

        reader = SoundReader(self.path)
        async with aclosing(_played(reader, self._playback)) as pieces:
            async for sound, _ in pieces:
                yield AudioFrame(samples=sound.samples)


@attrs.frozen
class FileVideo:
    """The pictures of a `FileSource`."""

    path: Path
    _playback: _Playback = attrs.field(factory=_Playback, eq=False, repr=False)

    async def open(self) -> AsyncIterator[VideoFrame]:
        """Yield frames until the file's end.

        Raises:
            FileError: If it cannot be read, is no media file, or has no pictures.
            UsageError: If PyAV is not installed.
        """
        need_av()
        from utd_stream.media._reading import PictureReader  # noqa: PLC0415 -- likewise

        reader = PictureReader(self.path)
        async with aclosing(_played(reader, self._playback)) as pieces:
            async for picture, at in pieces:
                yield attrs.evolve(picture.frame, at=at)


@attrs.frozen
class FileSource:
    """A media file; its sound and its pictures are a source each.

    It is not looked at before one of them is opened.  Opened while the other one
    plays, a source begins where that is, so that lips and voice stay together.
    Its formats are mp4 and mov, mkv and webm, wav, ogg, mp3, flac, aac, avi and ts;
    a file that names other files, such as a playlist, is refused.

    Attributes:
        path: Of the file.

    Raises:
        InvalidArgumentError: If *path* is no path.
    """

    path: Path = attrs.field(converter=checked_path)
    audio: FileAudio = attrs.field(init=False, eq=False, repr=False)
    video: FileVideo = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        playback = _Playback()
        object.__setattr__(self, "audio", FileAudio(self.path, playback))
        object.__setattr__(self, "video", FileVideo(self.path, playback))
