"""The demo of calls: two people and a second device, from the first ring to glare."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from utd_stream.cli._demo_steps import Expectation, Heard, Kept, Seen, Step, Watched
from utd_stream.client.call import UTDCallSession
from utd_stream.errors import NotFoundError

__all__ = ["CALL_SCRIPT", "TONES_HZ", "WHOSE", "Callers"]

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

    def rings_at(self, who: str) -> str:
        """Return the id of the call that rings at *who*; empty for none."""
        ...


def _step(
    who: str,
    what: str,
    act: Callable[[Callers], Awaitable[object]],
    *then: Expectation,
    refused: str | None = None,
) -> Step[Callers]:
    return Step(who=who, what=what, act=act, refused=refused, then=then)


def _signs_in(who: str, what: str = "signs in") -> Step[Callers]:
    seen = Seen(who, "signal_state", "ready"), Seen(who, "ringing_calls", "nothing")
    return _step(who, what, lambda callers: callers.sign_in(who), *seen)


def _calls(who: str, whom: str) -> Callable[[Callers], Awaitable[object]]:
    return lambda callers: callers[who].start(callers.identity(whom))


def _hangs_up(who: str) -> Callable[[Callers], Awaitable[object]]:
    return lambda callers: callers[who].end()


def _at_rings(who: str, verb: str) -> Callable[[Callers], Awaitable[object]]:
    async def act(callers: Callers) -> object:
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
    await asyncio.gather(_calls("ana", "ben")(callers), _calls("ben", "ana")(callers))


def _rings_at_ben() -> tuple[Expectation, ...]:
    return (
        Seen("ben", "ringing_calls", "ana calls"),
        Seen("desk", "ringing_calls", "ana calls"),
        Seen("ana", "status", "ringing"),
    )


def _ended(reason: str, *whose: str) -> tuple[Expectation, ...]:
    return (
        *(Seen(who, "end_info", reason) for who in whose),
        *(Seen(who, "connection_state", "disconnected") for who in whose),
        Seen("ben", "ringing_calls", "nothing"),
        Seen("desk", "ringing_calls", "nothing"),
    )


_TALK = (
    _signs_in("ana"),
    _signs_in("ben"),
    _signs_in("desk", "signs in, ben's second device"),
    _step(
        *("ana", "calls ben, and both of his devices ring", _calls("ana", "ben")),
        *_rings_at_ben(),
        Seen("ana", "muted", "no"),
    ),
    _step(
        *("ben", "answers; the other device stops", _at_rings("ben", "accept")),
        Seen("ben", "status", "active"),
        Seen("ana", "status", "active"),
        Seen("desk", "ringing_calls", "nothing"),
        Kept("desk", "status"),
        Heard("ana", "ben", TONES_HZ["ben"]),
        Heard("ben", "ana", TONES_HZ["ana"]),
    ),
    _step(
        *("desk", "calls ana: one person has one call", _calls("desk", "ana")),
        Kept("desk", "status"),
        refused="ConflictError 409 caller_busy",
    ),
    _step(
        *("ben", "hangs up", _hangs_up("ben")),
        *_ended("callee_hangup, ben", "ana", "ben"),
    ),
    _step(
        *("ben", "hangs up once more", _hangs_up("ben")),
        Kept("ben", "end_info"),
    ),
)
_UNANSWERED = (
    _step("ana", "calls ben", _calls("ana", "ben"), *_rings_at_ben()),
    _step(
        *("desk", "says that ben is busy", _at_rings("desk", "busy")),
        *_ended("busy, ben", "ana"),
        Seen("desk", "end_info", "busy, ben"),
    ),
    _step("ana", "calls ben", _calls("ana", "ben"), *_rings_at_ben()),
    _step(
        *("ana", "gives up before anybody answers", _hangs_up("ana")),
        *_ended("cancelled, ana", "ana"),
    ),
    _step(
        *("ana", "calls herself", _calls("ana", "ana")),
        Kept("ana", "connection_state"),
        refused="InvalidArgumentError 422 invalid_argument",
    ),
)
_GLARE = (
    _step(
        *("ana", "and ben call each other at once: one call", _both_call),
        Seen("ana", "status", "active"),
        Seen("ben", "status", "active"),
        Seen("desk", "ringing_calls", "nothing"),
        Heard("ana", "ben", TONES_HZ["ben"]),
        Heard("ben", "ana", TONES_HZ["ana"]),
    ),
    _step(
        *("ana", "hangs up", _hangs_up("ana")),
        Seen("ana", "connection_state", "disconnected"),
        Seen("ben", "connection_state", "disconnected"),
    ),
    _step(
        *("ana", "calls ben, and nobody answers", _calls("ana", "ben")),
        *_rings_at_ben(),
        *_ended("no_answer", "ana"),
        Seen("ana", "status", "missed"),
    ),
)

CALL_SCRIPT: tuple[Step[Callers], ...] = (*_TALK, *_UNANSWERED, *_GLARE)
