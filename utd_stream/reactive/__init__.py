"""What is now, and what happened.

A `Latest` is a value that can be read now and watched from now on.  `Events`
tells what happens, once.  Both are RxPY observables, can be read by ``async
for``, and waited for by ``until``.  The sources are their write sides.

Everything here belongs to the thread of one loop.
"""

from utd_stream.reactive._events import Events, EventsReader, EventsSource
from utd_stream.reactive._latest import Latest, LatestSource

__all__ = ["Events", "EventsReader", "EventsSource", "Latest", "LatestSource"]
