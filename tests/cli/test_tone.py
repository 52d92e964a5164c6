"""Laws of the ear of the demo."""

from __future__ import annotations

import math
import random
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.cli._tone import hear_tones, tone_in
from utd_stream.media import Silence, Tone
from utd_stream.models import AudioFrame

RATE_HZ = 48_000
COUNT = 14_400


def sine(hz: float, amplitude: float) -> list[int]:
    """Return 0.3 s of a tone."""
    turns = math.tau * hz / RATE_HZ
    return [round(32_767 * amplitude * math.sin(turns * n)) for n in range(COUNT)]


@given(hz=st.integers(120, 1_400), amplitude=st.floats(0.1, 1.0))
def test_a_tone_is_measured(hz: int, amplitude: float) -> None:
    """Whatever its pitch and height, to 2 Hz."""
    assert tone_in(sine(hz, amplitude), RATE_HZ) == pytest.approx(hz, abs=2)


def test_noise_is_no_tone() -> None:
    """The strongest part of what has none is not taken for one."""
    luck = random.Random(7)  # noqa: S311 -- the same noise each time
    samples = [round(luck.gauss(0, 8_000)) for _ in range(COUNT)]

    assert tone_in(samples, RATE_HZ) is None


@pytest.mark.parametrize("samples", [[], [0] * COUNT], ids=["nothing", "silence"])
def test_silence_is_no_tone(samples: list[int]) -> None:
    """Neither no sound nor sound without power."""
    assert tone_in(samples, RATE_HZ) is None


async def heard(*told: tuple[Silence | Tone, int]) -> list[int | None]:
    """Return what is heard of so many frames of each."""

    async def frames() -> AsyncIterator[AudioFrame]:
        for source, count in told:
            opened = source.open()
            for _ in range(count):
                yield await anext(opened)

    return [tone async for tone in hear_tones(frames())]


async def test_silence_is_waited_through() -> None:
    """A track is silent before its first sound; that is not measured."""
    tones = await heard((Silence(), 50), (Tone(660), 30), (Silence(), 50))

    assert tones == [pytest.approx(660, abs=2)]


async def test_each_sound_is_measured_by_itself() -> None:
    """What was heard before does not color what comes then."""
    tones = await heard((Tone(440), 30), (Silence(), 10), (Tone(880), 30))

    assert tones == [pytest.approx(440, abs=2), pytest.approx(880, abs=2)]


async def test_a_sound_that_ends_too_early_is_not_measured() -> None:
    """Who left before anything could be measured was not heard."""
    assert await heard((Tone(440), 3)) == []
