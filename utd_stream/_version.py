"""The version, where the package is installed."""

from __future__ import annotations

from importlib import metadata

__all__ = ["version"]


def version() -> str:
    """Return the installed version, or ``unknown``.

    A checkout on ``PYTHONPATH`` or a frozen program has no metadata to read.
    """
    try:
        return metadata.version("utd-stream") or "unknown"
    except (metadata.PackageNotFoundError, KeyError):  # none, or damaged
        return "unknown"
