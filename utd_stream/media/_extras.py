"""Libraries that not everybody has installed."""

from __future__ import annotations

from importlib.util import find_spec

from utd_stream.errors import UsageError

__all__ = ["need_av"]


def need_av() -> None:
    """Look that PyAV is there.

    Raises:
        UsageError: If it is not installed; the message says how it is.
    """
    if find_spec("av") is None:
        message = (
            "media files and cameras need PyAV, which is not installed: "
            "pip install 'utd-stream[media]'"
        )
        raise UsageError(message)
