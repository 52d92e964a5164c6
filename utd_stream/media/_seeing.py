"""A camera or a screen, by FFmpeg's devices; every method blocks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError

from utd_stream.errors import DeviceError
from utd_stream.media._av import our_picture
from utd_stream.models.media import VideoFrame

__all__ = ["Camera"]

_DRIVERS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
# Drivers that make pictures of a size by their name alone.
_SIZELESS = frozenset({"lavfi", "fbdev"})
# A camera that gives no picture for so long is stuck, in seconds.
_LIMIT = 5.0


class Camera:
    """One camera, opened once.

    Args:
        name: As its driver has it; None for the first one.
        driver: FFmpeg's; None for the system's.
        size: That it is asked for.
        fps: Likewise.
    """

    def __init__(
        self, name: str | None, driver: str | None, size: tuple[int, int], fps: int
    ) -> None:
        self._driver = driver or _DRIVERS.get(sys.platform, "v4l2")
        self._name = name
        self._size = size
        self._fps = fps
        self._container: InputContainer | None = None
        self._frames: Iterator[av.VideoFrame] = iter(())
        self._began: float | None = None

    def open(self) -> None:
        """Begin to film.

        Raises:
            DeviceError: If it is not there, is in use, or cannot film like that.
        """
        names = _names(self._driver)
        name = self._name or next(iter(names), None)
        if name is None:
            message = f"there is no camera; {_choices(names)}"
            raise DeviceError(message)
        options = {"framerate": str(self._fps)}
        options["video_size"] = "{}x{}".format(*self._size)
        if self._driver in _SIZELESS:
            options = {}
        try:
            self._container = av.open(
                name, "r", format=self._driver, options=options, timeout=_LIMIT
            )
            self._frames = self._container.decode(self._container.streams.video[0])
        except (FFmpegError, OSError, ValueError, IndexError) as error:
            message = f"camera {name!r} cannot be opened: {error}; {_choices(names)}"
            raise DeviceError(message) from error

    def read(self) -> VideoFrame:
        """Return the next picture.

        Raises:
            DeviceError: If it is there no more.
        """
        try:
            frame = next(self._frames)
        except (FFmpegError, OSError, StopIteration) as error:
            left = _choices(_names(self._driver))
            message = f"the camera is gone: was it unplugged? {left}"
            raise DeviceError(message) from error
        at = frame.time or 0.0
        self._began = at if self._began is None else self._began
        return our_picture(frame, at - self._began)

    def close(self) -> None:
        """Film no more; it need not be open."""
        container, self._container = self._container, None
        self._frames = iter(())
        if container is not None:
            container.close()


def _names(driver: str) -> list[str]:
    if driver == "v4l2":
        return sorted(map(str, Path("/dev").glob("video*")))
    try:
        return [device.name for device in av.enumerate_input_devices(driver)]
    except (FFmpegError, ValueError, OSError):
        return []


def _choices(names: list[str]) -> str:
    if not names:
        return "no other is known; a TestPattern, a FileSource or frames will do"
    return "there are " + ", ".join(map(repr, names))
