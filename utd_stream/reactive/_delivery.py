"""How a value gets to an observer, whatever the observer does then."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar, cast

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from utd_stream.errors import MailboxFullError, UsageError

__all__ = ["Observed", "guarded"]

_T = TypeVar("_T")

logger = logging.getLogger("utd_stream.reactive")


def guarded(deliver: Callable[[], object]) -> None:
    """Call *deliver*; log what it raises, and go on.

    RxPY lets an observer's exception unwind into the producer, which would
    starve the observers behind it and abort the dispatch that changed state.
    """
    try:
        deliver()
    except Exception:
        logger.exception("observer raised; its subscription stays")


class Observed(Observable[_T]):
    """An observable that takes coroutine functions as observers, too.

    What RxPY's operators make of it does not: subscribe here, and filter there.
    """

    # How many values wait for a coroutine observer that is busy; one more is
    # an error.  None: the newest replaces the one that waits.
    _limit: ClassVar[int | None] = None

    def subscribe(
        self,
        on_next: abc.ObserverBase[_T] | Callable[[_T], object] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Tell an observer, or these functions, from now on.

        A coroutine function is run for one value at a time, in order; what it
        raises is logged.  Of the values that come meanwhile, a `Latest` keeps
        the newest; `Events` keep 1,024, and give up an observer that falls
        further behind.

        Args:
            on_next: An observer, a function, or a coroutine function.
            on_error: Called with the `MailboxFullError` when a coroutine
                observer was given up; nothing else ever fails here.
            on_completed: Called when the owner has closed, and a coroutine
                observer has seen all there was.
            scheduler: RxPY's; not used here.

        Returns:
            What ends the subscription when it is disposed; that cancels the
            coroutine in flight, unless it is the one that disposes.

        Raises:
            UsageError: If a coroutine function is given outside a loop.
        """
        if not _is_coroutine_function(on_next):
            plain = cast("abc.OnNext[_T]", on_next)
            return super().subscribe(plain, on_error, on_completed, scheduler=scheduler)
        observer = _CoroutineObserver(
            cast("_CoroutineFunction[_T]", on_next), on_error, on_completed, self._limit
        )
        observer.source = super().subscribe(
            observer.on_next, on_completed=observer.on_completed, scheduler=scheduler
        )
        return Disposable(observer.dispose)


_CoroutineFunction: TypeAlias = Callable[[_T], Coroutine[Any, Any, object]]


def _is_coroutine_function(function: object) -> bool:
    called = getattr(type(function), "__call__", None)  # noqa: B004 -- its kind counts
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


class _CoroutineObserver(Generic[_T]):
    """Runs a coroutine function for each value, by a task while there are any."""

    # A loop forgets a task that nobody holds, also in the middle of its work.
    _working: ClassVar[set[asyncio.Task[None]]] = set()

    def __init__(
        self,
        observe: _CoroutineFunction[_T],
        on_error: abc.OnError | None,
        on_completed: abc.OnCompleted | None,
        limit: int | None,
    ) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError as error:
            message = "a coroutine observer needs a running loop; subscribe inside one"
            raise UsageError(message) from error
        self._observe = observe
        self._on_error = on_error
        self._on_completed = on_completed
        self._limit = limit
        self._waiting: deque[_T] = deque(maxlen=1 if limit is None else None)
        self._task: asyncio.Task[None] | None = None
        self._has_ended = False  # nothing comes any more
        self._is_disposed = False  # nothing is wanted any more
        self.source: abc.DisposableBase = Disposable()

    def on_next(self, value: _T) -> None:
        if self._limit is not None and len(self._waiting) >= self._limit:
            self._give_up(MailboxFullError(self._limit))
            return
        self._waiting.append(value)
        self._work_soon()

    def on_completed(self) -> None:
        self._has_ended = True
        if not self._is_working():
            self._complete()

    def dispose(self) -> None:
        self._has_ended = self._is_disposed = True
        self._waiting.clear()
        self.source.dispose()
        if self._task is not None and self._task is not _current_task():
            self._task.cancel()

    def _give_up(self, error: Exception) -> None:
        logger.error("coroutine observer given up: %s", error)
        self.dispose()
        if self._on_error is not None:
            self._on_error(error)

    def _is_working(self) -> bool:
        return self._task is not None and not self._task.done()

    def _work_soon(self) -> None:
        if not self._is_working():
            self._task = self._loop.create_task(self._work())
            self._working.add(self._task)
            self._task.add_done_callback(self._working.discard)

    async def _work(self) -> None:
        while self._waiting:
            await self._run(self._waiting.popleft())
        # Nothing comes between the last look and the end of this task.
        if self._has_ended and not self._is_disposed:
            self._complete()

    def _complete(self) -> None:
        if self._on_completed is not None:
            guarded(self._on_completed)

    async def _run(self, value: _T) -> None:
        try:
            await self._observe(value)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            logger.exception("coroutine observer awaited something cancelled")
        except Exception:
            logger.exception("coroutine observer raised; its subscription stays")


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # disposed outside the loop
        return None
