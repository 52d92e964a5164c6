"""Checks of the sources that an app gives: its microphone, camera and screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, TypeAlias, cast

import attrs

from utd_stream.client._arguments import check_openable
from utd_stream.errors import InvalidArgumentError, RefusedError, UTDErrorCode
from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import SeatOccupancy
from utd_stream.ports import AudioSource, VideoSource

__all__ = ["AnySource", "check_given", "check_source", "given_sources", "refuse_video"]


AnySource: TypeAlias = AudioSource | VideoSource


@attrs.frozen
class _Words:
    """What a kind of source is called in errors."""

    name: str
    frame: str
    choices: str


_WORDS = {
    TrackSource.MICROPHONE: _Words(
        "microphone", "AudioFrame", "microphone=Tone(440) or microphone=Silence()"
    ),
    TrackSource.CAMERA: _Words("camera", "VideoFrame", "camera=TestPattern()"),
    TrackSource.SCREEN_SHARE: _Words("screen", "VideoFrame", "screen=TestPattern()"),
}


def given_sources(
    *, microphone: object, camera: object, screen: object
) -> Mapping[TrackSource, AnySource]:
    """Return what is given, by its kind.

    Raises:
        InvalidArgumentError: If one of them is no source; the message names some.
    """
    sources = dict(zip(_WORDS, (microphone, camera, screen), strict=True))
    for kind, source in sources.items():
        check_source(kind, source)
    return {
        kind: cast("AnySource", source)
        for kind, source in sources.items()
        if source is not None
    }


def check_given(kind: TrackSource, source: object) -> None:
    """Refuse to send without a source, before anything is asked.

    Raises:
        InvalidArgumentError: If there is none; it names the choices.
    """
    if source is None:
        words = _WORDS[kind]
        message = (
            f"no {words.name} is set: give the client one, such as {words.choices}"
        )
        raise InvalidArgumentError(message)


def check_source(kind: TrackSource, source: object) -> None:
    """Refuse what is no source of *kind*; None is let pass.

    Raises:
        InvalidArgumentError: If there is no such kind, or *source* has no method
            `open`; the message names sources.
    """
    words = _WORDS.get(kind)
    if words is None:
        names = ", ".join(each.name for each in _WORDS)
        message = f"what is published is one of {names}, not {kind!r}"
        raise InvalidArgumentError(message)
    check_openable(source, f"a {words.name}", words.frame, words.choices)


def refuse_video(trigger: str, state: SeatOccupancy) -> NoReturn:
    """Raise what a camera or a screen meets in an audio room."""
    code, hint = UTDErrorCode.FORBIDDEN.value, "an audio room carries microphones only"
    raise RefusedError(code, "occupancy", trigger, state.value, hint)
