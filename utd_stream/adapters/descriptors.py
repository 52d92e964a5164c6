"""How many files and sockets this process may hold open."""

from __future__ import annotations

import resource

__all__ = ["raise_descriptor_limit"]


def raise_descriptor_limit() -> int:
    """Raise the soft limit to the hard one; return what is in force now.

    One connected LiveKit room holds about 130 descriptors.  Where the system
    forbids more, the limit stays as it is.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            # macOS names no hard limit, and yet takes no unlimited one.
            return soft
    return hard
