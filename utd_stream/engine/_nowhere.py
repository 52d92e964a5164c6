"""The answer to a path that leads nowhere, with what a proxy may have done to it."""

from __future__ import annotations

from utd_stream.contract.endpoints import API_PREFIX
from utd_stream.errors import NotFoundError

__all__ = ["nothing_at"]

_NAMED = f"{API_PREFIX}/rooms/"


def nothing_at(path: str) -> NotFoundError:
    """Return the error of a request to *path*, decoded."""
    message = f"there is nothing at {path}"
    prefix, found, _ = path.partition(f"{API_PREFIX}/")
    if path.startswith(_NAMED):
        message += (
            "; a name with a slash must arrive as %2F, so a proxy must pass the"
            " path on undecoded"
        )
    elif found and prefix:
        message += f"; a proxy must take {prefix} off the path before it passes it on"
    return NotFoundError(message)
