"""What tracks carry."""

from __future__ import annotations

import attrs

__all__ = ["AudioFrame"]

_BYTES_PER_SAMPLE = 2


def _size(samples: bytes) -> str:
    return f"<{len(samples)} bytes>"


def _whole_samples(
    instance: AudioFrame, attribute: attrs.Attribute[bytes], value: bytes
) -> None:
    if len(value) % (_BYTES_PER_SAMPLE * max(instance.channels, 1)):
        message = "samples must hold whole 16-bit samples of every channel"
        raise ValueError(message)


@attrs.frozen(kw_only=True)
class AudioFrame:
    """A stretch of sound.

    Attributes:
        samples: 16-bit signed little-endian samples, channels interleaved;
            ``numpy.frombuffer(frame.samples, "<i2")`` reads them.
        sample_rate_hz: Samples per second and channel.
        channels: 1 mono, 2 stereo.
    """

    samples: bytes = attrs.field(repr=_size, validator=_whole_samples)
    sample_rate_hz: int = attrs.field(default=48_000, validator=attrs.validators.gt(0))
    channels: int = attrs.field(default=1, validator=attrs.validators.in_((1, 2)))

    @property
    def samples_per_channel(self) -> int:
        """How many samples each channel has."""
        return len(self.samples) // _BYTES_PER_SAMPLE // self.channels

    @property
    def duration(self) -> float:
        """How long it lasts, in seconds."""
        return self.samples_per_channel / self.sample_rate_hz
