"""Pictures as PyAV has them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

import av
from av.video.codeccontext import VideoCodecContext
from av.video.plane import VideoPlane

from utd_stream.models.media import VideoFrame

__all__ = ["encoded", "our_picture", "their_picture"]

_FORMAT = "yuv420p"


def our_picture(frame: av.VideoFrame, at: float) -> VideoFrame:
    """Return a decoded picture as one of ours; odd sides lose a pixel."""
    width, height = frame.width - frame.width % 2, frame.height - frame.height % 2
    if (frame.format.name, frame.width, frame.height) != (_FORMAT, width, height):
        frame = frame.reformat(width=width, height=height, format=_FORMAT)
    return VideoFrame(
        data=b"".join(map(_tight, frame.planes)),
        width_px=width,
        height_px=height,
        at=max(at, 0.0),
        # FFmpeg's turns are counterclockwise.
        rotation=-round(frame.rotation / 90) * 90 % 360,
    )


def their_picture(frame: VideoFrame) -> av.VideoFrame:
    """Return one of our pictures as PyAV has them."""
    made = av.VideoFrame(frame.width_px, frame.height_px, _FORMAT)
    start = 0
    for plane in made.planes:
        wide, high, line = plane.width, plane.height, plane.line_size
        given = frame.data[start : start + wide * high]
        if line != wide:  # lines are padded (T54)
            pad = bytes(line - wide)
            rows = (given[y * wide : (y + 1) * wide] for y in range(high))
            given = b"".join(row + pad for row in rows)
        plane.update(given.ljust(plane.buffer_size, b"\0"))
        start += wide * high
    return made


def encoded(frame: VideoFrame, codec: str, pixels: str) -> bytes:
    """Return a picture encoded by itself, in pixels of that kind."""
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, VideoCodecContext)  # noqa: S101 -- of that codec
    context.width, context.height = frame.width_px, frame.height_px
    context.pix_fmt, context.time_base = pixels, Fraction(1, 1)
    made = their_picture(frame).reformat(format=pixels)
    # PyAV leaves open what a packet is of; pyright calls it unknown.
    encode = cast("Any", context).encode
    return b"".join(map(bytes, [*encode(made), *encode(None)]))


def _tight(plane: VideoPlane) -> bytes:
    wide, high, line = plane.width, plane.height, plane.line_size
    data = bytes(plane)
    if line == wide:
        return data[: wide * high]
    return b"".join(data[y * line : y * line + wide] for y in range(high))
