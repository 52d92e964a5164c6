"""The demo of video calls: cameras, a screen, another camera, and a call without."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from itertools import pairwise
from typing import Any, cast

import attrs

from utd_stream.cli._demo_call_script import (
    CAMERA,
    SCREEN,
    TONES_HZ,
    Callers,
    answers,
    calls,
    ended,
    hangs_up,
    rings_at_ben,
    signs_in,
    step,
)
from utd_stream.cli._demo_steps import BrokenError, Heard, Kept, Seen, Step, Watched
from utd_stream.client.call import UTDCallSession
from utd_stream.media import TestPattern, read_pattern
from utd_stream.models import TrackSource

__all__ = ["VIDEO_SCRIPT", "Pictured"]

_SQUARE = TestPattern(240, 240, 15)
_PICTURES = 5
# Codecs round the sides of a picture.
_ROUNDED = 0.1


@attrs.frozen
class Pictured:
    """Somebody sees the numbered pictures of another, in order."""

    who: str
    of: str
    pattern: TestPattern = CAMERA
    source: TrackSource = TrackSource.CAMERA

    @property
    def _shape(self) -> float:
        return self.pattern.width_px / self.pattern.height_px

    async def check(
        self,
        troupe: Watched,
        since: int,  # noqa: ARG002 -- for those that look back
    ) -> str:
        """Look, and read the numbers."""
        what = self.source.value.replace("_", " ")
        expected = f"{self.who} to see the {what} of {self.of}"
        frames = cast("Callers", troupe).video(self.who, self.of, self.source)
        numbers: list[int] = []
        others = Counter[str]()
        # Every plane's is a generator: closed at once, nothing is sent for it.
        async with aclosing(cast("Any", frames)):
            try:
                async with asyncio.timeout(troupe.patience):
                    async for frame in frames:
                        number = read_pattern(frame)
                        # A line that is slow makes them smaller, of the same shape.
                        shape = frame.width_px / frame.height_px
                        if number is not None and abs(shape - self._shape) < _ROUNDED:
                            numbers.append(number)
                        else:
                            others[f"{frame.width_px} x {frame.height_px}"] += 1
                        if len(numbers) == _PICTURES:
                            break
            except TimeoutError as error:
                raise BrokenError(expected, _seen(numbers, others)) from error
        if len(numbers) < _PICTURES or any(b <= a for a, b in pairwise(numbers)):
            raise BrokenError(expected, _seen(numbers, others))
        return (
            f"{self.who} sees the {what} of {self.of}: "
            f"pictures {numbers[0]} to {numbers[-1]}"
        )


def _seen(numbers: Sequence[int], others: Counter[str]) -> str:
    """Return what was seen, unreadable or of another shape included."""
    told = [f"{count} of {size} px" for size, count in others.items()]
    return "; ".join([f"pictures {list(numbers)}", *told])


def _turns(
    who: str, act: Callable[[UTDCallSession], Awaitable[object]]
) -> Callable[[Callers], Awaitable[object]]:
    return lambda callers: act(callers[who])


def _shows(who: str, *, on: bool) -> Callable[[Callers], Awaitable[object]]:
    return _turns(who, lambda session: session.set_screen_share(on))


def _films(who: str, *, on: bool) -> Callable[[Callers], Awaitable[object]]:
    return _turns(who, lambda session: session.set_camera(on))


VIDEO_SCRIPT: tuple[Step[Callers], ...] = (
    signs_in("ana"),
    signs_in("ben"),
    signs_in("desk", "signs in, ben's second device"),
    step(
        *("ana", "turns her camera on: there is no call yet", _films("ana", on=True)),
        Kept("ana", "sends"),
        refused="RefusedError forbidden",
    ),
    step(
        *("ana", "calls ben, and both of his devices ring", calls("ana", "ben")),
        *rings_at_ben(),
        Seen("ana", "sends", "camera, microphone"),
    ),
    step(
        *("ben", "answers; each sees and hears the other", answers("ben", "accept")),
        Seen("ana", "status", "active"),
        Seen("desk", "ringing_calls", "nothing"),
        Pictured("ana", "ben"),
        Pictured("ben", "ana"),
        Heard("ana", "ben", TONES_HZ["ben"]),
        Heard("ben", "ana", TONES_HZ["ana"]),
    ),
    step(
        *("ana", "shows her screen beside the camera", _shows("ana", on=True)),
        Seen("ben", "is sent", "camera, microphone, screen share"),
        Pictured("ben", "ana", SCREEN, TrackSource.SCREEN_SHARE),
        Pictured("ben", "ana"),
    ),
    step(
        *("ana", "switches to another camera, in the same track"),
        _turns("ana", lambda session: session.switch_camera(_SQUARE)),
        Pictured("ben", "ana", _SQUARE),
        Kept("ben", "is sent"),
    ),
    step(
        *("ana", "shows her screen no more", _shows("ana", on=False)),
        Seen("ben", "is sent", "camera, microphone"),
    ),
    step(
        *("ben", "turns his camera off; he is heard on", _films("ben", on=False)),
        Seen("ana", "is sent", "microphone"),
        Heard("ana", "ben", TONES_HZ["ben"]),
    ),
    step(
        *("ben", "turns it on again", _films("ben", on=True)),
        Pictured("ana", "ben"),
    ),
    step(
        *("ana", "hangs up", hangs_up("ana")),
        *ended("caller_hangup, ana", "ana", "ben"),
        Seen("ana", "sends", "nothing"),
    ),
    step(
        *("ana", "calls ben again: cameras are on, the screen is not"),
        calls("ana", "ben"),
        *rings_at_ben(),
        Seen("ana", "sends", "camera, microphone"),
    ),
    step(
        *("desk", "says that ben is busy", answers("desk", "busy")),
        *ended("busy, ben", "ana"),
        Seen("ana", "sends", "nothing"),
    ),
)
