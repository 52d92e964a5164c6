"""A picture as an image file."""

from __future__ import annotations

import io

import av
import pytest

from utd_stream.errors import UsageError
from utd_stream.media import TestPattern, read_pattern, to_png
from utd_stream.media._av import our_picture
from utd_stream.testing import run


def test_a_png_shows_what_the_frame_does() -> None:
    """Read back, its number can be read."""

    async def program() -> bytes:
        frames = TestPattern(322, 180, 10).open()
        for _ in range(7):
            await anext(frames)
        return to_png(await anext(frames))

    image = run(program())
    assert image.startswith(b"\x89PNG")
    with av.open(io.BytesIO(image), "r") as container:
        frame = next(container.decode(video=0))
    assert read_pattern(our_picture(frame, 0.0)) == 7


def test_without_pyav_the_error_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the extra."""
    monkeypatch.setattr("utd_stream.media._extras.find_spec", lambda _: None)

    async def program() -> bytes:
        return to_png(await anext(TestPattern().open()))

    with pytest.raises(UsageError, match=r"utd-stream\[media\]"):
        run(program())
