"""What tracks carry."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import attrs

from utd_stream.errors import InvalidArgumentError

if TYPE_CHECKING:
    from typing_extensions import Buffer  # of the standard library from 3.12 on

__all__ = ["AudioFrame"]

_BYTES_PER_SAMPLE = 2
# What holds one byte an item, and signed 16-bit samples in this machine's order or
# said to be little-endian: as `struct` and `memoryview` spell them.
_BYTES = frozenset("Bbc")
_SAMPLES = frozenset({"h", "@h", "=h", "<h"})


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
