"""What is now, and what happened.

A `Latest` is a value that can be read now and watched from now on.  `Events`
tells what happens, once.  Both are RxPY observables, can be read by ``async
for``, and waited for by ``until``.  The sources are their write sides.

Operators of RxPY apply, by ``pipe``.  Timed ones need no scheduler there: they
follow the clock of the session, and so the virtual time of a simulation.  A
pipe ends in a function or in a coroutine function.  What is made by RxPY alone,
such as ``reactivex.merge(...)`` or a group of ``group_by``, is given
``session.scheduler`` and ended by `subscribe_async`.

Values of one session are combined by ``session.snapshot.derive(...)``.  RxPY's
``combine_latest`` would also emit pairs that never were: one value from after a
change with another from before it.

Everything here belongs to the thread of one loop.
"""

from utd_stream.reactive._coroutines import subscribe_async
from utd_stream.reactive._events import Events, EventsReader, EventsSource
from utd_stream.reactive._latest import Latest, LatestSource
from utd_stream.reactive._observed import Observed
from utd_stream.reactive._scheduler import ClockScheduler

__all__ = [
    "ClockScheduler",
    "Events",
    "EventsReader",
    "EventsSource",
    "Latest",
    "LatestSource",
    "Observed",
    "subscribe_async",
]
