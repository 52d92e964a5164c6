"""Files by their names, and why they cannot be used."""

from __future__ import annotations

import os
from pathlib import Path

from utd_stream.errors import InvalidArgumentError

__all__ = ["checked_path", "reason_of"]


def checked_path(path: str | os.PathLike[str]) -> Path:
    """Return *path* as a `Path`.

    Raises:
        InvalidArgumentError: If it is neither a str nor a path.
    """
    try:
        return Path(path)
    except TypeError as error:
        message = f"a file is named by a str or a Path, not {type(path).__name__}"
        raise InvalidArgumentError(message) from error


def reason_of(error: Exception) -> str:
    """Return what the system says, without number and name where it tells them."""
    return getattr(error, "strerror", None) or str(error)
