"""The program's own frames as a source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Final, Generic, TypeVar

import attrs

from utd_stream.errors import InvalidArgumentError
from utd_stream.models.media import AudioFrame, VideoFrame

__all__ = ["FrameSource"]

_F = TypeVar("_F", AudioFrame, VideoFrame)
_END: Final = object()


def _iterable(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not hasattr(value, "__aiter__"):
        message = (
            f"frames must be an async iterator of AudioFrame or VideoFrame, such as "
            f"an async generator, not {type(value).__name__}"
        )
        raise InvalidArgumentError(message)


class _Lent:
    """A program's iterator, which no reader can end.

    A reader that is cancelled would cancel the program's own code where it waits, and
    end it.  So each frame is asked for in a task of its own, and one that comes too
    late for its reader is kept for the next.
    """

    def __init__(self) -> None:
        self._asked: asyncio.Task[Any] | None = None

    async def next(self, frames: AsyncIterator[Any]) -> Any:
        """Return the next frame, or `_END`."""
        asked = self._asked
        if asked is None or asked.get_loop() is not asyncio.get_running_loop():
            asked = self._asked = asyncio.create_task(_next(frames), name="frame")
        await asyncio.wait((asked,))
        if self._asked is asked:
            self._asked = None
        return asked.result()


async def _next(frames: AsyncIterator[Any]) -> Any:
    return await anext(frames, _END)


@attrs.frozen(eq=False)
class FrameSource(Generic[_F]):
    """What an async iterator gives, as a microphone or a camera.

    An iterator stays the program's: turned off and on again, the source goes on with
    the next frame, which may have been asked for before.  What only has an
    ``__aiter__`` is iterated anew each time.  One that raises or ends mutes its track,
    and the log says why.

    Attributes:
        frames: `AudioFrame` of 48 kHz and mono, or `VideoFrame`.

    Raises:
        InvalidArgumentError: If it is no async iterator.
    """

    frames: AsyncIterable[_F] = attrs.field(validator=_iterable)
    _lent: _Lent = attrs.field(init=False, repr=False, factory=_Lent)

    async def open(self) -> AsyncIterator[_F]:
        """Yield the frames."""
        if not isinstance(self.frames, AsyncIterator):
            anew: Any = aiter(self.frames)
            try:
                async for frame in anew:
                    yield frame
            finally:
                if hasattr(anew, "aclose"):  # a generator
                    await anew.aclose()
            return
        while (given := await self._lent.next(self.frames)) is not _END:
            yield given
