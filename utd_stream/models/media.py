"""What tracks carry."""

from __future__ import annotations

import math
import sys
from enum import Enum
from typing import TYPE_CHECKING

import attrs

from utd_stream.errors import InvalidArgumentError

if TYPE_CHECKING:
    from typing_extensions import Buffer  # of the standard library from 3.12 on

__all__ = ["AudioFrame", "VideoFrame", "VideoQuality"]

_BYTES_PER_SAMPLE = 2
# What holds one byte an item, and signed 16-bit samples in this machine's order or
# said to be little-endian: as `struct` and `memoryview` spell them.
_BYTES = frozenset("Bbc")
_SAMPLES = frozenset({"h", "@h", "=h", "<h"})
_LONGEST_PX = 8_192
_TURNS = (0, 90, 180, 270)


class VideoQuality(Enum):
    """How sharp a video is wanted, where its publisher sends it in several sizes."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


def _size(samples: bytes) -> str:
    return f"<{len(samples)} bytes>"


def _as_bytes(samples: Buffer) -> bytes:
    if type(samples) is bytes:
        return samples
    try:
        view = memoryview(samples)
    except TypeError:
        message = (
            "samples must be bytes, or 16-bit signed integers such as array('h') "
            f"and numpy's int16, not {type(samples).__name__}"
        )
        raise InvalidArgumentError(message) from None
    except (ValueError, BufferError) as error:  # released, closed, or never readable
        message = f"samples cannot be read: {error}; give bytes that nobody has closed"
        raise InvalidArgumentError(message) from error
    if view.format not in _BYTES | _SAMPLES:
        message = (
            f"samples must be 16-bit signed integers, not items of format "
            f"{view.format!r}; convert them, with numpy by .astype('<i2')"
        )
        raise InvalidArgumentError(message)
    taken = view.tobytes()
    if sys.byteorder == "big" and view.format in _SAMPLES - {"<h"}:
        return _swapped(taken)
    return taken


def _as_picture(data: Buffer) -> bytes:
    if type(data) is bytes:
        return data
    try:
        view = memoryview(data)
    except (TypeError, ValueError, BufferError) as error:
        message = f"data must be bytes that nobody has closed: {error}"
        raise InvalidArgumentError(message) from None
    if view.format not in _BYTES:
        message = (
            f"data must be bytes, not items of format {view.format!r}; convert "
            "them, with numpy by .astype('u1')"
        )
        raise InvalidArgumentError(message)
    return view.tobytes()


def _swapped(samples: bytes) -> bytes:
    turned = bytearray(samples)
    turned[::2], turned[1::2] = samples[1::2], samples[::2]
    return bytes(turned)


def _whole_samples(
    instance: AudioFrame, attribute: attrs.Attribute[int], value: int
) -> None:
    if len(instance.samples) % (_BYTES_PER_SAMPLE * value):
        message = "samples must hold whole 16-bit samples of every channel"
        raise InvalidArgumentError(message)


def _rate(instance: object, attribute: attrs.Attribute[int], value: object) -> None:
    if type(value) is not int or value <= 0:
        message = f"sample_rate_hz must be a whole number above 0, not {value!r}"
        raise InvalidArgumentError(message)


def _mono_or_stereo(
    instance: object, attribute: attrs.Attribute[int], value: object
) -> None:
    if type(value) is not int or value not in (1, 2):
        message = f"channels must be 1 or 2, not {value!r}"
        raise InvalidArgumentError(message)


@attrs.frozen(kw_only=True)
class AudioFrame:
    """A stretch of sound.

    Attributes:
        samples: 16-bit signed little-endian samples, channels interleaved;
            ``numpy.frombuffer(frame.samples, "<i2")`` reads them.
        sample_rate_hz: Samples per second and channel.
        channels: 1 mono, 2 stereo.

    Anything that holds bytes or 16-bit signed integers is taken as samples and
    copied: `bytearray`, `memoryview`, ``array("h")``, numpy's ``int16``.

    Raises:
        InvalidArgumentError: If the samples are anything else or no whole ones, or
            rate or channels are out of range.
    """

    samples: bytes = attrs.field(repr=_size, converter=_as_bytes)
    sample_rate_hz: int = attrs.field(default=48_000, validator=_rate)
    channels: int = attrs.field(default=1, validator=[_mono_or_stereo, _whole_samples])

    @property
    def samples_per_channel(self) -> int:
        """How many samples each channel has."""
        return len(self.samples) // _BYTES_PER_SAMPLE // self.channels

    @property
    def duration(self) -> float:
        """How long it lasts, in seconds."""
        return self.samples_per_channel / self.sample_rate_hz


def _even(instance: object, attribute: attrs.Attribute[int], value: object) -> None:
    if type(value) is not int or not 0 < value <= _LONGEST_PX or value % 2:
        message = (
            f"{attribute.name} must be an even number of pixels from 2 to "
            f"{_LONGEST_PX}, not {value!r}"
        )
        raise InvalidArgumentError(message)


def _turn(instance: object, attribute: attrs.Attribute[int], value: object) -> None:
    if type(value) is not int or value not in _TURNS:
        message = f"rotation must be 0, 90, 180 or 270 degrees, not {value!r}"
        raise InvalidArgumentError(message)


def _time(instance: object, attribute: attrs.Attribute[float], value: object) -> None:
    if not isinstance(value, int | float) or not 0 <= value < math.inf:
        message = f"at must be a number of seconds from 0 on, not {value!r}"
        raise InvalidArgumentError(message)


def _whole_picture(
    instance: VideoFrame, attribute: attrs.Attribute[bytes], value: bytes
) -> None:
    wanted = instance.width_px * instance.height_px * 3 // 2
    if len(value) != wanted:
        message = (
            f"data must be {wanted} bytes for {instance.width_px} by "
            f"{instance.height_px} pixels of I420, not {len(value)}"
        )
        raise InvalidArgumentError(message)


@attrs.frozen(kw_only=True)
class VideoFrame:
    """One picture: I420, its three planes one after the other, without padding.

    A plane of brightness, of one byte a pixel, comes first; then one of blueness
    and one of redness, of one byte for four pixels each.

    Attributes:
        data: ``width_px * height_px * 3 // 2`` bytes.
        width_px: Its width; even.
        height_px: Its height; even.
        at: When it was taken, in seconds since the first one of its stream.
        rotation: By how many degrees it is turned clockwise to be shown: 0, 90,
            180 or 270.

    Anything that holds bytes is taken as data and copied: `bytearray`,
    `memoryview`, numpy's ``uint8``.

    Raises:
        InvalidArgumentError: If there are too few bytes or too many, or another
            argument is out of range.
    """

    width_px: int = attrs.field(validator=_even)
    height_px: int = attrs.field(validator=_even)
    data: bytes = attrs.field(
        repr=_size, converter=_as_picture, validator=_whole_picture
    )
    at: float = attrs.field(default=0.0, validator=_time)
    rotation: int = attrs.field(default=0, validator=_turn)
