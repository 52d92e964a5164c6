"""Libraries that not everybody has installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from utd_stream.errors import UsageError

__all__ = ["need_av", "need_sounddevice"]


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


def need_sounddevice() -> Any:
    """Return sounddevice, which works by PortAudio.

    Raises:
        UsageError: If one of them is not installed; the message says how it is.
    """
    try:
        return import_module("sounddevice")
    except ImportError as error:
        message = (
            "microphones need sounddevice, which is not installed: "
            "pip install 'utd-stream[devices]'"
        )
        raise UsageError(message) from error
    except OSError as error:
        message = (
            f"microphones need PortAudio: {error}; install it, such as by "
            "apt install libportaudio2"
        )
        raise UsageError(message) from error
