"""Which tone is in a sound, by Goertzel's algorithm."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import AsyncIterator, Sequence

from utd_stream.models import AudioFrame

__all__ = ["hear_tones", "tone_in"]

# 48 kHz is far more than a voice's tones need, and each sample costs.
_EVERY = 12
_SECONDS = 0.3
_COARSE_HZ = 10
_RANGE_HZ = range(100, 1_500, _COARSE_HZ)
# Softer than this (of 32,767) is no tone but what a codec makes of silence.
_QUIET = 1_000
# Of the power of all that is heard, so much must be in the tone.
_PURE = 0.5


async def hear_tones(frames: AsyncIterator[AudioFrame]) -> AsyncIterator[int | None]:
    """Measure what *frames* carry, 0.3 s at a time, each from its first sound on.

    Yields:
        The frequency in hertz, or None for a sound that is no tone.
    """
    heard = array("h")
    async for frame in frames:
        samples = array("h", frame.samples)
        if sys.byteorder == "big":
            samples.byteswap()
        if heard or max(map(abs, samples), default=0) > _QUIET:
            heard += samples
        if len(heard) >= _SECONDS * frame.sample_rate_hz:
            yield tone_in(heard, frame.sample_rate_hz)
            heard = array("h")


def tone_in(samples: Sequence[int], rate_hz: float) -> int | None:
    """Return the frequency, in hertz, that most of *samples* is made of, or None."""
    few = [
        sum(samples[at : at + _EVERY]) / _EVERY
        for at in range(0, len(samples) - _EVERY + 1, _EVERY)
    ]
    rate_hz /= _EVERY
    if not few:
        return None
    near = max(_RANGE_HZ, key=lambda hz: _power(few, hz / rate_hz))
    around = range(near - _COARSE_HZ, near + _COARSE_HZ + 1)
    best = max(around, key=lambda hz: _power(few, hz / rate_hz))
    everything = sum(sample * sample for sample in few) / len(few)
    return best if _power(few, best / rate_hz) > _PURE * everything > 0 else None


def _power(samples: Sequence[float], turns_per_sample: float) -> float:
    """Mean square of that part of *samples* which has one frequency."""
    twice_cosine = 2 * math.cos(math.tau * turns_per_sample)
    last = before = 0.0
    for sample in samples:
        last, before = sample + twice_cosine * last - before, last
    square = last * last + before * before - twice_cosine * last * before
    return 2 * square / len(samples) ** 2
