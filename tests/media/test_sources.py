"""The sounds that need no file and no device."""

from __future__ import annotations

from contextlib import aclosing
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.errors import InvalidArgumentError
from utd_stream.media import Silence, Tone
from utd_stream.models import AudioFrame
from utd_stream.ports import AudioSource


async def frames_of(source: AudioSource, count: int) -> list[AudioFrame]:
    """The first frames of *source*."""
    taken: list[AudioFrame] = []
    # The port promises an iterator; those of this package are generators.
    async with aclosing(source.open()) as frames:  # type: ignore[type-var]  # see above
        async for frame in frames:
            taken.append(frame)
            if len(taken) == count:
                break
    return taken


def samples_of(frames: list[AudioFrame]) -> npt.NDArray[np.int16]:
    """All samples, one after the other."""
    return np.frombuffer(b"".join(each.samples for each in frames), "<i2")


@pytest.mark.parametrize("source", [Silence(), Tone(440)], ids=["silence", "tone"])
async def test_frames_are_ten_milliseconds_of_48_khz_mono(source: AudioSource) -> None:
    """Every frame has the one shape that publications are fed with."""
    for frame in await frames_of(source, 3):
        assert (frame.duration, frame.sample_rate_hz, frame.channels) == (
            0.01,
            48_000,
            1,
        )


async def test_silence_is_silent() -> None:
    """Silence has no sample other than zero."""
    assert not samples_of(await frames_of(Silence(), 5)).any()


@pytest.mark.parametrize("hz", [20, 440.5, 1000, 15_000])
async def test_tone_has_its_frequency(hz: float) -> None:
    """The strongest frequency of a tone is the one asked for."""
    samples = samples_of(await frames_of(Tone(hz), 200)).astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    strongest = np.fft.rfftfreq(len(samples), 1 / 48_000)[spectrum.argmax()]

    assert strongest == pytest.approx(hz, abs=0.5)


@given(hz=st.floats(20, 2_000), amplitude=st.floats(0, 1))
async def test_tone_never_jumps(hz: float, amplitude: float) -> None:
    """From frame to frame the phase runs on, and the height is kept."""
    samples = samples_of(await frames_of(Tone(hz, amplitude), 4)).astype(int)
    steepest = amplitude * 32_767 * 2 * np.pi * hz / 48_000 + 1

    assert max(abs(samples)) <= amplitude * 32_767 + 0.5
    assert all(abs(b - a) <= steepest for a, b in pairwise(samples.tolist()))


async def test_each_opening_begins_anew() -> None:
    """A description may be published twice; the sounds do not share a phase."""
    tone = Tone(441)

    assert await frames_of(tone, 2) == await frames_of(tone, 2)


@pytest.mark.parametrize("hz", [0, -1, 24_000, float("nan"), float("inf")])
def test_inaudible_tone_is_refused(hz: float) -> None:
    """A frequency that 48 kHz cannot carry is an argument error that says so."""
    with pytest.raises(InvalidArgumentError, match="below 24000"):
        Tone(hz)


@pytest.mark.parametrize("amplitude", [-0.1, 1.1, float("nan")])
def test_clipping_tone_is_refused(amplitude: float) -> None:
    """A height outside 0 to 1 is an argument error that says so."""
    with pytest.raises(InvalidArgumentError, match="0 to 1"):
        Tone(440, amplitude)


def test_descriptions_are_values() -> None:
    """Equal descriptions are equal, and none can be changed."""
    assert Tone(440) == Tone(440)
    with pytest.raises(AttributeError):
        Tone(440).hz = 3  # type: ignore[misc]  # that is the law
