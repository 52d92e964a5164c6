"""Limits on real time, which no busy machine may use up.

A limit in a test says that something hangs, never how fast it is.  So where time is
real, each one is longer than it says: those of tests, of the SDK and of the engine.
"""

from __future__ import annotations

import asyncio

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.http import AiohttpHttp
from utd_stream.client.timeouts import Timeouts
from utd_stream.compose import Ports

__all__ = [
    "GRACES",
    "PATIENT_TIMEOUTS",
    "PatientClock",
    "patient",
    "patient_http",
    "patient_ports",
    "patiently",
]

_PATIENCE = 6.0
_MOST = 240.0  # in seconds; pytest ends a test that takes 600
# An engine's own deadlines, in seconds, where a test does not wait for them.
GRACES = {
    "seat_grace": 120.0,
    "request_expiry": 360.0,
    "ring_timeout": 120.0,
    "call_grace": 120.0,
}


def patient(seconds: float) -> float:
    """Return the limit, in seconds, that stands for *seconds* on an idle machine."""
    return max(seconds, min(seconds * _PATIENCE, _MOST))


def patiently(seconds: float) -> asyncio.Timeout:
    """Bound the body by what stands for *seconds* on an idle machine."""
    return asyncio.timeout(patient(seconds))


# The others are measured by `PatientClock`.
PATIENT_TIMEOUTS = Timeouts(seat=patient(10), call=patient(20))


class PatientClock(AsyncioClock):
    """The clock of the loop, on which limits last longer and pauses do not."""

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        """Bound the body by what stands for *seconds* on an idle machine."""
        return super().timeout(None if seconds is None else patient(seconds))


def patient_http() -> AiohttpHttp:
    """Return a line to an engine in which a slow answer is no fault."""
    return AiohttpHttp(timeout=patient(15), connect_timeout=patient(5))


def patient_ports() -> Ports:
    """Return the world, as the client of a test sees it."""
    http = patient_http()
    return Ports(http=http, websockets=http, clock=PatientClock())
