"""What `Latest`, `Events` and their pipes have in common."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import cached_property, partial
from typing import Any, TypeVar, cast, overload

from reactivex import Observable, abc
from reactivex import operators as ops

from utd_stream._border import HomeLoop, staying
from utd_stream.ports import Clock
from utd_stream.reactive._coroutines import (
    CoroutineFunction,
    is_coroutine_function,
    subscribe_async,
)
from utd_stream.reactive._describing import described
from utd_stream.reactive._guard import guarded_observer, log_failure
from utd_stream.reactive._scheduler import (
    ClockScheduler,
    PipeScheduler,
    refuse_threads,
)

__all__ = ["Observed"]

_T = TypeVar("_T")
_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")
_D = TypeVar("_D")
_E = TypeVar("_E")
_F = TypeVar("_F")
_G = TypeVar("_G")


@staying
class Observed(Observable[_T]):
    """An RxPY observable of this package: a `Latest`, `Events`, or a pipe of one.

    It takes coroutine functions as observers, an observer that raises takes no
    value from another one, and timed operators in its pipes follow the clock of
    its owner: virtual time in a `utd_stream.testing.Simulation`.

    Args:
        subscribe: Begins a subscription.
        clock: Time for the operators of a pipe.
        home: The loop that it belongs to.
        limit: How many values wait for a coroutine observer that is busy; one
            more is an error.  None: the newest replaces the one that waits.
    """

    def __init__(
        self,
        subscribe: abc.Subscription[_T],
        clock: Clock,
        home: HomeLoop,
        limit: int | None,
    ) -> None:
        super().__init__(subscribe)
        self._home = home
        self._clock = clock
        self._limit = limit

    @cached_property
    def scheduler(self) -> ClockScheduler:
        """A scheduler, for operators and observables that must be given one.

        Pipes that begin here follow the same clock where an operator names none.
        """
        return ClockScheduler(self._clock)

    def subscribe(
        self,
        on_next: abc.ObserverBase[_T] | Callable[[_T], object] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Tell an observer, or these functions, from now on.

        What an observer raises is logged, and its subscription stays.  A
        coroutine function is run for one value at a time, in order.  Of the
        values that come meanwhile, a `Latest` and its pipes keep the newest;
        `Events` and their pipes keep 1,024, and give up an observer that falls
        further behind.  If a function inside an operator raises, the
        subscription ends.

        Args:
            on_next: An observer, a function, or a coroutine function.
            on_error: Called when an operator failed, or with the
                `MailboxFullError` when a coroutine observer was given up.
                Without it a failure is logged.
            on_completed: Called when the owner has closed, and a coroutine
                observer has seen all there was.
            scheduler: For operators that name none.  By default they wait on the
                clock of the owner, and act at once where they need no time.

        Returns:
            What ends the subscription when it is disposed; that cancels the
            coroutine in flight, unless it is the one that disposes.

        Raises:
            UsageError: If a coroutine function is given outside a loop, an
                operator would act in another thread, or this belongs to
                another loop.
        """
        self._home.check("what you subscribe to")
        refuse_threads(scheduler)
        if is_coroutine_function(on_next):
            observe = cast("CoroutineFunction[_T]", on_next)
            return subscribe_async(
                self,
                observe,
                on_error,
                on_completed,
                limit=self._limit,
                scheduler=scheduler,
            )
        if isinstance(on_next, abc.ObserverBase) or hasattr(on_next, "on_next"):
            observer = cast("abc.ObserverBase[_T]", on_next)
            return super().subscribe(
                guarded_observer(observer.on_next),
                observer.on_error,
                observer.on_completed,
                scheduler=scheduler or PipeScheduler(self._clock),
            )
        return super().subscribe(
            None if on_next is None else guarded_observer(on_next),
            on_error or partial(log_failure, described(on_next)),
            on_completed,
            scheduler=scheduler or PipeScheduler(self._clock),
        )

    # What ends in an observable ends in one of ours; RxPY's own says less.
    @overload  # type: ignore[override]  # it returns a subclass
    def pipe(
        self,
        op1: Callable[[Observable[_T]], Observable[_A]],
        /,
    ) -> Observed[_A]: ...

    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T]], _A],
        /,
    ) -> _A: ...

    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T]], _A],
        op2: Callable[[_A], Observable[_B]],
        /,
    ) -> Observed[_B]: ...

    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T]], _A],
        op2: Callable[[_A], _B],
        /,
    ) -> _B: ...

    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], Observable[_C]],
        /,
    ) -> Observed[_C]: ...

    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], _C],
        /,
    ) -> _C: ...

    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], _C],
        op4: Callable[[_C], Observable[_D]],
        /,
    ) -> Observed[_D]: ...

    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], _C],
        op4: Callable[[_C], _D],
        /,
    ) -> _D: ...

    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], _C],
        op4: Callable[[_C], _D],
        op5: Callable[[_D], Observable[_E]],
        /,
    ) -> Observed[_E]: ...

    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], _C],
        op4: Callable[[_C], _D],
        op5: Callable[[_D], _E],
        /,
    ) -> _E: ...

    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], _C],
        op4: Callable[[_C], _D],
        op5: Callable[[_D], _E],
        op6: Callable[[_E], Observable[_F]],
        /,
    ) -> Observed[_F]: ...

    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], _C],
        op4: Callable[[_C], _D],
        op5: Callable[[_D], _E],
        op6: Callable[[_E], _F],
        /,
    ) -> _F: ...

    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], _C],
        op4: Callable[[_C], _D],
        op5: Callable[[_D], _E],
        op6: Callable[[_E], _F],
        op7: Callable[[_F], Observable[_G]],
        /,
    ) -> Observed[_G]: ...

    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], _C],
        op4: Callable[[_C], _D],
        op5: Callable[[_D], _E],
        op6: Callable[[_E], _F],
        op7: Callable[[_F], _G],
        /,
    ) -> _G: ...

    def pipe(  # pyright: ignore[reportIncompatibleMethodOverride] -- it returns a subclass
        self, *operators: Callable[[Any], Any]
    ) -> Any:
        """Return what RxPY's *operators* make of this, from left to right.

        An observable that comes out is one of this package again.  The few
        that are of a kind of their own, such as the connectable one of
        ``publish``, and observables that RxPY hands out inside, such as the
        groups of ``group_by``, stay RxPY's: end those with `subscribe_async`.
        """
        result: Any = self
        for operator in operators:
            result = self._adopt(operator(result))
        return result

    def __await__(self) -> Generator[Any, None, _T]:
        """Wait for the end, and return the last value."""
        return self.pipe(ops.to_future()).__await__()

    def _adopt(self, made: Any) -> Any:
        # Each step is ours: an operator may subscribe without a scheduler.
        if type(made) is not Observable:
            return made
        foreign = cast("Observable[object]", made)

        def subscribe(
            observer: abc.ObserverBase[object],
            scheduler: abc.SchedulerBase | None = None,
        ) -> abc.DisposableBase:
            return foreign.subscribe(observer, scheduler=scheduler)

        return Observed(subscribe, self._clock, self._home, self._limit)
