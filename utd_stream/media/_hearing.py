"""A microphone, by PortAudio; every method blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from utd_stream.errors import DeviceError

__all__ = ["Microphone"]

_RATE_HZ = 48_000
_BLOCK = 480


class Microphone:
    """One microphone, opened once.

    Args:
        sounddevice: The library, which has no types.
        name: A part of its name; None for the system's own choice.
        put: Takes each block, and an empty one as the end; in a thread of its own.
    """

    def __init__(
        self, sounddevice: Any, name: str | None, put: Callable[[bytes], None]
    ) -> None:
        self._sounddevice = sounddevice
        self._name = name
        self._put = put
        self._stream: Any = None

    def open(self) -> None:
        """Begin to listen.

        Raises:
            DeviceError: If it is not there, or is in use.
        """
        try:
            self._stream = self._sounddevice.RawInputStream(
                samplerate=_RATE_HZ,
                channels=1,
                dtype="int16",
                blocksize=_BLOCK,
                device=self._name,
                callback=self._heard,
                finished_callback=lambda: self._put(b""),
            )
            self._stream.start()
        except (self._sounddevice.PortAudioError, ValueError) as error:
            name = "" if self._name is None else f" {self._name!r}"
            message = f"microphone{name} cannot be opened: {error}; {self._choices()}"
            raise DeviceError(message) from error

    def gone(self) -> str:
        """Say that it is there no more."""
        return f"the microphone is gone: was it unplugged? {self._choices()}"

    def close(self) -> None:
        """Listen no more; it need not be open."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _heard(self, samples: Any, *_: Any) -> None:
        self._put(bytes(samples))

    def _choices(self) -> str:
        names = [
            device["name"]
            for device in self._sounddevice.query_devices()
            if device["max_input_channels"] > 0
        ]
        if not names:
            return "there is none here; a Tone, a FileSource or frames will do"
        return "there are " + ", ".join(map(repr, names))
