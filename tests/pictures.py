"""Numbered pictures: who may send them, and which were seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

from tests.patience import patiently
from utd_stream.media import TestPattern, read_pattern
from utd_stream.models import Permission, TrackSource, VideoFrame

__all__ = ["CAMERA", "PATTERN", "SCREEN", "SENDER", "in_order", "seen"]

CAMERA, SCREEN = TrackSource.CAMERA, TrackSource.SCREEN_SHARE
SENDER = Permission(can_publish=True, can_publish_sources=(CAMERA, SCREEN))
PATTERN = TestPattern(320, 180, 15)


async def seen(frames: AsyncIterator[VideoFrame], count: int = 5) -> list[int]:
    """Return the numbers of the next frames that can be read."""
    numbers: list[int] = []
    async with patiently(20):
        async for frame in frames:
            number = read_pattern(frame)
            if number is not None:
                numbers.append(number)
            if len(numbers) == count:
                break
    return numbers


def in_order(numbers: list[int]) -> bool:
    """Whether none is earlier than the one before, and not all are the same.

    On a busy machine LiveKit's client sends a picture twice.
    """
    goes_on = len(set(numbers)) > 1 or len(numbers) <= 1
    return goes_on and all(one <= other for one, other in pairwise(numbers))
