"""When a timed operator of RxPY acts: on the clock port, in the loop's thread."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from reactivex import abc
from reactivex.disposable import (
    CompositeDisposable,
    Disposable,
    SingleAssignmentDisposable,
)
from reactivex.scheduler import CurrentThreadScheduler, TimeoutScheduler
from reactivex.scheduler.periodicscheduler import PeriodicScheduler
from reactivex.typing import AbsoluteTime, RelativeTime, ScheduledAction

from utd_stream.errors import UsageError
from utd_stream.ports import Clock

__all__ = ["ClockScheduler", "PipeScheduler", "refuse_threads"]

_State = TypeVar("_State")


class ClockScheduler(PeriodicScheduler):
    """An RxPY scheduler on a clock of this package.

    For what begins at RxPY, in a session's program or in an embedded world::

        ticks = reactivex.interval(1.0, scheduler=ClockScheduler(world.clock))

    Observables of this package use one by themselves, see `Observed.scheduler`.
    Actions run in the thread of the loop, and none runs after its disposable
    was disposed.  In a `utd_stream.testing.Simulation` they follow its virtual
    time.  What an action raises goes to the loop's exception handler, as with
    RxPY's own `AsyncIOScheduler`.

    Args:
        clock: Whose time it follows.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        # Operators subtract two of these: a date set back must not stop them.
        self._origin = clock.now() - timedelta(seconds=clock.monotonic())

    @property
    def now(self) -> datetime:
        """The date of the clock when this was made, and what has passed since.

        UTC and aware; it never goes back.
        """
        return self._origin + timedelta(seconds=self._clock.monotonic())

    def schedule(
        self, action: ScheduledAction[_State], state: _State | None = None
    ) -> abc.DisposableBase:
        """Run *action* in the next turn of the loop.

        Raises:
            UsageError: If no loop runs here.
        """
        return self.schedule_relative(0.0, action, state)

    def schedule_relative(
        self,
        duetime: RelativeTime,
        action: ScheduledAction[_State],
        state: _State | None = None,
    ) -> abc.DisposableBase:
        """Run *action* after *duetime*, in seconds or as a timedelta.

        Raises:
            UsageError: If no loop runs here.
        """
        result = SingleAssignmentDisposable()

        def run() -> None:
            result.disposable = self.invoke_action(action, state=state)

        cancel = self._clock.call_later(self.to_seconds(duetime), run)
        return CompositeDisposable(result, Disposable(cancel))

    def schedule_absolute(
        self,
        duetime: AbsoluteTime,
        action: ScheduledAction[_State],
        state: _State | None = None,
    ) -> abc.DisposableBase:
        """Run *action* at *duetime*, an aware datetime or seconds since 1970.

        Raises:
            UsageError: If no loop runs here.
        """
        return self.schedule_relative(
            self.to_datetime(duetime) - self.now, action, state
        )


class PipeScheduler(ClockScheduler):
    """What an operator gets that names no scheduler: only waiting takes a turn.

    Operators that need no time, such as ``start_with`` and ``retry``, act at once,
    as they do in RxPY: a turn later they would have missed events.
    """

    def schedule(
        self, action: ScheduledAction[_State], state: _State | None = None
    ) -> abc.DisposableBase:
        """Run *action* now, or after the actions that run now."""

        def run(
            _: abc.SchedulerBase, state: _State | None = None
        ) -> abc.DisposableBase | None:
            # Of this scheduler: the other one waits by blocking the thread.
            return action(self, state)

        return CurrentThreadScheduler.singleton().schedule(run, state)


def refuse_threads(scheduler: abc.SchedulerBase | None) -> None:
    """Refuse the scheduler that RxPY falls back to, which acts in a thread.

    Raises:
        UsageError: If *scheduler* is that one.
    """
    if isinstance(scheduler, TimeoutScheduler):
        message = (
            "a timed operator would act in another thread: begin its pipe at a "
            "Latest or Events, or pass scheduler=session.scheduler to subscribe"
        )
        raise UsageError(message)
