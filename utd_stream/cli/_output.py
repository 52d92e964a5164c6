"""Standard output and error that a command outlives.

A reader that has seen enough closes its pipe, a disk is full, a supervisor
closes what it does not want.  A command that serves or judges goes on without
them: what it prints is not what it is for.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from contextlib import suppress
from typing import Any, TextIO

__all__ = ["lost", "outlive_readers", "say"]

_STANDARD = (0, 1, 2)


class _Lasting(io.FileIO):
    """A descriptor whose first failure is kept, and is the last."""

    error: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write *data*, or drop it once nothing can be written."""
        try:
            while (written := super().write(data)) is None:
                # Somebody who shares it has made it non-blocking.
                select.select([], [self], [])
        except OSError as error:
            self.error = error
            _divert(self.fileno())
            return memoryview(data).nbytes
        return written


def outlive_readers() -> None:
    """Let later prints neither fail nor end the process.

    Call it first in a process: a file that is opened later, such as a database,
    would get the number of a standard descriptor that is closed.
    """
    for number in _STANDARD:
        try:
            os.fstat(number)
        except OSError:
            _divert(number)
    sys.stdout = _text(sys.stdout, 1)
    sys.stderr = _text(sys.stderr, 2)


def lost() -> OSError | None:
    """Return why something that was printed is lost, and forget it.

    None also where a reader has closed its end: it has seen what it wanted.
    """
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if not isinstance(raw, _Lasting) or raw.error is None:
        return None
    error, raw.error = raw.error, None
    return None if error.errno == errno.EPIPE else error


def say(text: str) -> None:
    """Print a line about this command itself on standard error."""
    sys.stderr.write(f"utd-stream: {text}\n")
    sys.stderr.flush()


def _text(stream: TextIO | None, number: int) -> TextIO:
    # Python leaves None for what was closed when the process began.
    encoding = stream.encoding if stream is not None else "utf-8"
    raw = _Lasting(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        errors="backslashreplace",  # a terminal of ASCII shows any name somehow
        line_buffering=number == 2 or raw.isatty(),  # noqa: PLR2004 -- standard error
    )


def _divert(number: int) -> None:
    # In a bare root there is no /dev/null; what cannot be written fails again.
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere != number:
            os.dup2(nowhere, number)
            os.close(nowhere)
