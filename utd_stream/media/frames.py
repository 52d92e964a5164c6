"""The program's own frames as a source."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Generic, TypeVar

import attrs

from utd_stream.errors import InvalidArgumentError
from utd_stream.models.media import AudioFrame, VideoFrame

__all__ = ["FrameSource"]

_F = TypeVar("_F", AudioFrame, VideoFrame)


def _iterable(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not hasattr(value, "__aiter__"):
        message = (
            f"frames must be an async iterator of AudioFrame or VideoFrame, such as "
            f"an async generator, not {type(value).__name__}"
        )
        raise InvalidArgumentError(message)


@attrs.frozen(eq=False)
class FrameSource(Generic[_F]):
    """What an async iterator gives, as a microphone or a camera.

    An iterator stays the program's: turned off and on again, the source goes on with
    the next frame.  What only has an ``__aiter__`` is iterated anew each time.  One
    that raises or ends mutes its track, and the log says why.

    Attributes:
        frames: `AudioFrame` of 48 kHz and mono, or `VideoFrame`.

    Raises:
        InvalidArgumentError: If it is no async iterator.
    """

    frames: AsyncIterable[_F] = attrs.field(validator=_iterable)

    async def open(self) -> AsyncIterator[_F]:
        """Yield the frames."""
        async for frame in self.frames:
            yield frame
