"""Microphones of apps: of any shape, and of every way to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, NoReturn

from utd_stream.media import Tone
from utd_stream.models import AudioFrame

__all__ = ["BEGINS_WRONG", "ENDS_LATER", "GOES_ON", "Source", "frame"]


def frame(samples: bytes = bytes(960), **fields: Any) -> AudioFrame:
    """One frame, of 10 ms by default."""
    return AudioFrame(samples=samples, **fields)


class Source:
    """A source that gives whatever its function returns, and counts its openings."""

    def __init__(self, give: Callable[[], Any]) -> None:
        self._give = give
        self.opened = 0

    def open(self) -> Any:
        """Return whatever it is."""
        self.opened += 1
        return self._give()


async def _nothing() -> AsyncIterator[AudioFrame]:
    return
    yield frame()


async def _fails() -> AsyncIterator[AudioFrame]:
    raise OSError
    yield frame()


class _OfNoKindError(BaseException):
    """What `except Exception` does not catch, as of another framework."""


async def _raising(error: BaseException) -> AsyncIterator[AudioFrame]:
    raise error
    yield frame()


async def _other_rate() -> AsyncIterator[AudioFrame]:
    yield frame(sample_rate_hz=44_100)


async def _stereo() -> AsyncIterator[AudioFrame]:
    yield frame(channels=2)


async def _no_frame() -> AsyncIterator[Any]:
    yield bytes(960)


async def _coroutine() -> None:
    pass


def _shut() -> NoReturn:
    message = "no such device"
    raise OSError(message)


class _Unawaitable:
    """An iterator whose next frame cannot be awaited."""

    def __aiter__(self) -> _Unawaitable:
        return self

    def __anext__(self) -> AudioFrame:
        return frame()


class _Uniterable:
    """What has an iterator, and fails when it is asked for it."""

    def __aiter__(self) -> AsyncIterator[AudioFrame]:
        _shut()


# Each with what the error says.
BEGINS_WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "cannot be opened": (_shut, "OSError, no such device"),
    "ends without a frame": (_nothing, "ended without a sound"),
    "fails at once": (_fails, "OSError"),
    "of another rate": (_other_rate, "not 44100 Hz"),
    "stereo": (_stereo, "with 2 channels"),
    "gives bytes": (_no_frame, "must give AudioFrame, not bytes"),
    "a coroutine": (_coroutine, "async iterator of AudioFrame, not coroutine"),
    "a list": (lambda: [frame()], "async iterator of AudioFrame, not list"),
    "a plain generator": (lambda: (frame() for _ in "ab"), "not generator"),
    "nothing at all": (lambda: None, "not NoneType"),
    "no awaitable": (_Unawaitable, "TypeError"),
    "cannot be iterated": (_Uniterable, "cannot be opened: OSError, no such device"),
    "fails beyond Exception": (
        lambda: _raising(_OfNoKindError("at once")),
        "failed at once: _OfNoKindError, at once",
    ),
}


def _begun(then: Callable[[], Any]) -> Callable[[], AsyncIterator[Any]]:
    async def give() -> AsyncIterator[Any]:
        for _ in range(3):
            yield frame()
        given = then()
        if given is not None:
            yield given

    return give


def _raise(error: BaseException) -> Any:
    raise error


ENDS_LATER: dict[str, Callable[[], Any]] = {
    "ends": _begun(lambda: None),
    "fails": _begun(lambda: _raise(OSError("unplugged"))),
    "fails beyond Exception": _begun(lambda: _raise(_OfNoKindError())),
    "fails as a group": _begun(
        lambda: _raise(BaseExceptionGroup("two", [_OfNoKindError()]))
    ),
    "cancels": _begun(lambda: _raise(asyncio.CancelledError())),
    "changes its rate": _begun(lambda: frame(sample_rate_hz=8_000)),
    "gives no frame": _begun(lambda: "a frame"),
}


async def _empty_for_ever() -> AsyncIterator[AudioFrame]:
    while True:
        yield frame(b"")


async def _sample_by_sample() -> AsyncIterator[AudioFrame]:
    async for whole in Tone(440).open():
        for at in range(0, len(whole.samples), 2):
            yield frame(whole.samples[at : at + 2])


async def _in_one_frame() -> AsyncIterator[AudioFrame]:
    tone = Tone(440).open()
    yield frame(b"".join([(await anext(tone)).samples for _ in range(3_000)]))


async def _stalls() -> AsyncIterator[AudioFrame]:
    yield frame()
    await asyncio.Event().wait()


async def _never_begins() -> AsyncIterator[AudioFrame]:
    await asyncio.Event().wait()
    yield frame()


# Each with the frequency that is heard of it, if any is.
GOES_ON: dict[str, tuple[Callable[[], Any], float | None]] = {
    "empty frames": (_empty_for_ever, None),
    "sample by sample": (_sample_by_sample, 440),
    "in one frame": (_in_one_frame, 440),
    "stalls": (_stalls, None),
    "never begins": (_never_begins, None),
}
