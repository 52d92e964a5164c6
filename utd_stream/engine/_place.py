"""The file that a database was opened as.

SQLite goes on writing into a file that was removed or replaced while it was
open, and all of it is gone with the process.  So the writer looks, before and
after each commit, whether the file under the database's name is the one it
has open, and its write-ahead log likewise; the readiness of the engine looks
every two seconds.  While it is another, or none, nothing is written.  The same
file moved back, the engine goes on; to use another one it must be restarted.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from utd_stream.errors import UnavailableError

__all__ = ["DatabaseGoneError", "Place"]

_LOG = logging.getLogger(__name__)
_WAL = "-wal"


class DatabaseGoneError(UnavailableError):
    """The database's file was removed or replaced while it was open."""


class Place:
    """Where a database is; for one thread at a time.

    Args:
        file: As SQLite has it open; empty for a database in memory.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._files = [Path(file), Path(file + _WAL)] if file else []
        # As they were first seen; the log is made by the first commit.
        self._seen: dict[Path, tuple[int, int]] = {}
        self._is_gone = False
        self._look()

    @property
    def is_file(self) -> bool:
        """Whether there is a file that could go."""
        return bool(self._files)

    def check(self) -> None:
        """Refuse to go on if the files are not those that were opened.

        The first time, and when they are back, the log says so in one line.

        Raises:
            DatabaseGoneError: If so.
        """
        is_gone = not self._look()
        if is_gone != self._is_gone:
            self._is_gone = is_gone
            if is_gone:
                _LOG.error(
                    "the database %s was removed or replaced while it was open:"
                    " nothing is written until the same file is back; restart the"
                    " engine to use another",
                    self._file,
                )
            else:
                _LOG.warning("the database %s is back: writing goes on", self._file)
        if is_gone:
            message = "the database was removed or replaced; see the engine's log"
            raise DatabaseGoneError(message)

    def closed(self) -> None:
        """Expect another write-ahead log: SQLite removes it with its connection."""
        for log in self._files[1:]:
            self._seen.pop(log, None)

    def _look(self) -> bool:
        """Return whether what was seen before is there and the same."""
        for file in self._files:
            try:
                found = os.stat(file)  # noqa: PTH116 -- twice a commit, so the cheaper
            except OSError:
                if file in self._seen:
                    return False
                continue
            here = (found.st_dev, found.st_ino)
            if self._seen.setdefault(file, here) != here:
                return False
        return True
