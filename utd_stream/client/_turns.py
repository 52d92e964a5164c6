"""One connect at a time for each identity in each room.

The SFU lets the newest connection of an identity in and pushes the older one
out.  A client that is pushed out while it still connects does not hear of it:
it comes in 15 s later and pushes the newer one out.  So a connect begins only
when the one before it has ended and, if its caller has gone, is undone.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary, WeakValueDictionary

from utd_stream.wire import token_holder

__all__ = ["turn_to_connect"]

# Shared by the whole process, since two clients may have one identity.  A lock lives
# while a connect holds it or waits for it.
_turns: WeakKeyDictionary[
    asyncio.AbstractEventLoop, WeakValueDictionary[tuple[str, ...], asyncio.Lock]
] = WeakKeyDictionary()


def turn_to_connect(url: str, token: str) -> asyncio.Lock:
    """Return the lock of the identity and room that *token* names.

    Args:
        url: Of the SFU.
        token: A media token; one that cannot be read gets a lock of its own.
    """
    holder = token_holder(token)
    if holder is None:
        return asyncio.Lock()
    turns = _turns.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    return turns.setdefault((url.rstrip("/"), *holder), asyncio.Lock())
