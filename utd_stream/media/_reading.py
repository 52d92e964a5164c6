"""Reads a media file, piece by piece, in a thread of its own.

Source: traps T54 and T55.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeAlias, TypeVar

import attrs
import av
from av.container import InputContainer
from av.error import FFmpegError
from av.subtitles.subtitle import SubtitleSet

from utd_stream.errors import FileError
from utd_stream.media._av import our_picture
from utd_stream.media._paths import reason_of
from utd_stream.models.media import VideoFrame

__all__ = ["Picture", "PictureReader", "Reader", "Sound", "SoundReader"]

_P = TypeVar("_P", "Sound", "Picture")

_Decoded: TypeAlias = av.AudioFrame | av.VideoFrame | SubtitleSet
RATE_HZ = 48_000
_BYTES = 2
# A file of any other format might name files, and FFmpeg would read them (T55).
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska,webm",
    "wav",
    "ogg",
    "mp3",
    "flac",
    "aac",
    "avi",
    "mpegts",
)
# How much is decoded at once, in seconds and in pictures.
_MOST_SECONDS = 0.2
_MOST_PICTURES = 4
# A jump shorter than this is decoded and thrown away, in seconds.
_SHORT_JUMP = 2.0


@attrs.frozen
class Sound:
    """Samples, and when they are played, in seconds from the file's beginning."""

    samples: bytes
    at: float


@attrs.frozen
class Picture:
    """A picture, and when it is shown."""

    frame: VideoFrame
    at: float


class Reader(ABC, Generic[_P]):
    """Reads one stream of one file; every method blocks.

    Args:
        path: Of the file.
    """

    kind = ""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._container: InputContainer | None = None
        self._frames: Iterator[_Decoded] = iter(())
        self._began = 0.0
        self._begin = 0.0
        self._at = 0.0
        self._failure: FileError | None = None

    def open(self, begin: float) -> None:
        """Open the file and go to *begin*, in seconds.

        Raises:
            FileError: If it cannot be read, or has nothing of the kind.
        """
        try:
            self._file = self._path.open("rb")
        except (OSError, ValueError) as error:
            message = f"{self._path} cannot be read: {reason_of(error)}"
            raise FileError(message) from error
        whitelist = {"format_whitelist": ",".join(_FORMATS)}
        try:
            container = av.open(
                self._file, "r", options=whitelist, io_open=_refuse_other
            )
        except (FFmpegError, OSError, ValueError) as error:
            message = (
                f"{self._path} is no media file that can be played, or was not "
                f"closed: {reason_of(error)}"
            )
            raise FileError(message) from error
        self._container = container
        streams = [each for each in container.streams if each.type == self.kind]
        if not streams:
            kinds = sorted({stream.type for stream in container.streams})
            has = " and ".join(kinds) or "nothing"
            message = f"{self._path} has no {self.kind}, only {has}"
            raise FileError(message)
        self._began = (container.start_time or 0) / av.time_base
        self._begin = begin
        if begin > _SHORT_JUMP:
            container.seek(round((begin + self._began) * av.time_base))
        self._frames = container.decode(streams[0])

    def read(self) -> list[_P]:
        """Return the next pieces; none at the end.

        Raises:
            FileError: If the file is damaged from here on.
        """
        if self._failure is not None:
            raise self._failure
        pieces: list[_P] = []
        try:
            while not self._is_enough(pieces):
                frame = next(self._frames, None)
                pieces += [p for p in self._pieces(frame) if p.at >= self._begin]
                if frame is None:
                    break
        except (FFmpegError, OSError, ValueError) as error:
            message = f"{self._path} is damaged at {self._at:.1f} s: {reason_of(error)}"
            self._failure = FileError(message)
            self._failure.__cause__ = error
            if not pieces:
                raise self._failure from error
        return pieces

    def close(self) -> None:
        """Let go of the file; it need not be open."""
        container, self._container = self._container, None
        file, self._file = self._file, None
        self._frames = iter(())
        try:
            if container is not None:
                container.close()
        finally:
            if file is not None:
                file.close()

    def _time(self, frame: av.AudioFrame | av.VideoFrame) -> float:
        if frame.time is not None:
            self._at = max(frame.time - self._began, self._at)
        return self._at

    @abstractmethod
    def _is_enough(self, pieces: list[_P]) -> bool:
        """Whether so much is read at once."""

    @abstractmethod
    def _pieces(self, frame: _Decoded | None) -> list[_P]:
        """Return what a decoded frame holds; of None what is left."""


class SoundReader(Reader[Sound]):
    """Reads the first stream of sound."""

    kind = "audio"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        self._samples: int | None = None

    def _is_enough(self, pieces: list[Sound]) -> bool:
        read = sum(len(piece.samples) for piece in pieces)
        return read >= _MOST_SECONDS * RATE_HZ * _BYTES

    def _pieces(self, frame: _Decoded | None) -> list[Sound]:
        assert frame is None or isinstance(frame, av.AudioFrame)  # noqa: S101 -- of its stream
        if self._samples is None:
            if frame is None:
                return []
            self._samples = round(self._time(frame) * RATE_HZ)
        pieces: list[Sound] = []
        # At the end the resampler gives back what it has kept (T54).
        for made in self._resampler.resample(frame):
            self._at = self._samples / RATE_HZ
            samples = bytes(made.planes[0])[: made.samples * _BYTES]
            pieces.append(Sound(samples, self._at))
            self._samples += made.samples
        return pieces


class PictureReader(Reader[Picture]):
    """Reads the first stream of pictures."""

    kind = "video"

    def _is_enough(self, pieces: list[Picture]) -> bool:
        return len(pieces) >= _MOST_PICTURES

    def _pieces(self, frame: _Decoded | None) -> list[Picture]:
        if frame is None:
            return []
        assert isinstance(frame, av.VideoFrame)  # noqa: S101 -- of its stream
        at = self._time(frame)
        return [Picture(our_picture(frame, at), at)]


def _refuse_other(url: str, flags: int, options: Any) -> Any:
    message = f"a media file that names another one is not played: {url}"
    raise PermissionError(message)
