"""A test pattern says which of its frames one sees, whatever became of them."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice, pairwise
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.errors import InvalidArgumentError
from utd_stream.media import TestPattern, read_pattern
from utd_stream.models.media import VideoFrame

SIDES = st.integers(40, 400).map(lambda half: 2 * half)


async def taken(pattern: TestPattern, count: int) -> list[VideoFrame]:
    """Return its first frames."""
    frames: list[VideoFrame] = []
    async for frame in pattern.open():
        frames.append(frame)
        if len(frames) == count:
            break
    return frames


def gray(frame: VideoFrame) -> VideoFrame:
    """Return a picture of the same size that shows nothing."""
    return VideoFrame(
        data=bytes([128]) * len(frame.data),
        width_px=frame.width_px,
        height_px=frame.height_px,
    )


def compressed(frames: list[VideoFrame], fps: int) -> list[VideoFrame]:
    """Return them as they come out of a codec that is short of bits."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = frames[0].width_px, frames[0].height_px
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, fps)
    encoder.options = {"crf": "40", "preset": "ultrafast", "tune": "zerolatency"}
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    shown: list[VideoFrame] = []
    for number, frame in enumerate(frames):
        rows = np.frombuffer(frame.data, "u1").reshape(-1, frame.width_px)
        picture = av.VideoFrame.from_ndarray(rows, format="yuv420p")
        picture.pts = number
        for packet in encoder.encode(picture):
            shown += [_ours(each) for each in decoder.decode(packet)]
    for packet in (*encoder.encode(None),):
        shown += [_ours(each) for each in decoder.decode(packet)]
    return shown + [_ours(each) for each in decoder.decode(None)]


def _ours(picture: av.VideoFrame) -> VideoFrame:
    return VideoFrame(
        data=picture.to_ndarray(format="yuv420p").tobytes(),
        width_px=picture.width,
        height_px=picture.height,
    )


@given(width=SIDES, height=SIDES)
def test_each_frame_tells_its_number(width: int, height: int) -> None:
    """At any size, from the first one on; and the time that it is due."""
    frames = TestPattern(width, height, 25)._frames()
    for number in range(3):
        frame = next(frames)
        assert (frame.width_px, frame.height_px) == (width, height)
        assert read_pattern(frame) == number
        assert frame.at == number / 25
        assert read_pattern(gray(frame)) is None


async def test_neighbors_differ() -> None:
    """The picture moves, so that a frozen one is seen by eye."""
    for one, other in pairwise(await taken(TestPattern(160, 120, 30), 5)):
        half = len(one.data) // 3
        assert one.data[half : 2 * half] != other.data[half : 2 * half]


async def test_numbers_begin_anew_at_65536() -> None:
    """After more than half an hour at thirty a second."""
    frames = TestPattern(80, 80, 30)._frames()
    before = next(islice(frames, 65_535, None))
    assert read_pattern(before) == 65_535
    assert read_pattern(next(frames)) == 0


@pytest.mark.parametrize(("width", "height"), [(640, 360), (1280, 720), (160, 90)])
async def test_numbers_outlive_a_codec(width: int, height: int) -> None:
    """Also at few bits."""
    frames = await taken(TestPattern(width, height, 30), 20)

    assert [read_pattern(f) for f in compressed(frames, 30)] == list(range(20))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"width_px": 78}, "width_px must be an even number of pixels from 80"),
        ({"width_px": 81}, "not 81"),
        ({"height_px": "90"}, "height_px must be"),
        ({"height_px": 4_098}, "to 4096, not 4098"),
        ({"fps": 0}, "fps must be above 0"),
        ({"fps": float("nan")}, "fps must be above 0"),
    ],
)
def test_what_is_no_pattern_is_refused(given: dict[str, Any], named: str) -> None:
    """By an error that says what would do."""
    with pytest.raises(InvalidArgumentError, match=named):
        TestPattern(**given)
