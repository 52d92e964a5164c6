"""Microphones and cameras of this machine: what is given, and what is refused."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import av
import pytest

from tests.media.made import nothing_left
from utd_stream.errors import DeviceError, InvalidArgumentError, UsageError
from utd_stream.media import DeviceSource
from utd_stream.media._extras import need_sounddevice

__all__ = ["nothing_left"]

BLOCK = b"\1\0" * 480


class PortAudioError(Exception):
    """What the library raises."""


class Opened:
    """Whether it was opened, in another thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.set = self._event.set

    async def wait(self) -> None:
        """Wait for it."""
        await asyncio.to_thread(self._event.wait, 20)


class Library:
    """A stand-in for sounddevice: a microphone that a test speaks into."""

    PortAudioError = PortAudioError

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked: dict[str, Any] = {}
        self.is_closed = False
        self.opened = Opened()

    def query_devices(self) -> list[dict[str, Any]]:
        """Return what there is: microphones, and one loudspeaker."""
        ears = [{"name": name, "max_input_channels": 2} for name in self.names]
        return [*ears, {"name": "loudspeaker", "max_input_channels": 0}]

    def RawInputStream(self, **asked: Any) -> Any:  # noqa: N802 -- the library's
        """Open a microphone."""
        self.asked = asked
        self.opened.set()
        if not self.names or asked["device"] not in {None, *self.names}:
            message = "no such device"
            raise PortAudioError(message)
        return SimpleNamespace(start=lambda: None, close=self._close)

    def _close(self) -> None:
        self.is_closed = True

    def say(self, block: bytes) -> None:
        """Let something be heard, as by the device's own thread."""
        self.asked["callback"](block, 480, None, None)

    def unplug(self) -> None:
        """Let the device go."""
        self.asked["finished_callback"]()


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Library]:
    """Return what puts a stand-in where the library is."""

    def put(*names: str) -> Library:
        made = Library(*names)
        monkeypatch.setitem(sys.modules, "sounddevice", made)
        return made

    return put


def test_a_microphone_is_heard(library: Callable[..., Library]) -> None:
    """Its blocks are frames of 10 ms; it is closed with its source."""
    device = library("desk", "head")

    async def program() -> None:
        frames: Any = DeviceSource("head").audio.open()
        first = asyncio.ensure_future(anext(frames))
        await device.opened.wait()
        await asyncio.to_thread(device.say, BLOCK)
        frame = await first
        assert (frame.samples, frame.sample_rate_hz, frame.channels) == (
            BLOCK,
            48_000,
            1,
        )
        await frames.aclose()

    asyncio.run(program())
    assert device.is_closed
    kinds = {name: device.asked[name] for name in ("samplerate", "channels", "dtype")}
    assert kinds == {"samplerate": 48_000, "channels": 1, "dtype": "int16"}


def test_who_is_late_misses_the_oldest(library: Callable[..., Library]) -> None:
    """A fifth of a second waits."""
    device = library("desk")

    async def program() -> None:
        frames: Any = DeviceSource().audio.open()
        first = asyncio.ensure_future(anext(frames))
        await device.opened.wait()
        for number in range(100):
            device.say(number.to_bytes(2, "little") * 480)
        seen = [(await first).samples[0]]
        seen += [(await anext(frames)).samples[0] for _ in range(19)]
        assert seen == list(range(80, 100))
        await frames.aclose()

    asyncio.run(program())


def test_an_unplugged_microphone_is_told(library: Callable[..., Library]) -> None:
    """The error says so, and what is left."""
    device = library("desk")

    async def program() -> None:
        frames = DeviceSource().audio.open()
        first = asyncio.ensure_future(anext(frames))
        await device.opened.wait()
        device.unplug()
        with pytest.raises(DeviceError, match=r"unplugged.*'desk'"):
            await first

    asyncio.run(program())


def test_a_microphone_that_is_not_there(library: Callable[..., Library]) -> None:
    """The error names those that are, or what will do without one."""
    library("desk", "head")
    with pytest.raises(DeviceError, match=r"'lap'.*'desk', 'head'"):
        asyncio.run(first_of(DeviceSource("lap").audio))
    library()
    with pytest.raises(DeviceError, match="there is none here; a Tone"):
        asyncio.run(first_of(DeviceSource().audio))


def test_without_the_library_the_error_says_how(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It names the extra."""
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(UsageError, match=r"utd-stream\[devices\]"):
        asyncio.run(first_of(DeviceSource().audio))


def test_without_pyav_the_error_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the extra."""
    monkeypatch.setattr("utd_stream.media._extras.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"utd-stream\[media\]"):
        asyncio.run(first_of(DeviceSource().video))


def test_the_microphone_of_this_machine() -> None:
    """PortAudio itself: a frame, or an error that says what to do."""
    try:
        need_sounddevice()
    except UsageError as error:
        assert "libportaudio2" in str(error)  # noqa: PT017 -- or it is there
        return
    try:
        frame = asyncio.run(first_of(DeviceSource().audio))
    except DeviceError as error:
        assert "microphone" in str(error)  # noqa: PT017 -- likewise
    else:
        assert len(frame.samples) == 960


# Cameras.


def test_a_device_of_ffmpeg_is_seen() -> None:
    """Its pictures come as they are taken, made I420."""

    async def program() -> None:
        source = DeviceSource("testsrc=size=320x180:rate=10", driver="lavfi")
        frames: Any = source.video.open()
        seen = [await anext(frames) for _ in range(3)]
        await frames.aclose()
        assert [frame.at for frame in seen] == pytest.approx([0, 0.1, 0.2])
        assert {(f.width_px, f.height_px) for f in seen} == {(320, 180)}

    asyncio.run(program())


def test_a_camera_that_is_gone_is_told() -> None:
    """One that gives no more is an error, which names the others."""

    async def program() -> None:
        source = DeviceSource("testsrc=size=320x180:rate=10:d=0.2", driver="lavfi")
        async for _ in source.video.open():
            pass

    with pytest.raises(DeviceError, match="unplugged"):
        asyncio.run(program())


def test_a_camera_that_is_not_there() -> None:
    """The error says what will do without one, or names those that are there."""
    for source in (DeviceSource("/dev/video99"), DeviceSource("x", driver="nothing")):
        with pytest.raises(DeviceError, match=r"camera .* cannot be opened"):
            asyncio.run(first_of(source.video))


def test_no_camera_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The choices are named."""
    monkeypatch.setattr(av, "enumerate_input_devices", lambda _: [])
    with pytest.raises(DeviceError, match=r"no camera.*TestPattern"):
        asyncio.run(first_of(DeviceSource(driver="avfoundation").video))


@pytest.mark.parametrize("fps", [0, -1, 1.5, True])
def test_a_rate_is_a_number(fps: Any) -> None:
    """Anything else is refused when it is described."""
    with pytest.raises(InvalidArgumentError, match="fps"):
        DeviceSource(fps=fps)


@pytest.mark.parametrize("size", [(0, 10), (10,), (1.5, 2), None, "ab"])
def test_a_size_is_two_numbers(size: Any) -> None:
    """Likewise."""
    with pytest.raises(InvalidArgumentError, match="size"):
        DeviceSource(size=size)


async def first_of(source: Any) -> Any:
    """Return the first frame."""
    frames = source.open()
    try:
        return await anext(frames)
    finally:
        await frames.aclose()
