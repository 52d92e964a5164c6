"""Sounds that need no file and no device."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import AsyncIterator

import attrs

from utd_stream.errors import InvalidArgumentError
from utd_stream.models.media import AudioFrame

__all__ = ["Silence", "Tone"]

_RATE_HZ = 48_000
_SAMPLES = 480  # 10 ms
_NYQUIST_HZ = _RATE_HZ / 2
_LOUDEST = 32_767


def _audible(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 < value < _NYQUIST_HZ:
        message = f"hz must be above 0 and below 24000, not {value}"
        raise InvalidArgumentError(message)


def _in_range(
    instance: object, attribute: attrs.Attribute[float], value: float
) -> None:
    if not 0 <= value <= 1:
        message = f"amplitude must be 0 to 1, not {value}"
        raise InvalidArgumentError(message)


@attrs.frozen
class Silence:
    """No sound at all, as frames of 10 ms, 48 kHz, mono."""

    async def open(self) -> AsyncIterator[AudioFrame]:
        """Yield frames for as long as they are asked for."""
        frame = AudioFrame(samples=bytes(2 * _SAMPLES))
        while True:
            yield frame


@attrs.frozen
class Tone:
    """One pure tone, as frames of 10 ms, 48 kHz, mono.

    Attributes:
        hz: Its frequency; above 0 and below 24,000.
        amplitude: Its height, 0 silent to 1 loudest.

    Raises:
        InvalidArgumentError: If one of them is out of range.
    """

    hz: float = attrs.field(validator=_audible)
    amplitude: float = attrs.field(default=0.3, validator=_in_range)

    async def open(self) -> AsyncIterator[AudioFrame]:
        """Yield frames for as long as they are asked for; the phase runs on."""
        turns_per_sample = self.hz / _RATE_HZ
        height = self.amplitude * _LOUDEST
        turns = 0.0
        while True:
            samples = array(
                "h",
                (
                    round(height * math.sin(math.tau * (turns + n * turns_per_sample)))
                    for n in range(_SAMPLES)
                ),
            )
            if sys.byteorder == "big":
                samples.byteswap()
            yield AudioFrame(samples=samples.tobytes())
            # Kept in [0, 1): large angles would lose precision within hours.
            turns = math.fmod(turns + _SAMPLES * turns_per_sample, 1.0)
