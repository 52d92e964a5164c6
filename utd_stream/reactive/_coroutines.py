"""Coroutine functions as observers."""

from __future__ import annotations

import asyncio
import inspect
import operator
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar, Generic, TypeAlias, TypeGuard, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable, SingleAssignmentDisposable

from utd_stream.errors import InvalidArgumentError, MailboxFullError, UsageError
from utd_stream.reactive._describing import described
from utd_stream.reactive._guard import guarded, log_failure, logger

__all__ = [
    "LIMIT",
    "CoroutineFunction",
    "CoroutineObserver",
    "is_coroutine_function",
    "subscribe_async",
]

_T = TypeVar("_T")

CoroutineFunction: TypeAlias = Callable[[_T], Coroutine[Any, Any, object]]

# How many values wait for a reader, or a coroutine observer, that is busy.
LIMIT = 1_024


def subscribe_async(  # noqa: PLR0913 -- those of RxPY, and a limit
    source: Observable[_T],
    on_next: CoroutineFunction[_T],
    on_error: abc.OnError | None = None,
    on_completed: abc.OnCompleted | None = None,
    *,
    limit: int | None = LIMIT,
    scheduler: abc.SchedulerBase | None = None,
) -> abc.DisposableBase:
    """Run a coroutine function for each value of any observable, in order.

    A `Latest`, `Events`, and what their `pipe` returns take a coroutine
    function in `subscribe`; this is for all others, such as a group of
    `group_by` or ``reactivex.merge(...)``.  A value that comes in another
    thread is handed to the loop.

    Args:
        source: What to observe.
        on_next: Run for one value at a time; what it raises is logged, and its
            subscription stays.
        on_error: Called when an operator failed, or with the `MailboxFullError`
            when the observer fell too far behind; logged if None.
        on_completed: Called when *source* has completed, and *on_next* has
            seen all there was.
        limit: How many values wait while *on_next* is busy, at least one; one
            more gives the observer up.  None keeps the newest alone.
        scheduler: For timed operators that name none, such as
            `UTDSession.scheduler`.

    Returns:
        What ends the subscription when it is disposed; that cancels the
        coroutine in flight, unless it is the one that disposes.

    Raises:
        UsageError: If no loop runs here.
        InvalidArgumentError: If *limit* is less than one.
    """
    if limit is not None and limit < 1:
        message = f"a mailbox holds at least one value, not {limit}"
        raise InvalidArgumentError(message)
    observer = CoroutineObserver(on_next, on_error, on_completed, limit)
    observer.source.disposable = source.subscribe(
        observer.on_next, observer.on_error, observer.on_completed, scheduler=scheduler
    )
    return Disposable(observer.dispose)


def is_coroutine_function(function: object) -> TypeGuard[CoroutineFunction[Any]]:
    """Whether calling *function* gives a coroutine."""
    called = getattr(type(function), "__call__", None)  # noqa: B004 -- its kind counts
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


class CoroutineObserver(Generic[_T]):
    """Runs a coroutine function for each value, by a task while there are any."""

    # A loop forgets a task that nobody holds, also in the middle of its work.
    _working: ClassVar[set[asyncio.Task[None]]] = set()

    def __init__(
        self,
        observe: CoroutineFunction[_T],
        on_error: abc.OnError | None,
        on_completed: abc.OnCompleted | None,
        limit: int | None,
    ) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError as error:
            message = (
                "a coroutine observer needs a running loop: subscribe in a "
                "coroutine, or in a Simulation by "
                "simulation.act(values.subscribe, function)"
            )
            raise UsageError(message) from error
        self._thread = threading.get_ident()
        self._observe = observe
        self._on_error = on_error
        self._on_completed = on_completed
        self._limit = limit
        self._waiting: deque[_T] = deque(maxlen=1 if limit is None else None)
        self._task: asyncio.Task[None] | None = None
        self._error: Exception | None = None
        self._has_ended = False  # nothing comes any more
        self._is_disposed = False  # nothing is wanted any more
        # It may be disposed before there is a subscription: by the first values.
        self.source = SingleAssignmentDisposable()

    def on_next(self, value: _T) -> None:
        """Take a value, from any thread."""
        self._in_loop(partial(self._take, value))

    def on_error(self, error: Exception) -> None:
        """Take the failure of an operator, from any thread."""
        self._in_loop(partial(self._end, error))

    def on_completed(self) -> None:
        """Take the end, from any thread."""
        self._in_loop(self._end)

    def dispose(self) -> None:
        """Take nothing any more; cancel the coroutine, unless it is this one."""
        self._in_loop(self._dispose)

    def _dispose(self) -> None:
        self._has_ended = self._is_disposed = True
        self._waiting.clear()
        self.source.dispose()
        if self._task is not None and self._task is not _current_task():
            self._task.cancel()

    def _in_loop(self, act: Callable[[], None]) -> None:
        is_here = threading.get_ident() == self._thread or not self._loop.is_running()
        run = operator.call if is_here else self._loop.call_soon_threadsafe
        run(act)

    def _take(self, value: _T) -> None:
        if self._has_ended:
            return
        if self._limit is not None and len(self._waiting) >= self._limit:
            self._give_up(MailboxFullError(self._limit))
            return
        self._waiting.append(value)
        if not self._is_working():
            self._task = self._loop.create_task(self._work())
            self._working.add(self._task)
            self._task.add_done_callback(self._working.discard)

    def _end(self, error: Exception | None = None) -> None:
        self._has_ended = True
        self._error = error
        if not self._is_working():
            self._finish()

    def _give_up(self, error: Exception) -> None:
        logger.error("%s was given up: %s", described(self._observe), error)
        self._dispose()
        if self._on_error is not None:
            guarded(partial(self._on_error, error))

    def _is_working(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _work(self) -> None:
        while self._waiting:
            await self._run(self._waiting.popleft())
        # Nothing comes between the last look and the end of this task.
        if self._has_ended:
            self._finish()

    def _finish(self) -> None:
        if self._is_disposed:
            return
        if self._error is None:
            guarded(self._on_completed or (lambda: None))
        else:
            tell = self._on_error or partial(log_failure, described(self._observe))
            guarded(partial(tell, self._error))

    async def _run(self, value: _T) -> None:
        who = described(self._observe)
        try:
            await self._observe(value)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            logger.exception("%s awaited something cancelled", who)
        except Exception:  # noqa: BLE001 -- logged
            logger.exception("%s raised; its subscription stays", who)


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # disposed outside the loop
        return None
