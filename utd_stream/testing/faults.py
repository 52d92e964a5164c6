"""What may break in a simulated world: values for the scripts of `play`.

A fault of your own is a frozen value with `touches` and `happening`, as these::

    with play(sim, [(2, CutLine("lounge", "ana"), 5), (3, DropWebhooks(), 60)]):
        sim.advance(70)
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress

import attrs

from utd_stream._embedded import Webhook
from utd_stream.adapters.loopback import Loopback
from utd_stream.errors import SfuNotFoundError
from utd_stream.models.names import sfu_room_name
from utd_stream.testing._simulation import Simulation

__all__ = [
    "CutLine",
    "CutSignaling",
    "DelayGrants",
    "DelaySignaling",
    "DelayWebhooks",
    "DropGrants",
    "DropWebhooks",
    "HoldWebhooks",
    "KillClient",
    "KillEngine",
    "KillSfu",
    "RefuseRequests",
    "RestartSfu",
    "SilenceSignaling",
    "SkewEngine",
    "SlowRequests",
]


# The SFU.


@attrs.frozen
class RefuseRequests:
    """The SFU refuses whatever the engine asks; clients notice nothing."""

    touches = "the SFU"

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Refuse while it lasts."""
        async with sim.world.sfu.outage():
            yield


@attrs.frozen
class KillSfu:
    """The SFU dies and forgets everything, and lives again at the end.

    Clients give up after 23 s.
    """

    touches = "the SFU"

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Be dead while it lasts."""
        sim.world.sfu.kill()
        try:
            yield
        finally:
            sim.world.sfu.start()


@attrs.frozen
class RestartSfu:
    """The SFU forgets everything at once; clients are back after a second."""

    touches = "the SFU"

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Restart at the beginning."""
        sim.world.sfu.restart()
        yield


@attrs.frozen
class SlowRequests:
    """The SFU takes *seconds* for whatever the engine asks."""

    seconds: float

    touches = "the pace of the SFU"

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Be slow while it lasts."""
        with _set(sim.world.sfu, "delay", self.seconds):
            yield


@attrs.frozen
class DelayGrants:
    """Rights come *seconds* after the SFU has confirmed them."""

    seconds: float

    touches = "grants"

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Hold back while it lasts."""
        with _set(sim.world.sfu, "grant_delay", self.seconds):
            yield


@attrs.frozen
class DropGrants:
    """Rights are confirmed by the SFU, and lost."""

    touches = "grants"

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Lose them while it lasts."""
        with _set(sim.world.sfu, "grant_delay", None):
            yield


@contextmanager
def _set(sfu: Loopback, name: str, value: float | None) -> Generator[None]:
    before = getattr(sfu, name)
    setattr(sfu, name, value)
    try:
        yield
    finally:
        setattr(sfu, name, before)


# Webhooks.


@attrs.frozen
class DropWebhooks:
    """Webhooks are lost: those of one *event*, or all."""

    event: str | None = None

    touches = "webhooks"

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Lose them while it lasts."""
        with _some(self.event) as matching:
            sim.world.webhooks.drop(matching)
            yield


@attrs.frozen
class DelayWebhooks:
    """Webhooks come *seconds* late, and others overtake them."""

    seconds: float
    event: str | None = None

    touches = "webhooks"

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Delay what is told while it lasts."""
        with _some(self.event) as matching:
            sim.world.webhooks.delay(self.seconds, matching)
            yield


@attrs.frozen
class HoldWebhooks:
    """Webhooks are kept back, and come all at once at the end."""

    newest_first: bool = False
    event: str | None = None

    touches = "webhooks"

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Keep back while it lasts."""
        try:
            with _some(self.event) as matching:
                sim.world.webhooks.hold(matching)
                yield
        finally:
            await sim.world.webhooks.release(reversed if self.newest_first else list)


@contextmanager
def _some(event: str | None) -> Generator[Callable[[Webhook], bool]]:
    """Match the webhooks of *event* while the block lasts, and none after it."""
    is_on = True
    try:
        yield lambda notice: is_on and event in {None, notice.event}
    finally:
        is_on = False


# Clients.


@attrs.frozen
class CutLine:
    """Nothing gets through between one client and the SFU.

    The client gives up after 23 s, and then tries a new line.
    """

    room: str
    identity: str

    @property
    def touches(self) -> str:
        """The line."""
        return f"the line of {self.identity} in {self.room}"

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Cut the line that there is, if there is one, and mend it."""
        lines, room = sim.world.sfu.lines, _sfu_room(sim, self.room)
        with suppress(SfuNotFoundError):
            lines.cut(room, self.identity)
        try:
            yield
        finally:
            with suppress(SfuNotFoundError):
                lines.mend(room, self.identity)


@attrs.frozen
class KillClient:
    """A client ends as its process would; the same session never comes back."""

    room: str
    identity: str

    @property
    def touches(self) -> str:
        """The line."""
        return f"the line of {self.identity} in {self.room}"

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Kill it at the beginning, if it is there."""
        with suppress(SfuNotFoundError):
            sim.world.sfu.lines.kill(_sfu_room(sim, self.room), self.identity)
        yield


# Signaling.


@attrs.frozen
class _OfSignaling:
    """A fault of the sockets by which somebody's devices hear of calls."""

    identity: str

    @property
    def touches(self) -> str:
        """The sockets."""
        return f"the signaling of {self.identity}"


@attrs.frozen
class CutSignaling(_OfSignaling):
    """The sockets by which somebody's devices hear of calls break, and none opens."""

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Cut what is open, and open none while it lasts."""
        lines = sim.world.signal_lines(self.identity)
        for line in lines:
            line.is_down = True
            line.cut()
        try:
            yield
        finally:
            for line in lines:
                line.is_down = False


@attrs.frozen
class SilenceSignaling(_OfSignaling):
    """The sockets of somebody's devices are half open: neither end hears of it.

    Both notice within 15 s, and the devices open others.
    """

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Silence what is open at the beginning."""
        for line in sim.world.signal_lines(self.identity):
            line.silence()
        yield


@attrs.frozen
class DelaySignaling(_OfSignaling):
    """Frames from and to somebody's devices are *seconds* under way."""

    seconds: float

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Delay what is sent while it lasts."""
        lines = sim.world.signal_lines(self.identity)
        for line in lines:
            line.delay_by(self.seconds)
        try:
            yield
        finally:
            for line in lines:
                line.delay_by(0.0)


def _sfu_room(sim: Simulation, name: str) -> str:
    return sfu_room_name(sim.world.app.id, name)


# The engine.


@attrs.frozen
class KillEngine:
    """The engine dies in the middle of whatever it does, and is started again."""

    touches = "the engine"

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Be dead while it lasts."""
        await sim.world.kill_engine()
        try:
            yield
        finally:
            await sim.world.start_engine()


@attrs.frozen
class SkewEngine:
    """The engine's clock is *seconds* ahead, or behind if they are negative."""

    seconds: float

    touches = "the engine's clock"

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Be wrong while it lasts."""
        sim.engine_clock.skew += self.seconds
        try:
            yield
        finally:
            sim.engine_clock.skew -= self.seconds
