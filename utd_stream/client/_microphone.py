"""Checks of the source that an app gives as its microphone."""

from __future__ import annotations

from typing import NoReturn, TypeVar

from utd_stream.client._arguments import check_openable
from utd_stream.errors import InvalidArgumentError, RefusedError, UTDErrorCode
from utd_stream.models.rooms import SeatOccupancy
from utd_stream.ports import AudioSource

__all__ = ["check_microphone", "check_source", "refuse_video"]

_Source = TypeVar("_Source", bound=AudioSource | None)

_CHOICES = "microphone=Tone(440) or microphone=Silence()"


def check_microphone(source: AudioSource | None) -> None:
    """Refuse to speak without a source, before anything is asked.

    Raises:
        InvalidArgumentError: If there is none; it names the choices.
    """
    if source is None:
        message = f"no microphone is set: give the client one, such as {_CHOICES}"
        raise InvalidArgumentError(message)


def check_source(source: _Source) -> _Source:
    """Return *source* if it is an audio source, or None.

    Raises:
        InvalidArgumentError: If it has no method `open`; the message names sources.
    """
    check_openable(source, "a microphone", "AudioFrame", _CHOICES)
    return source


def refuse_video(trigger: str, state: SeatOccupancy) -> NoReturn:
    """Raise what a camera or a screen meets in an audio room."""
    code, hint = UTDErrorCode.FORBIDDEN.value, "an audio room carries microphones only"
    raise RefusedError(code, "occupancy", trigger, state.value, hint)
