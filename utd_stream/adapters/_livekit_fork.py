"""LiveKit's native client lives in threads, which a forked process does not have."""

from __future__ import annotations

import os

from utd_stream.errors import UsageError

__all__ = ["refuse_fork"]

_used_in: list[int] = []


def refuse_fork() -> None:
    """Note the process that uses the native client first; refuse its children.

    Raises:
        UsageError: If this process was forked from the one that used it.
    """
    if not _used_in:
        _used_in.append(os.getpid())
    if _used_in[0] != os.getpid():
        message = (
            "this process was forked after LiveKit's client was used, and would wait "
            "for ever: fork before its first use, or start processes by "
            'multiprocessing.get_context("spawn")'
        )
        raise UsageError(message)
