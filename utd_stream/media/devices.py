"""This machine's microphones, cameras and screens as sources."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import cast

import attrs

from utd_stream.errors import DeviceError, InvalidArgumentError
from utd_stream.media._extras import need_av, need_sounddevice
from utd_stream.media._hearing import Microphone
from utd_stream.media._worker import Worker
from utd_stream.models.media import AudioFrame, VideoFrame

__all__ = ["DeviceAudio", "DeviceSource", "DeviceVideo"]

# What waits for a loop that is late, in blocks of 10 ms; then the oldest is dropped.
_MOST_WAITING = 20


class _Blocks:
    """Sound on its way from the device's thread to the loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self._came = asyncio.Event()
        self._is_over = False

    def put(self, block: bytes) -> None:
        """Take a block, or an empty one as the end; from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._put, block)
        except RuntimeError:
            return  # the loop is closed

    def _put(self, block: bytes) -> None:
        if block:
            self._waiting.append(block)
        else:
            self._is_over = True
        self._came.set()

    async def next(self) -> bytes | None:
        """Return the next block; None once the device is gone."""
        while not self._waiting and not self._is_over:
            self._came.clear()
            await self._came.wait()
        return self._waiting.popleft() if self._waiting else None


@attrs.frozen
class DeviceAudio:
    """The sound of a `DeviceSource`."""

    name: str | None

    async def open(self) -> AsyncIterator[AudioFrame]:
        """Yield frames of 10 ms, 48 kHz and mono, as they are heard.

        Raises:
            DeviceError: If there is no such microphone, it is in use, or it was
                unplugged; the message names the others.
            UsageError: If sounddevice is not installed.
        """
        library = need_sounddevice()
        blocks, worker = _Blocks(), Worker("microphone")
        microphone = Microphone(library, self.name, blocks.put)
        try:
            await worker.do(microphone.open)
            while (block := await blocks.next()) is not None:
                yield AudioFrame(samples=block)
            raise DeviceError(microphone.gone())
        finally:
            await worker.end(microphone.close)


@attrs.frozen
class DeviceVideo:
    """The pictures of a `DeviceSource`."""

    name: str | None
    size: tuple[int, int]
    fps: int
    driver: str | None

    async def open(self) -> AsyncIterator[VideoFrame]:
        """Yield frames as they are taken.

        Raises:
            DeviceError: If there is no such camera, it is in use, or it was
                unplugged; the message names the others.
            UsageError: If PyAV is not installed.
        """
        need_av()
        from utd_stream.media._seeing import Camera  # noqa: PLC0415 -- an extra

        worker = Worker("camera")
        camera = Camera(self.name, self.driver, self.size, self.fps)
        try:
            await worker.do(camera.open)
            while True:
                yield await worker.do(camera.read)
        finally:
            await worker.end(camera.close)


def _positive(instance: object, attribute: attrs.Attribute[int], value: object) -> None:
    if type(value) is not int or value <= 0:
        message = f"{attribute.name} must be a whole number above 0, not {value!r}"
        raise InvalidArgumentError(message)


def _two_positive(
    instance: object, attribute: attrs.Attribute[tuple[int, int]], value: object
) -> None:
    sides = cast("tuple[object, ...]", value) if isinstance(value, tuple) else ()
    is_whole = all(type(side) is int and side > 0 for side in sides)
    if not is_whole or len(sides) != len(("width", "height")):
        message = f"size must be two whole numbers above 0, not {value!r}"
        raise InvalidArgumentError(message)


@attrs.frozen
class DeviceSource:
    """A device of this machine; its sound and its pictures are a source each.

    It is not looked for before one of them is opened; the error of one that is not
    there names those that are.  Time is real: there are no devices on a virtual loop.

    Attributes:
        name: A part of a microphone's name; a camera's name, as its driver has it,
            such as ``/dev/video0``; None for the first one.
        size: Width and height that a camera is asked for, in pixels.
        fps: Pictures a second that it is asked for.
        driver: FFmpeg's name of what has the pictures; by default the cameras of this
            system, ``v4l2``, ``avfoundation`` or ``dshow``.  ``x11grab`` and
            ``gdigrab`` have screens.

    Raises:
        InvalidArgumentError: If size or fps is out of range.
    """

    name: str | None = None
    size: tuple[int, int] = attrs.field(
        default=(1280, 720), kw_only=True, validator=_two_positive
    )
    fps: int = attrs.field(default=30, kw_only=True, validator=_positive)
    driver: str | None = attrs.field(default=None, kw_only=True)

    @property
    def audio(self) -> DeviceAudio:
        """The microphone."""
        return DeviceAudio(self.name)

    @property
    def video(self) -> DeviceVideo:
        """The camera."""
        return DeviceVideo(self.name, self.size, self.fps, self.driver)
