"""Pictures that say which they are, so that a test can read them back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import ClassVar

import attrs

from utd_stream.errors import InvalidArgumentError
from utd_stream.models.media import VideoFrame

__all__ = ["TestPattern", "read_pattern"]

# The upper quarter is a row of fields, white for one: the number of the picture,
# then a sum that a blank picture has not.
_NUMBER_BITS = 16
_SUM_BITS = 4
_FIELDS = _NUMBER_BITS + _SUM_BITS
_NUMBERS = 1 << _NUMBER_BITS
_BLACK, _GRAY, _WHITE = 16, 128, 235
_DIMMEST, _BRIGHTEST = 60, 180
# Fields of fewer pixels would not outlive a codec.
_SMALLEST_PX = 80
_LARGEST_PX = 4_096
_STEP_PX = 4
_FASTEST = 120


def _side(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    is_whole = type(value) is int
    if not is_whole or value % 2 or not _SMALLEST_PX <= value <= _LARGEST_PX:
        message = (
            f"{attribute.name} must be an even number of pixels from {_SMALLEST_PX} "
            f"to {_LARGEST_PX}, not {value!r}"
        )
        raise InvalidArgumentError(message)


def _rate(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 < value <= _FASTEST:
        message = f"fps must be above 0 and at most {_FASTEST}, not {value!r}"
        raise InvalidArgumentError(message)


@attrs.frozen
class TestPattern:
    """A moving picture whose frames are numbered: `read_pattern` tells which it is.

    The number stands in the upper quarter, as white and black fields; below, a
    slope moves to the left.

    Attributes:
        width_px: Its width; even, from 80 to 4,096.
        height_px: Its height; likewise.
        fps: Frames a second; above 0, at most 120.

    Raises:
        InvalidArgumentError: If one of them is out of range.
    """

    __test__: ClassVar[bool] = False  # no test, whatever pytest makes of its name

    width_px: int = attrs.field(default=640, validator=_side)
    height_px: int = attrs.field(default=360, validator=_side)
    fps: float = attrs.field(default=30.0, validator=_rate)

    async def open(self) -> AsyncIterator[VideoFrame]:
        """Yield frames for as long as they are asked for, each with its time."""
        for frame in self._frames():
            yield frame

    def _frames(self) -> Iterator[VideoFrame]:
        width, height = self.width_px, self.height_px
        band = height // 4
        span = _BRIGHTEST - _DIMMEST
        slope = bytes(_DIMMEST + span * x // width for x in range(width)) * 2
        colors = bytes([_GRAY]) * (width * height // 2)
        number = 0
        while True:
            moved = number * _STEP_PX % width
            data = b"".join(
                (
                    _fields(number % _NUMBERS, width) * band,
                    slope[moved : moved + width] * (height - band),
                    colors,
                )
            )
            yield VideoFrame(
                data=data, width_px=width, height_px=height, at=number / self.fps
            )
            number += 1


def read_pattern(frame: VideoFrame) -> int | None:
    """Return the number of a frame of a `TestPattern`, from 0 to 65,535.

    It may have been compressed and made smaller on its way.

    Returns:
        The number; None if the picture is of something else, or cannot be read.
    """
    read = 0
    for field in range(_FIELDS):
        read = read << 1 | (_brightness(frame, field) > _GRAY)
    number, told = read >> _SUM_BITS, read & ((1 << _SUM_BITS) - 1)
    return number if told == _sum(number) else None


def _fields(number: int, width: int) -> bytes:
    """Return one line of pixels that says *number*."""
    said = number << _SUM_BITS | _sum(number)
    edges = [_edge(field, width) for field in range(_FIELDS + 1)]
    return b"".join(
        bytes([_WHITE if said >> (_FIELDS - 1 - field) & 1 else _BLACK])
        * (edges[field + 1] - edges[field])
        for field in range(_FIELDS)
    )


def _brightness(frame: VideoFrame, field: int) -> float:
    """Return how bright the middle of a field is."""
    width, band = frame.width_px, frame.height_px // 4
    left, right = _edge(field, width), _edge(field + 1, width)
    margin = (right - left) // 4
    seen = b"".join(
        frame.data[y * width + left + margin : y * width + right - margin]
        for y in range(band // 4, max(band // 4 + 1, band - band // 4))
    )
    return sum(seen) / max(1, len(seen))


def _edge(field: int, width: int) -> int:
    return field * width // _FIELDS


def _sum(number: int) -> int:
    total = number ^ number >> 4 ^ number >> 8 ^ number >> 12
    return ~total & ((1 << _SUM_BITS) - 1)
