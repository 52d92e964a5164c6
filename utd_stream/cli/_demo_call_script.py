"""The demo of calls: two people and a second device, from the first ring to glare."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol

from utd_stream.cli._demo_steps import Expectation, Heard, Kept, Seen, Step, Watched
from utd_stream.client.call import UTDCallSession
from utd_stream.errors import NotFoundError
from utd_stream.media import TestPattern
from utd_stream.models import TrackSource, VideoFrame

__all__ = [
    "CALL_SCRIPT",
    "CAMERA",
    "SCREEN",
    "TONES_HZ",
    "WHOSE",
    "Callers",
    "answers",
    "calls",
    "ended",
    "hangs_up",
    "rings_at_ben",
    "signs_in",
    "step",
]

CAMERA = TestPattern(320, 180, 15)
SCREEN = TestPattern(640, 360, 5)
TONES_HZ: Mapping[str, int] = {"ana": 440, "ben": 554, "desk": 659}
# Whose device each is; the second of ben's stands on his desk.
WHOSE: Mapping[str, str] = {"ana": "ana", "ben": "ben", "desk": "ben"}


class Callers(Watched, Protocol):
    """Those who call each other."""

    async def sign_in(self, who: str) -> None:
        """Let the device *who* be signed in; from then on it is watched."""
        ...

    def __getitem__(self, who: str) -> UTDCallSession:
        """Return the session of the device *who*."""
        ...

    def identity(self, who: str) -> str:
        """Return whom the engine knows the owner of *who* as."""
        ...

    def video(
        self, who: str, of: str, source: TrackSource
    ) -> AsyncIterator[VideoFrame]:
        """Return what *who* sees of *of*."""
        ...

    def rings_at(self, who: str) -> str:
        """Return the id of the call that rings at *who*; empty for none."""
        ...


def step(
    who: str,
    what: str,
    act: Callable[[Callers], Awaitable[object]],
    *then: Expectation,
    refused: str | None = None,
) -> Step[Callers]:
    """Return a step."""
    return Step(who=who, what=what, act=act, refused=refused, then=then)


def signs_in(who: str, what: str = "signs in") -> Step[Callers]:
    """Return the step with which a device is there."""
    seen = Seen(who, "signal_state", "ready"), Seen(who, "ringing_calls", "nothing")
    return step(who, what, lambda callers: callers.sign_in(who), *seen)


def calls(who: str, whom: str) -> Callable[[Callers], Awaitable[object]]:
    """Return what calls somebody."""
    return lambda callers: callers[who].start(callers.identity(whom))


def hangs_up(who: str) -> Callable[[Callers], Awaitable[object]]:
    """Return what hangs up."""
    return lambda callers: callers[who].end()


def answers(who: str, verb: str) -> Callable[[Callers], Awaitable[object]]:
    """Return what answers the call that rings there, as *verb* says."""

    async def act(callers: Callers) -> object:
        """Answer it."""
        call_id = callers.rings_at(who)
        if not call_id:
            message = "nothing rings"
            raise NotFoundError(message)
        session = callers[who]
        acts = {
            "accept": session.accept,
            "busy": session.busy,
            "reject": session.reject,
        }
        return await acts[verb](call_id)

    return act


async def _both_call(callers: Callers) -> None:
    await asyncio.gather(calls("ana", "ben")(callers), calls("ben", "ana")(callers))


def rings_at_ben() -> tuple[Expectation, ...]:
    """Return that it rings at both of his devices."""
    return (
        Seen("ben", "ringing_calls", "ana calls"),
        Seen("desk", "ringing_calls", "ana calls"),
        Seen("ana", "status", "ringing"),
    )


def ended(reason: str, *whose: str) -> tuple[Expectation, ...]:
    """Return that the call is over, everywhere."""
    return (
        *(Seen(who, "end_info", reason) for who in whose),
        *(Seen(who, "connection_state", "disconnected") for who in whose),
        Seen("ben", "ringing_calls", "nothing"),
        Seen("desk", "ringing_calls", "nothing"),
    )


_TALK = (
    signs_in("ana"),
    signs_in("ben"),
    signs_in("desk", "signs in, ben's second device"),
    step(
        *("ana", "calls ben, and both of his devices ring", calls("ana", "ben")),
        *rings_at_ben(),
        Seen("ana", "muted", "no"),
    ),
    step(
        *("ben", "answers; the other device stops", answers("ben", "accept")),
        Seen("ben", "status", "active"),
        Seen("ana", "status", "active"),
        Seen("desk", "ringing_calls", "nothing"),
        Kept("desk", "status"),
        Heard("ana", "ben", TONES_HZ["ben"]),
        Heard("ben", "ana", TONES_HZ["ana"]),
    ),
    step(
        *("desk", "calls ana: one person has one call", calls("desk", "ana")),
        Kept("desk", "status"),
        refused="ConflictError 409 caller_busy",
    ),
    step(
        *("ben", "hangs up", hangs_up("ben")),
        *ended("callee_hangup, ben", "ana", "ben"),
    ),
    step(
        *("ben", "hangs up once more", hangs_up("ben")),
        Kept("ben", "end_info"),
    ),
)
_UNANSWERED = (
    step("ana", "calls ben", calls("ana", "ben"), *rings_at_ben()),
    step(
        *("desk", "says that ben is busy", answers("desk", "busy")),
        *ended("busy, ben", "ana"),
        Seen("desk", "end_info", "busy, ben"),
    ),
    step("ana", "calls ben", calls("ana", "ben"), *rings_at_ben()),
    step(
        *("ana", "gives up before anybody answers", hangs_up("ana")),
        *ended("cancelled, ana", "ana"),
    ),
    step(
        *("ana", "calls herself", calls("ana", "ana")),
        Kept("ana", "connection_state"),
        refused="InvalidArgumentError 422 invalid_argument",
    ),
)
_GLARE = (
    step(
        *("ana", "and ben call each other at once: one call", _both_call),
        Seen("ana", "status", "active"),
        Seen("ben", "status", "active"),
        Seen("desk", "ringing_calls", "nothing"),
        Heard("ana", "ben", TONES_HZ["ben"]),
        Heard("ben", "ana", TONES_HZ["ana"]),
    ),
    step(
        *("ana", "hangs up", hangs_up("ana")),
        Seen("ana", "connection_state", "disconnected"),
        Seen("ben", "connection_state", "disconnected"),
    ),
    step(
        *("ana", "calls ben, and nobody answers", calls("ana", "ben")),
        *rings_at_ben(),
        *ended("no_answer", "ana"),
        Seen("ana", "status", "missed"),
    ),
)

CALL_SCRIPT: tuple[Step[Callers], ...] = (*_TALK, *_UNANSWERED, *_GLARE)
