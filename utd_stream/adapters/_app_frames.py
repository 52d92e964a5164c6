"""Frames of an app's source on their way to an SFU: opened, awaited and closed.

The source is the app's own code.  Whatever it gives or does, it neither stops the
loop nor ends a session: it is refused when it is published, or logged later.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, Protocol, TypeVar

import attrs

from utd_stream.errors import PublishError, UTDStreamException
from utd_stream.ports import Clock

__all__ = ["AppFrames", "Source", "Words"]

_T = TypeVar("_T")

# How long a publication waits for the first frame, in seconds.  A source that has
# nothing to say yet is published all the same.
_FIRST_FRAME_LIMIT = 0.5
# How long a source may take to close, and then to be cancelled, in seconds.
_CLOSE_LIMIT = 1.0
_CANCEL_LIMIT = 0.5

logger = logging.getLogger("utd_stream.adapters")


class Source(Protocol):
    """A source of frames."""

    def open(self) -> AsyncIterator[Any]:
        """Return frames."""
        ...


@attrs.frozen
class Words:
    """The names of a kind of source in errors and logs.

    Attributes:
        kind: audio or video.
        one: With its article.
        step: One frame, in plain words.
        frame: The class of a frame.
    """

    kind: str
    one: str
    step: str
    frame: str


class AppFrames(ABC, Generic[_T]):
    """The frames of one source, opened once, as steps that a reader takes.

    The source is asked for more only after the step before was taken: the reader
    sets the pace, and every step lets other tasks run.

    Args:
        source: Where it comes from.
        words: Its names in errors and logs.
        clock: Time.
        ended: Called once the source has ended or failed, unless `ready` says so.
        again: Whether the source was opened before; then nobody calls `ready`.

    Raises:
        PublishError: If the source cannot be opened, or gives no async iterator.
    """

    def __init__(
        self,
        source: Source,
        words: Words,
        clock: Clock,
        ended: Callable[[], object],
        *,
        again: bool,
    ) -> None:
        self._words = words
        self._frames: AsyncIterator[Any] | None = _opened(source, words)
        self._name = f"{words.kind} source {type(source).__name__}"
        self._clock = clock
        self._ended = ended
        self._steps: deque[_T] = deque()
        self._ahead = 1
        self._came = asyncio.Event()
        self._taken = asyncio.Event()
        self._has_ended = False
        # Until `ready` has returned, a failure is its caller's and is not logged.
        self._is_ready = again
        self._failure: BaseException | None = None
        self._reading = asyncio.create_task(self._read(), name=self._name)
        self._closing: asyncio.Task[None] | None = None
        self._is_left = False

    @property
    def is_over(self) -> bool:
        """Whether the source has ended or failed."""
        return self._has_ended

    @property
    def waiting(self) -> _T | None:
        """The next step, if it is there; it is not taken."""
        return self._steps[0] if self._steps else None

    async def ready(self) -> None:
        """Wait for the first step, for half a second at most.

        Raises:
            PublishError: If the source failed or ended before it, or what it gave
                cannot be sent.
        """
        try:
            async with self._clock.timeout(_FIRST_FRAME_LIMIT):
                await self._until_something()
        except TimeoutError:
            pass
        self._is_ready = True
        if self._steps or not self._has_ended:
            return
        if self._failure is None:
            message = (
                f"the {self._words.kind} source ended without a {self._words.step}"
            )
            raise PublishError(message)
        told = _told(self._failure)
        message = f"the {self._words.kind} source failed at once: {told}"
        raise PublishError(message) from self._failure

    async def ready_or_closed(self) -> None:
        """Do as `ready` does; close the source where it fails or is cancelled."""
        try:
            await self.ready()
        except BaseException:
            await self.aclose()
            raise

    def take(self) -> _T | None:
        """Return the next step if it is there, and ask for the one after it."""
        if not self._steps:
            return None
        self._taken.set()
        return self._steps.popleft()

    def skip(self) -> None:
        """Drop the steps that wait, but for the newest."""
        while len(self._steps) > 1:
            self._steps.popleft()

    def read_ahead(self, steps: int) -> None:
        """Let so many steps wait to be taken; 1 by default."""
        self._ahead = steps
        self._taken.set()

    async def next(self) -> _T | None:
        """Wait for the next step and take it; None once the source is over."""
        await self._until_something()
        return self.take()

    async def aclose(self) -> None:
        """Ask for no more, and close the source if it can be; idempotent.

        A source that takes longer than a second is cancelled; one that resists
        that is left behind.
        """
        if self._closing is None:
            name = f"closing of {self._name}"
            self._closing = asyncio.create_task(self._close(), name=name)
        if self._is_left or await self._ends(self._closing, _CLOSE_LIMIT):
            return
        self._closing.cancel()
        self._reading.cancel()  # again: it may have kept the first one to itself
        told = f"the {self._name} did not close within {_CLOSE_LIMIT:g} s"
        if await self._ends(self._closing, _CANCEL_LIMIT) and (
            await self._ends(self._reading, _CANCEL_LIMIT)
        ):
            logger.warning("%s; its closing was cancelled", told)
            return
        self._is_left = True
        logger.warning("%s and resists being cancelled; it is left behind", told)

    async def _ends(self, task: asyncio.Task[None], limit: float) -> bool:
        try:
            async with self._clock.timeout(limit):
                await asyncio.wait((task,))
        except TimeoutError:
            return task.done()
        return True

    async def _until_something(self) -> None:
        while not self._steps and not self._has_ended:
            self._came.clear()
            await self._came.wait()

    async def _read(self) -> None:
        try:
            await self._take_frames()
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise  # they end the program, or this coroutine
        except BaseException as error:
            if self._closing is not None:
                return
            if self._reading.cancelling():
                raise  # the loop ends
            # The app's own code, which may even raise what cancels a task.
            self._failure = error
        self._has_ended = True
        self._came.set()
        if self._is_ready:
            self._tell_end()
        await self._close_frames()

    async def _take_frames(self) -> None:
        while self._frames is not None:
            try:
                frame = await anext(self._frames)
            except StopAsyncIteration:
                break
            await self._take_frame(frame)
        await self._take_end()

    @abstractmethod
    async def _take_frame(self, frame: object) -> None:
        """Give the steps of a frame.

        Raises:
            InvalidArgumentError: If it cannot be sent.
        """

    @abstractmethod
    async def _take_end(self) -> None:
        """Give the steps that are left when the source has ended."""

    async def _give(self, step: _T) -> None:
        if self._closing is not None:  # the source kept the cancelling to itself
            raise asyncio.CancelledError
        self._steps.append(step)
        self._came.set()
        while len(self._steps) >= self._ahead:
            self._taken.clear()
            await self._taken.wait()

    def _tell_end(self) -> None:
        if self._failure is None:
            logger.info("%s has ended; its track is muted now", self._words.one)
        else:
            logger.error(
                "%s failed; its track is muted now",
                self._words.one,
                exc_info=self._failure,
            )
        self._ended()

    async def _close(self) -> None:
        self._reading.cancel()
        try:
            await asyncio.wait((self._reading,))
        finally:
            self._steps.clear()
            self._has_ended = True
            self._came.set()
        await self._close_frames()

    async def _close_frames(self) -> None:
        frames, self._frames = self._frames, None
        close = getattr(frames, "aclose", None)
        if close is None:
            return
        try:
            closing = close()
            if inspect.isawaitable(closing):
                await closing
        except Exception:
            logger.exception("%s failed when it was closed", self._words.one)


def _opened(source: Source, words: Words) -> AsyncIterator[Any]:
    try:
        frames: Any = source.open()
        if hasattr(frames, "__aiter__"):
            frames = frames.__aiter__()  # not aiter(): what it gives is looked at below
    except Exception as error:  # the app's own code
        message = f"the {words.kind} source cannot be opened: {_told(error)}"
        raise PublishError(message) from error
    if hasattr(frames, "__anext__"):
        return frames  # type: ignore[no-any-return]  # as just looked at
    if inspect.iscoroutine(frames):
        frames.close()
    message = (
        f"open() of the {words.kind} source must return an async iterator of "
        f"{words.frame}, not {type(frames).__name__}: write it as an async generator"
    )
    raise PublishError(message)


def _told(error: BaseException) -> str:
    is_ours = isinstance(error, UTDStreamException)
    return str(error) if is_ours else f"{type(error).__name__}, {error}"
