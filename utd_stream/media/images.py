"""A picture as a file of its own."""

from __future__ import annotations

from utd_stream.media._extras import need_av
from utd_stream.models.media import VideoFrame

__all__ = ["to_png"]


def to_png(frame: VideoFrame) -> bytes:
    """Return a frame as a PNG image, such as for ``IPython.display.Image``.

    Raises:
        UsageError: If PyAV is not installed.
    """
    need_av()
    from utd_stream.media._av import encoded  # noqa: PLC0415 -- needs PyAV

    return encoded(frame, "png", "rgb24")
