"""What happens, told once to those who listen."""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable
from functools import partial
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeGuard, TypeVar, overload

from reactivex import abc
from reactivex.disposable import Disposable

from utd_stream._border import HomeLoop, command
from utd_stream.errors import InvalidArgumentError, MailboxFullError
from utd_stream.ports import Clock
from utd_stream.reactive._coroutines import LIMIT
from utd_stream.reactive._describing import described
from utd_stream.reactive._guard import guarded
from utd_stream.reactive._observed import Observed
from utd_stream.reactive._waiting import Waiter

__all__ = ["Events", "EventsReader", "EventsSource"]

_T = TypeVar("_T")
_U = TypeVar("_U")
_E_contra = TypeVar("_E_contra", contravariant=True)


class Events(Observed[_T]):
    """Read side of what happens.

    Its own members are `until`, `iterate`, `subscribe`, `pipe` and ``async
    for``; the rest of ``help()`` is RxPY's.

    ``async for`` gives each event from when it began; see `iterate`.

    Emits:
        Each event once, in order, to those who are subscribed when it happens.
        Nothing is repeated for a later subscriber.  Never an error.

    Completes:
        When the owner closes; for a later subscriber at once.
    """

    def __init__(self, source: EventsSource[_T]) -> None:
        super().__init__(source.subscribe, source.clock, source.home, LIMIT)
        self._source = source

    def __repr__(self) -> str:
        count = self._source.listener_count
        told = "closed" if self._source.is_closed else f"heard by {count}"
        return f"<{type(self).__name__}: {told}>"

    @overload
    async def until(
        self, predicate: Callable[[_T], TypeGuard[_U]], timeout: float | None = None
    ) -> _U: ...
    @overload
    async def until(
        self, predicate: Callable[[_T], bool], timeout: float | None = None
    ) -> _T: ...
    @command
    async def until(
        self, predicate: Callable[[_T], bool], timeout: float | None = None
    ) -> Any:
        """Return the next event for which *predicate* holds.

        It listens from when it is awaited; what may happen before that is
        caught by `iterate`.  Nothing stays behind, however the waiting ends.
        Cancelling is safe.

        Args:
            predicate: What it raises is raised here.
            timeout: How long to wait, in seconds; None waits for ever.

        Raises:
            TransportTimeoutError: If none fitted in time; also a TimeoutError.
                It says what was wanted, and the kind of the last event.
            ClosedError: If the owner closed before one fitted.
            InvalidArgumentError: If it asks a coroutine function, or *timeout* is
                no number.
            UsageError: If they belong to another loop; at once.
        """
        waiting = _Waiting(
            Waiter(predicate, lambda: f"{described(predicate)} held for no event")
        )
        self._source.listen(waiting)
        try:
            return await waiting.waiter.outcome(
                self._source.clock, timeout, waiting.last
            )
        finally:
            self._source.ignore(waiting)

    def iterate(self, *, limit: int = LIMIT) -> EventsReader[_T]:
        """Return a reader of each event from now on, not only from its first use.

        Args:
            limit: How many unread events it keeps, at least one.  A reader
                that falls further behind is told so, and ends.

        Raises:
            InvalidArgumentError: If *limit* is less than one.
            UsageError: If they belong to another loop.
        """
        self._home.check("what you iterate over")
        if limit < 1:
            message = f"a mailbox holds at least one event, not {limit}"
            raise InvalidArgumentError(message)
        return EventsReader(self._source, limit)

    def __aiter__(self) -> AsyncIterator[_T]:
        return self.iterate()


class EventsReader(AsyncIterator[_T]):
    """One ``async for`` over `Events`, with a bounded mailbox.

    It ends when the owner has closed and all is read, when it falls behind,
    when it is cancelled while it waits, by `aclose` (``async with`` calls it),
    and when it is dropped, as by ``break``.
    """

    def __init__(self, source: EventsSource[_T], limit: int) -> None:
        self._home = source.home
        self._inbox: _Inbox[_T] = _Inbox(source, limit)
        source.listen(self._inbox)
        # Whoever breaks out of a loop drops its reader and cannot close it.
        self._detach = weakref.finalize(self, source.ignore, self._inbox)

    @command
    async def __anext__(self) -> _T:
        """Return the next event.

        Raises:
            UsageError: If it belongs to another loop.
            MailboxFullError: Once, after the events that were kept, if others
                had to be dropped.
        """
        try:
            return await self._inbox.take()
        except asyncio.CancelledError:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Listen no more, and forget what is unread; idempotent."""
        self._detach()
        self._inbox.discard()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


class _Listener(Protocol[_E_contra]):
    """Told each event, and that there will be no more."""

    def on_next(self, value: _E_contra, /) -> None: ...
    def on_completed(self) -> None: ...


class EventsSource(Generic[_T]):
    """Write side of `Events`.  Keep it private to the owner.

    An event emitted while another is being told is told after it, so that
    everybody hears them in the same order.

    Attributes:
        clock: By which `Events.until` measures its timeout.
        events: The read side.
        home: The loop that it belongs to.
        is_closed: Whether `close` was called.
    """

    __slots__ = (
        "_is_telling",
        "_listeners",
        "_queue",
        "clock",
        "events",
        "home",
        "is_closed",
    )

    def __init__(self, clock: Clock, home: HomeLoop | None = None) -> None:
        self._listeners: tuple[_Listener[_T], ...] = ()
        # None until something must wait: most rooms are quiet.
        self._queue: deque[Callable[[], None]] | None = None
        self._is_telling = False
        self.clock: Clock = clock
        self.home: HomeLoop = home or HomeLoop()
        self.is_closed: bool = False
        self.events: Events[_T] = Events(self)

    @property
    def listener_count(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    def emit(self, event: _T) -> None:
        """Tell *event* to those who listen now; nobody after the end."""
        if self.is_closed:
            return
        # Of now: somebody who comes while it waits behind another missed it.
        listeners = self._listeners

        def tell() -> None:
            for listener in listeners:
                guarded(partial(listener.on_next, event))

        self._enqueue(tell)

    def close(self) -> None:
        """Complete every subscription, after what was emitted; idempotent."""
        if self.is_closed:
            return
        self.is_closed = True
        listeners, self._listeners = self._listeners, ()

        def tell() -> None:
            for listener in listeners:
                guarded(listener.on_completed)

        self._enqueue(tell)

    def listen(self, listener: _Listener[_T]) -> None:
        """Tell *listener* of every event from now on; of the end, if it was."""
        if self.is_closed:
            guarded(listener.on_completed)
        else:
            self._listeners = (*self._listeners, listener)

    def ignore(self, listener: _Listener[_T]) -> None:
        """Tell *listener* of no event from now on; unknown ones are ignored."""
        self._listeners = tuple(one for one in self._listeners if one is not listener)

    def subscribe(
        self,
        observer: abc.ObserverBase[_T],
        scheduler: abc.SchedulerBase | None = None,  # noqa: ARG002 -- Rx signature
    ) -> abc.DisposableBase:
        """Tell *observer* of every event from now on."""
        self.listen(observer)
        return Disposable(lambda: self.ignore(observer))

    def _enqueue(self, tell: Callable[[], None]) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.append(tell)
        if self._is_telling:
            return
        self._is_telling = True
        try:
            while self._queue:
                self._queue.popleft()()
            self._queue = None
        finally:
            self._is_telling = False


class _Waiting(Generic[_T]):
    """One who waits for an event that fits."""

    __slots__ = ("_last", "waiter")

    def __init__(self, waiter: Waiter[_T]) -> None:
        self.waiter = waiter
        self._last: type[_T] | None = None

    def last(self) -> str:
        """Return the type of the last event; its data may be personal."""
        if self._last is None:
            return "there was no event"
        return f"the last event was a {self._last.__name__}"

    def on_next(self, value: _T) -> None:
        self._last = type(value)
        self.waiter.offer(value)

    def on_completed(self) -> None:
        self.waiter.close()


class _Inbox(Generic[_T]):
    """What one reader has not read yet."""

    __slots__ = ("_is_full", "_is_over", "_limit", "_news", "_source", "_unread")

    def __init__(self, source: EventsSource[_T], limit: int) -> None:
        self._source = source
        self._limit = limit
        self._unread: deque[_T] = deque()
        self._news = asyncio.Event()
        self._is_full = False
        self._is_over = False

    async def take(self) -> _T:
        while not self._unread and not self._is_over:
            self._news.clear()
            await self._news.wait()
        if self._unread:
            return self._unread.popleft()
        if self._is_full:
            self._is_full = False
            raise MailboxFullError(self._limit)
        raise StopAsyncIteration

    def discard(self) -> None:
        self._unread.clear()
        self._is_full = False
        self.on_completed()

    def on_next(self, value: _T) -> None:
        if len(self._unread) >= self._limit:
            self._is_full = True
            self._source.ignore(self)
            self.on_completed()
            return
        self._unread.append(value)
        self._news.set()

    def on_completed(self) -> None:
        self._is_over = True
        self._news.set()
