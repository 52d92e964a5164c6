"""Values that change over time.

A `Latest` is a value you can read now and watch from now on.  It replaces the
usual pair of a plain attribute and a change callback.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from functools import partial
from operator import eq
from typing import Any, Generic, Protocol, TypeAlias, TypeGuard, TypeVar, cast, overload

from reactivex import abc
from reactivex.disposable import Disposable

from utd_stream._border import HomeLoop, command
from utd_stream.errors import ClosedError
from utd_stream.ports import Clock
from utd_stream.reactive._describing import described
from utd_stream.reactive._guard import guarded, logger
from utd_stream.reactive._observed import Observed
from utd_stream.reactive._waiting import Waiter, shown

__all__ = ["Latest", "LatestSource"]

_T = TypeVar("_T")
_U = TypeVar("_U")
_Predicate: TypeAlias = Callable[[_T], bool]

# How much of a value is shown, in characters; some are whole rooms.
_SHOWN = 500


class Latest(Observed[_T]):
    """Read side of a changing value.

    Its own members are `value`, `derive`, `until`, `subscribe`, `pipe` and
    ``async for``; the rest of ``help()`` is RxPY's.

    ``async for`` gives the current value, then each that differs from the one
    it gave before.  It waits with a mailbox of one: a slow reader skips what
    lies between, never the newest.  It is attached only while it waits, so it
    may be dropped without a word.

    Emits:
        The current value at once, then each value that differs from the one
        before it.  Never an error: a failure is a value of the state.

    Completes:
        When the owner closes.  A later subscriber still receives the last
        value before the completion.
    """

    def __init__(self, origin: _Origin[_T]) -> None:
        super().__init__(origin.subscribe, origin.clock, origin.home, limit=None)
        self._origin = origin

    @property
    def value(self) -> _T:
        """The current value; stays readable after the owner closes."""
        return self._origin.value

    def __repr__(self) -> str:
        told = shown(self.value, _SHOWN)
        closed = ", closed" if self._origin.is_closed else ""
        return f"<{type(self).__name__}: {told}{closed}>"

    def derive(self, project: Callable[[_T], _U]) -> Latest[_U]:
        """Return the `Latest` of ``project(value)``; it closes with this one.

        It follows this one only while somebody watches it, so it may be
        dropped without a word.  *project* must be pure, and must not raise.
        """
        return Latest(_Derived(self._origin, project))

    @overload
    async def until(
        self, wanted: Callable[[_T], TypeGuard[_U]], timeout: float | None = None
    ) -> _U: ...
    @overload
    async def until(
        self, wanted: _Predicate[_T] | _T, timeout: float | None = None
    ) -> _T: ...
    @command
    async def until(
        self, wanted: _Predicate[_T] | _T, timeout: float | None = None
    ) -> Any:
        """Return the first value that is *wanted*, the current included.

        Each value is looked at as it is set, so none that fits is missed.
        Nothing stays behind, however the waiting ends.  Cancelling is safe.

        Args:
            wanted: The value, or what says of one whether it is; whatever can
                be called is asked.  It should fit the final state, too.  What
                it raises is raised here.
            timeout: How long to wait, in seconds; None waits for ever.

        Raises:
            TransportTimeoutError: If none fitted in time; also a TimeoutError.
                It says what was wanted, and the last value.
            ClosedError: If the owner closed before one fitted.
            InvalidArgumentError: If it asks a coroutine function, or *timeout* is
                no number.
            UsageError: If it belongs to another loop; at once.
        """
        waiter = Waiter(_fitting(wanted), partial(_missing, wanted))
        waiting = _Waiting(self._origin, waiter)
        waiting.changed()
        if self._origin.is_closed:
            waiting.closed()
        self._origin.watch(waiting)
        try:
            return await waiter.outcome(
                self._origin.clock,
                timeout,
                lambda: f"the last value is {shown(self.value)}",
            )
        finally:
            self._origin.unwatch(waiting)

    def __aiter__(self) -> AsyncIterator[_T]:
        return _Reader(self)


def _fitting(wanted: Any) -> Callable[[Any], bool]:
    if callable(wanted):
        return cast("Callable[[Any], bool]", wanted)
    return partial(eq, wanted)


def _missing(wanted: object) -> str:
    if callable(wanted):
        return f"{described(wanted)} held for no value"
    return f"{shown(wanted)} did not come"


class _Watcher(Protocol):
    """Told that its origin may have changed, and that it has closed."""

    def changed(self) -> None: ...
    def closed(self) -> None: ...


class _Origin(Generic[_T]):
    """A current value and those who watch it."""

    __slots__ = ("_current", "_watchers", "clock", "home")

    def __init__(self, value: _T, clock: Clock, home: HomeLoop) -> None:
        self._current = value
        self._watchers: tuple[_Watcher, ...] = ()
        self.clock: Clock = clock
        self.home: HomeLoop = home

    @property
    def value(self) -> _T:
        """The current value."""
        return self._current

    @property
    @abstractmethod
    def is_closed(self) -> bool:
        """Whether the value has changed for the last time."""

    @property
    def is_watched(self) -> bool:
        """Whether anybody is told of changes now."""
        return bool(self._watchers)

    def watch(self, watcher: _Watcher) -> None:
        """Tell *watcher* of every change from now on."""
        self._watchers = (*self._watchers, watcher)

    def unwatch(self, watcher: _Watcher) -> None:
        """Tell *watcher* no more; unknown ones are ignored."""
        self._watchers = tuple(w for w in self._watchers if w is not watcher)

    def subscribe(
        self,
        observer: abc.ObserverBase[_T],
        scheduler: abc.SchedulerBase | None = None,  # noqa: ARG002 -- Rx signature
    ) -> abc.DisposableBase:
        """Deliver the current value to *observer*, then follow the changes."""
        subscription = _Subscription(self, observer)
        # Watching starts before the first value is told: an observer that
        # causes the next value on hearing it must not miss that one.
        self.watch(subscription)
        guarded(subscription.changed)
        if self.is_closed:
            guarded(subscription.closed)
        return Disposable(lambda: self.unwatch(subscription))

    def _tell(self) -> None:
        for watcher in self._watchers:
            guarded(watcher.changed)

    def _complete(self) -> None:
        for watcher in self._watchers:
            guarded(watcher.closed)


class LatestSource(_Origin[_T]):
    """Write side of a `Latest`.  Keep it private to the owner of the value.

    Set it from one place, a mailbox say, not from an observer: those who have
    not been told yet would hear the newest value only.

    Attributes:
        latest: The read side.
    """

    __slots__ = ("_is_closed", "latest")

    def __init__(self, value: _T, clock: Clock, home: HomeLoop | None = None) -> None:
        super().__init__(value, clock, home or HomeLoop())
        self._is_closed = False
        self.latest: Latest[_T] = Latest(self)

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._is_closed

    def set(self, value: _T) -> None:
        """Publish *value* unless it equals the current one, or it is too late."""
        if self._is_closed or value == self._current:
            return
        self._current = value
        self._tell()

    def close(self) -> None:
        """Complete every subscription; idempotent."""
        if not self._is_closed:
            self._is_closed = True
            self._complete()


class _Derived(_Origin[_U]):
    """A value computed from another; watches it only while watched itself."""

    __slots__ = ("_base", "_moved", "_parent", "_project")

    def __init__(self, parent: _Origin[Any], project: Callable[[Any], _U]) -> None:
        self._parent = parent
        self._project = project
        self._base = parent.value
        self._moved = False  # since the watchers were told
        super().__init__(project(self._base), parent.clock, parent.home)

    @property
    def is_closed(self) -> bool:
        return self._parent.is_closed

    @property
    def value(self) -> _U:
        base = self._parent.value
        if base is not self._base:
            projected = self._project(base)
            self._base = base
            if projected != self._current:
                self._current = projected
                self._moved = True
        return self._current

    def watch(self, watcher: _Watcher) -> None:
        if not self._watchers:
            self._parent.watch(self)
        super().watch(watcher)

    def unwatch(self, watcher: _Watcher) -> None:
        super().unwatch(watcher)
        if not self._watchers:
            self._parent.unwatch(self)

    def changed(self) -> None:
        # Somebody may have read the value, and so moved it, before this call.
        try:
            _ = self.value
        except Exception:  # noqa: BLE001 -- logged
            logger.exception(
                "%s, given to derive(), raised; its observers miss this value, and "
                "stay subscribed",
                described(self._project),
            )
            return
        if self._moved:
            self._moved = False
            self._tell()

    def closed(self) -> None:
        self._complete()


class _Subscription(Generic[_T]):
    """One observer, and what it was told last."""

    __slots__ = ("_observer", "_origin", "_told")

    def __init__(self, origin: _Origin[_T], observer: abc.ObserverBase[_T]) -> None:
        self._origin = origin
        self._observer = observer
        self._told: list[_T] = []

    def changed(self) -> None:
        value = self._origin.value
        # A value set from inside a delivery has been told already, or has
        # taken back one that was not.
        if self._told != [value]:
            self._told = [value]
            self._observer.on_next(value)

    def closed(self) -> None:
        # Whoever closes from inside a delivery does so before some were told.
        guarded(self.changed)
        self._observer.on_completed()


class _Waiting(Generic[_T]):
    """One who waits for a value that fits."""

    __slots__ = ("_origin", "waiter")

    def __init__(self, origin: _Origin[_T], waiter: Waiter[_T]) -> None:
        self._origin = origin
        self.waiter = waiter

    def changed(self) -> None:
        self.waiter.offer(self._origin.value)

    def closed(self) -> None:
        self.changed()
        self.waiter.close()


class _Reader(Generic[_T]):
    """One ``async for`` over a `Latest`, and what it gave last."""

    __slots__ = ("_given", "_latest")

    def __init__(self, latest: Latest[_T]) -> None:
        self._latest = latest
        self._given: list[_T] = []

    def __aiter__(self) -> AsyncIterator[_T]:
        return self

    async def __anext__(self) -> _T:
        while True:
            try:
                await self._latest.until(self._is_news)
            except ClosedError:
                raise StopAsyncIteration from None
            # The newest, not the one that woke us; it may be the old one again.
            value = self._latest.value
            if self._is_news(value):
                self._given = [value]
                return value

    def _is_news(self, value: _T) -> bool:
        return [value] != self._given
