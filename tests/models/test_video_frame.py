"""A picture is whole I420 of even sides, or it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from utd_stream.errors import InvalidArgumentError
from utd_stream.models import VideoFrame

WHOLE = bytes(range(6))


def frame(**given: Any) -> VideoFrame:
    """Return a picture of two by two pixels, with what is given in its place."""
    return VideoFrame(**{"data": WHOLE, "width_px": 2, "height_px": 2, **given})


@pytest.mark.parametrize("data", [bytearray(WHOLE), memoryview(WHOLE)])
def test_whatever_holds_bytes_is_copied(data: Any) -> None:
    """To bytes, of the same content."""
    taken = frame(data=data)

    assert type(taken.data) is bytes
    assert taken.data == WHOLE
    assert "6 bytes" in repr(taken)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"data": bytes(5)}, "6 bytes for 2 by 2 pixels of I420, not 5"),
        ({"data": "text"}, "data must be bytes"),
        ({"data": memoryview(bytes(8)).cast("h")}, "numpy by .astype"),
        ({"width_px": 3}, "width_px must be an even number of pixels"),
        ({"height_px": 0}, "height_px must be"),
        ({"height_px": 2.0}, "height_px must be"),
        ({"rotation": 45}, "rotation must be 0, 90, 180 or 270"),
        ({"at": -1}, "at must be a number of seconds"),
        ({"at": float("nan")}, "at must be"),
        ({"at": "now"}, "at must be"),
    ],
)
def test_what_is_no_picture_is_refused(given: dict[str, Any], said: str) -> None:
    """By an error that says what would do."""
    with pytest.raises(InvalidArgumentError, match=said):
        frame(**given)
