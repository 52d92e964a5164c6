"""Writes a media file, piece by piece, in a thread of its own.

Source: traps T54 and T56.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import attrs
import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.filter import Graph
from av.video.stream import VideoStream

from utd_stream.errors import FileError
from utd_stream.media._av import their_picture
from utd_stream.media._paths import reason_of
from utd_stream.models.media import AudioFrame, VideoFrame

__all__ = ["Writer"]

_RATE_HZ = 48_000
_BYTES = 2
_I420 = av.VideoFormat("yuv420p")
_MILLISECOND = Fraction(1, 1000)
_FPS = 30  # what the encoder is told to expect; pictures come when they come
_UPRIGHT = {
    90: (("transpose", "clock"),),
    180: (("hflip", ""), ("vflip", "")),
    270: (("transpose", "cclock"),),
}


@attrs.frozen
class _Format:
    """How a file of one kind is made."""

    name: str
    sound: str
    pictures: str = ""
    options: dict[str, str] = attrs.field(factory=dict[str, str])
    encoder: dict[str, str] = attrs.field(factory=dict[str, str])


_FORMATS = {
    ".wav": _Format("wav", "pcm_s16le"),
    ".ogg": _Format("ogg", "libopus"),
    ".mp4": _Format(
        "mp4",
        "aac",
        "libx264",
        # In pieces while it is written, so that a crash leaves what can be played
        # (T56); one whole in the end.
        options={"movflags": "hybrid_fragmented+delay_moov"},
        # Pictures that look ahead would all be shown later than the sound.
        encoder={"preset": "veryfast", "crf": "23", "bf": "0", "g": "30"},
    ),
    ".webm": _Format(
        "webm",
        "libopus",
        "libvpx",
        encoder={"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "4M"},
    ),
}


class Writer:
    """Writes one file; every method blocks.

    Args:
        path: Of the file; its suffix says the format.
        overwrite: Whether one that is there is replaced.

    Attributes:
        seconds: Where the last picture is shown.
        sounds: How many frames of sound were written.
        pictures: How many pictures.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._path = path
        self._overwrite = overwrite
        self._file: BinaryIO | None = None
        self._container: OutputContainer | None = None
        self._sound: AudioStream | None = None
        self._picture: VideoStream | None = None
        self._to_ours: dict[tuple[int, int], av.AudioResampler] = {}
        self._to_theirs: av.AudioResampler | None = None
        self._samples = 0
        self._size = (0, 0)
        self._fitting: tuple[tuple[int, int, int], Graph] | None = None
        self.seconds = 0.0
        self.sounds = 0
        self.pictures = 0

    @property
    def is_open(self) -> bool:
        """Whether it can be written."""
        return self._container is not None

    @property
    def size_bytes(self) -> int:
        """How much is on the disk."""
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def open(self, has_sound: bool, size: tuple[int, int] | None) -> None:  # noqa: FBT001 -- by position, in a thread
        """Make the file.

        Raises:
            FileError: If it cannot be made, or a codec is missing.
        """
        kind = _FORMATS[self._path.suffix]
        codecs = [kind.sound] * has_sound + [kind.pictures] * (size is not None)
        for codec in codecs:
            if codec not in av.codecs_available:
                message = (
                    f"this PyAV has no encoder {codec}, which {self._path.suffix} "
                    "needs; choose another format"
                )
                raise FileError(message)
        try:
            self._file = self._path.open("wb" if self._overwrite else "xb")
        except FileExistsError as error:
            message = (
                f"{self._path} is there already: choose another name, or say "
                "overwrite=True"
            )
            raise FileError(message) from error
        except (OSError, ValueError) as error:
            message = f"{self._path} cannot be written: {reason_of(error)}"
            raise FileError(message) from error
        file = self._file
        self._guarded(lambda: self._begin(file, kind, has_sound, size))

    def write_sound(self, parts: list[tuple[float, AudioFrame]]) -> None:
        """Write frames, each after so many seconds of silence.

        Raises:
            FileError: If the disk is full, or the file cannot be written.
        """
        for pause, frame in parts:
            silence = round(pause * _RATE_HZ)
            while silence > 0:  # an hour of it is not held in memory
                self._encode_sound(bytes(min(silence, _RATE_HZ) * _BYTES))
                silence -= _RATE_HZ
            self._encode_sound(self._resampled(frame))
            self.sounds += 1

    def write_picture(self, frame: VideoFrame, at: float) -> None:
        """Write a picture to be shown *at*.

        Raises:
            FileError: Likewise.
        """
        assert self._picture is not None  # noqa: S101 -- asked for
        made = self._fitted(frame)
        made.pts, made.time_base = round(at * 1000), _MILLISECOND
        made.pict_type = 0
        stream = self._picture
        self._guarded(lambda: self._mux(stream, made))
        self.seconds = at
        self.pictures += 1

    def close(self) -> None:
        """Write what is held back, and close the file; it need not be open.

        Raises:
            FileError: If the disk is full; what was written before is kept.
        """
        container, file = self._container, self._file
        try:
            if container is not None:
                self._guarded(self._flush)
        finally:
            self._container, self._file = None, None
            try:
                if container is not None:
                    self._guarded(container.close)
            finally:
                if file is not None:
                    self._guarded(file.close)

    def _begin(
        self,
        file: BinaryIO,
        kind: _Format,
        has_sound: bool,  # noqa: FBT001 -- as `open` has it
        size: tuple[int, int] | None,
    ) -> None:
        container = av.open(file, "w", format=kind.name, options=kind.options)
        self._container = container
        if has_sound:
            self._sound = _sound_stream(container, kind)
        if size is not None:
            self._picture = _picture_stream(container, kind, size)
            self._size = size
        container.start_encoding()

    def _flush(self) -> None:
        if self._sound is not None:
            if self._to_theirs is not None:
                for made in self._to_theirs.resample(None):
                    self._mux(self._sound, made)
            self._mux(self._sound, None)
        if self._picture is not None:
            self._mux(self._picture, None)

    def _resampled(self, frame: AudioFrame) -> bytes:
        kind = frame.sample_rate_hz, frame.channels
        if kind == (_RATE_HZ, 1):
            return frame.samples
        if kind not in self._to_ours:
            self._to_ours[kind] = av.AudioResampler("s16", "mono", _RATE_HZ)
        given = _their_sound(frame.samples, *kind)
        made = self._to_ours[kind].resample(given)
        return b"".join(bytes(m.planes[0])[: m.samples * _BYTES] for m in made)

    def _encode_sound(self, samples: bytes) -> None:
        stream = self._sound
        assert stream is not None  # noqa: S101 -- asked for
        if not samples:
            return  # a resampler keeps the first of it
        context = stream.codec_context
        if self._to_theirs is None:
            self._to_theirs = av.AudioResampler(
                context.format, "mono", _RATE_HZ, context.frame_size or None
            )
        given = _their_sound(samples, _RATE_HZ, 1)
        given.pts, given.time_base = self._samples, Fraction(1, _RATE_HZ)
        self._samples += given.samples
        for made in self._to_theirs.resample(given):
            self._guarded(lambda made=made: self._mux(stream, made))  # type: ignore[misc]  # bound at once

    def _mux(
        self,
        stream: AudioStream | VideoStream,
        frame: av.AudioFrame | av.VideoFrame | None,
    ) -> None:
        assert self._container is not None  # noqa: S101 -- open
        self._container.mux(stream.encode(frame))  # type: ignore[arg-type]  # of its kind

    def _fitted(self, frame: VideoFrame) -> av.VideoFrame:
        made = their_picture(frame)
        given = frame.width_px, frame.height_px, frame.rotation
        if given == (*self._size, 0):
            return made
        if self._fitting is None or self._fitting[0] != given:
            self._fitting = given, _graph(given, self._size)
        graph = self._fitting[1]
        graph.push(made)
        fitted = graph.pull()
        assert isinstance(fitted, av.VideoFrame)  # noqa: S101 -- of that graph
        return fitted

    def _guarded(self, write: Callable[[], object]) -> None:
        try:
            write()
        except (FFmpegError, OSError, ValueError) as error:
            message = f"{self._path} cannot be written any more: {reason_of(error)}"
            raise FileError(message) from error


# PyAV leaves the options of a stream open; pyright calls them unknown.


def _sound_stream(container: OutputContainer, kind: _Format) -> AudioStream:
    stream = container.add_stream(kind.sound, rate=_RATE_HZ, layout="mono")  # pyright: ignore[reportUnknownMemberType]
    assert isinstance(stream, AudioStream)  # noqa: S101 -- of that codec
    return stream


def _picture_stream(
    container: OutputContainer, kind: _Format, size: tuple[int, int]
) -> VideoStream:
    stream = container.add_stream(kind.pictures, rate=_FPS, options=kind.encoder)  # pyright: ignore[reportUnknownMemberType]
    assert isinstance(stream, VideoStream)  # noqa: S101 -- of that codec
    stream.width, stream.height = size
    stream.pix_fmt = _I420.name
    stream.codec_context.time_base = _MILLISECOND
    return stream


def _their_sound(samples: bytes, rate_hz: int, channels: int) -> av.AudioFrame:
    layout = "mono" if channels == 1 else "stereo"
    frame = av.AudioFrame("s16", layout, len(samples) // _BYTES // channels)
    frame.planes[0].update(samples.ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate = rate_hz
    return frame


def _graph(given: tuple[int, int, int], size: tuple[int, int]) -> Graph:
    """Return what turns pictures upright and fits them into *size*."""
    width, height, turn = given
    wide, high = size
    fit = f"{wide}:{high}:force_original_aspect_ratio=decrease:force_divisible_by=2"
    steps = [
        *_UPRIGHT.get(turn, ()),
        ("scale", fit),
        ("pad", f"{wide}:{high}:-1:-1"),
        ("setsar", "1"),
    ]
    graph = Graph()
    last = graph.add_buffer(
        width=width, height=height, format=_I420, time_base=_MILLISECOND
    )
    for name, arguments in steps:
        node = graph.add(name, arguments)
        last.link_to(node)
        last = node
    last.link_to(graph.add("buffersink"))
    graph.configure()
    return graph
