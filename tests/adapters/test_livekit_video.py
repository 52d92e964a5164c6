"""Pictures of odd sides, which LiveKit may send, become even ones."""

from __future__ import annotations

import numpy as np
import pytest

from utd_stream.adapters._livekit_video import _evened


@pytest.mark.parametrize(("width", "height"), [(5, 4), (4, 5), (7, 3), (81, 45)])
def test_the_last_column_and_row_go(width: int, height: int) -> None:
    """Of each plane; all else stays where it was."""
    shapes = ((height, width), *(((height + 1) // 2, (width + 1) // 2),) * 2)
    rng = np.random.default_rng(width * height)
    planes = [rng.integers(0, 256, shape, "u1") for shape in shapes]
    wanted = [
        planes[0][: height // 2 * 2, : width // 2 * 2],
        *(plane[: height // 2, : width // 2] for plane in planes[1:]),
    ]

    told = _evened(b"".join(plane.tobytes() for plane in planes), width, height)

    assert told == b"".join(plane.tobytes() for plane in wanted)
