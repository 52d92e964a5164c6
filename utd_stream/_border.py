"""Where an app calls the package: from its own event loop, and with short errors.

Two things happen at the methods that an app calls, and nowhere below them.
A call from another loop, thread or process than the object lives in is refused:
asyncio would let it wait for ever.  And the traceback of an error of this package
ends at the method that was called: the frames below it tell an app nothing.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator
from types import FunctionType, TracebackType
from typing import Any, NoReturn, SupportsIndex, TypeVar, cast

from utd_stream.errors import UsageError, UTDStreamException

__all__ = ["HomeLoop", "border", "command", "shortening", "staying"]

_C = TypeVar("_C")
_P = TypeVar("_P", bound=Callable[..., Any])
_F = TypeVar("_F", bound=Callable[..., Coroutine[Any, Any, Any]])

# At DEBUG it logs each error with its whole traceback, before that is cut.
logger = logging.getLogger("utd_stream.errors")

# Frames of these say nothing to an app, where they are below a call of ours.
_INTERNAL = sys.stdlib_module_names | {
    *("aiohappyeyeballs", "aiohttp", "attr", "cattrs", "livekit", "orjson"),
    *("reactivex", "transitions", "utd_stream", "yarl"),
}
_CALLED = {"__aenter__", "__init__"}


class HomeLoop:
    """The event loop that an object belongs to: the first it is used in.

    Attributes:
        is_busy: A fact is being handled there, and observers may be hearing of it.
    """

    __slots__ = ("_loop", "_process", "is_busy")

    def __init__(self) -> None:
        self.is_busy: bool = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0

    def check(self, owner: str, *, needs_loop: bool = False) -> None:
        """Check that the object is used where it belongs.

        Outside any loop an object may be used as long as its own does not run,
        as between two steps of a `utd_stream.testing.Simulation`.

        Args:
            owner: The object, as the error names it.
            needs_loop: Whether a loop must run.

        Raises:
            UsageError: If it is used from another loop, thread or process, or no
                loop runs where one is needed.
        """
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            if self._loop is None or not self._loop.is_running():
                if needs_loop:
                    message = f"{owner} needs a running loop; call it in a coroutine"
                    raise UsageError(message) from None
                return
        else:
            if running is self._loop:
                return
            if self._loop is None:
                self._loop, self._process = running, os.getpid()
                return
        raise UsageError(self._told(owner))

    def _told(self, owner: str) -> str:
        assert self._loop is not None  # noqa: S101 -- it was compared
        if self._process != os.getpid():
            return (
                f"{owner} belongs to the process that this one was forked from; "
                "start processes by multiprocessing's spawn, and make a new one there"
            )
        if self._loop.is_closed():
            return (
                f"{owner} belongs to the event loop that it was first used in, and "
                "that has ended; make a new one in each asyncio.run()"
            )
        if not self._loop.is_running():
            return (
                f"{owner} belongs to the event loop that it was first used in, and "
                "that stands still now; use it in the program that runs that loop, "
                "such as Simulation.run(...)"
            )
        return (
            f"{owner} belongs to the event loop that it was first used in, and this "
            "is another loop or thread; from here call "
            "asyncio.run_coroutine_threadsafe(coroutine, loop) with that loop"
        )


def border(kind: type[_C]) -> type[_C]:
    """Make every public method of a class a border, its constructor included.

    An instance keeps its `HomeLoop` as ``_home``.
    """
    for name, member in tuple(vars(kind).items()):
        is_called = name in _CALLED or not name.startswith("_")
        if is_called and isinstance(member, FunctionType):
            is_async = inspect.iscoroutinefunction(member)
            checks = name != "__init__"
            called = command(member) if is_async else shortening(member, checks=checks)
            setattr(kind, name, called)
    return staying(kind)


def staying(kind: type[_C]) -> type[_C]:
    """Make instances of a class refuse to be pickled and copied.

    A copy would share tasks and sockets with the original, or half of them.
    """
    setattr(kind, "__reduce_ex__", _stay)  # noqa: B010 -- mypy takes no assignment
    return kind


def _stay(self: object, protocol: SupportsIndex, /) -> NoReturn:
    message = (
        f"a {type(self).__name__} lives in its event loop and can neither be pickled "
        "nor copied; take what its values hold"
    )
    raise TypeError(message)  # as pickle raises it


def command(method: _F) -> _F:
    """Return *method*, a coroutine function, as a border."""

    @functools.wraps(method)
    async def _call(self: Any, /, *args: Any, **named: Any) -> object:
        try:
            home = _check(self)
            if home.is_busy:  # an observer began this in an eager task
                await asyncio.sleep(0)
            return await method(self, *args, **named)
        except UTDStreamException as error:
            _shorten(error, method)
            raise

    return cast("_F", _call)


def shortening(method: _P, *, checks: bool = False) -> _P:
    """Return *method*, a plain one or a function, raising short errors only."""

    @functools.wraps(method)
    def call(*args: Any, **named: Any) -> object:
        try:
            if checks:
                _check(args[0])
            return method(*args, **named)
        except UTDStreamException as error:
            _shorten(error, method)
            raise

    return cast("_P", call)


def _check(called: Any) -> HomeLoop:
    home: HomeLoop = called._home  # noqa: SLF001 -- what a border needs of a class
    home.check(f"this {type(called).__name__}")
    return home


def _shorten(error: UTDStreamException, called: Callable[..., object]) -> None:
    """Leave what an app can use of the traceback, and of the causes.

    That is the frame of the method that was called, frames of the app, and
    every cause but our own timers and those that say the same.
    """
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("%s raised", called.__qualname__, exc_info=error)
    # The first is the border's own; a bare raise does not add it again.
    inner = list(_frames(error.__traceback__))[1:]
    own = [each for each in inner[:1] if each.tb_frame.f_code is called.__code__]
    error.__traceback__ = _joined([*own, *filter(_is_apps, inner[len(own) :])])
    _shorten_causes(error)


def _shorten_causes(error: BaseException) -> None:
    seen = {id(error)}
    while True:
        if error.__cause__ is None:
            if error.__context__ is None or error.__suppress_context__:
                return
            if not _is_of_an_app(error.__context__):
                error.__suppress_context__ = True
                return
            below = error.__context__
        elif _says_nothing(error.__cause__, error):
            seen.add(id(error.__cause__))
            deeper = error.__cause__.__cause__
            error.__cause__ = None if id(deeper) in seen else deeper
            continue
        else:
            below = error.__cause__
        if id(below) in seen:
            return
        seen.add(id(below))
        if error.__cause__ is below:
            frames = filter(_is_apps, _frames(below.__traceback__))
            below.__traceback__ = _joined(frames)
        error = below


def _says_nothing(cause: BaseException, error: BaseException) -> bool:
    is_timer = type(cause) in {TimeoutError, asyncio.CancelledError}
    is_same = bool(str(error)) and str(cause) == str(error)
    return (is_timer or is_same) and not _is_of_an_app(cause)


def _is_of_an_app(error: BaseException) -> bool:
    return any(_is_apps(frame) for frame in _frames(error.__traceback__))


def _is_apps(trace: TracebackType) -> bool:
    module = str(trace.tb_frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] not in _INTERNAL


def _frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _joined(frames: Iterable[TracebackType]) -> TracebackType | None:
    joined: TracebackType | None = None
    for each in reversed(list(frames)):
        joined = TracebackType(joined, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return joined
