"""How many files and sockets this process may hold open.

One connected LiveKit room holds about 130 descriptors and takes some more
while it connects; its native client ends the process when there are none.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from utd_stream.errors import DescriptorLimitError

__all__ = ["check_descriptors", "raise_descriptor_limit"]

_PER_ROOM = 200


def raise_descriptor_limit() -> int | None:
    """Raise the soft limit to the hard one; return what is in force now.

    Where the system forbids more, the limit stays as it is; None where there
    is no such limit.
    """
    if sys.platform == "win32":  # handles are not limited like this there
        return None
    import resource  # noqa: PLC0415 -- not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            # macOS names no hard limit, and yet takes no unlimited one.
            return soft
    return hard


def check_descriptors() -> None:
    """Refuse where LiveKit's native client would run out, and end the process.

    Raises:
        DescriptorLimitError: If fewer than 200 are left.
    """
    counted = _counted()
    if counted is None:
        return
    used, limit = counted
    if limit - used < _PER_ROOM:
        wanted = 1 << (used + _PER_ROOM - 1).bit_length()
        raise DescriptorLimitError(max(limit - used, 0), wanted)


def _counted() -> tuple[int, int] | None:
    """Return (open ones, soft limit), or None where nothing limits or tells them."""
    if sys.platform == "win32":  # handles are not limited like this there
        return None
    import resource  # noqa: PLC0415 -- not on Windows

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return None
    for folder in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError):
            return len(tuple(Path(folder).iterdir())), limit
    return None
