"""What goes wrong on a plane, and what it tells the engine, on either plane."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import attrs
import pytest
import pytest_asyncio
from livekit import rtc

from tests.planes import Guest, Plane, eventually, livekit_plane, loopback_plane
from tests.relay import Registration
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.adapters.loopback import Loopback
from utd_stream.models.room_events import Reconnected, Reconnecting
from utd_stream.ports import ParticipantJoined, ParticipantLeft, SfuNotice
from utd_stream.testing import VirtualLoop

__all__ = [
    "Mortal",
    "Notices",
    "comings_and_goings",
    "lose_signal",
    "mortal",
    "notices",
    "reconnect",
    "start_reconnect",
]

# What the SFU told the engine so far.
Notices: TypeAlias = Callable[[], list[SfuNotice]]

_FULL = rtc.SimulateScenarioKind.SIMULATE_FULL_RECONNECT
_SIGNAL = rtc.SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT


async def start_reconnect(plane: Plane, guest: Guest) -> None:
    """Let the SFU tell a client to connect anew; return before it has."""
    if isinstance(plane.sfu, Loopback):
        plane.sfu.lines.reconnect(plane.room(), guest.state.local.identity)
        await guest.hears(Reconnecting)
    else:
        await guest.room.native.simulate_scenario(_FULL)


async def reconnect(plane: Plane, guest: Guest) -> None:
    """Let a client connect anew, and wait until it has."""
    await start_reconnect(plane, guest)
    await guest.hears(Reconnected)


async def lose_signal(plane: Plane, guest: Guest) -> None:
    """Let a client lose its signal connection alone, and resume."""
    if isinstance(plane.sfu, Loopback):
        plane.sfu.lines.resume(plane.room(), guest.state.local.identity)
    else:
        await guest.room.native.simulate_scenario(_SIGNAL)
    await guest.hears(Reconnected)


@pytest.fixture
def notices(plane: Plane, request: pytest.FixtureRequest) -> Notices:
    """What the SFU tells of this test's rooms; no engine hears it."""
    if isinstance(plane.sfu, Loopback):
        sfu, heard = plane.sfu, list[SfuNotice]()
        sfu.watch(
            lambda body, signature: heard.append(
                sfu.read_notice(body, signature, plane.clock.now())
            )
        )
        return lambda: heard
    register: Callable[[str], Registration] = request.getfixturevalue("register_engine")
    registration = register("http://127.0.0.1:1/")
    registration.drop()
    return lambda: [
        plane.sfu.read_notice(
            webhook.body, webhook.headers["Authorization"], plane.clock.now()
        )
        for webhook in list(registration.received)
    ]


async def comings_and_goings(
    notices: Notices, identity: str, count: int
) -> list[ParticipantJoined | ParticipantLeft]:
    """The first comings and goings of *identity*, in the order they were told."""

    def told() -> list[ParticipantJoined | ParticipantLeft] | None:
        of_identity = [
            each
            for each in notices()
            if isinstance(each, ParticipantJoined | ParticipantLeft)
            and each.participant.identity == identity
        ]
        return of_identity if len(of_identity) >= count else None

    return await eventually(told)


@attrs.frozen
class Mortal:
    """A plane of a test's own, which may die.

    Attributes:
        plane: The plane.
        restart: Ends it without a farewell, and starts it again.
    """

    plane: Plane
    restart: Callable[[], Awaitable[None]]


@pytest_asyncio.fixture
async def mortal(request: pytest.FixtureRequest, app_id: str) -> AsyncIterator[Mortal]:
    """A plane that may be restarted."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, VirtualLoop):
        opened = loopback_plane(loop.clock, app_id)
    else:
        server: LiveKitProcess = request.getfixturevalue("own_livekit")
        opened = livekit_plane(server, app_id)

    async def restart() -> None:
        if isinstance(opened.sfu, Loopback):
            opened.sfu.restart()
        else:
            server.kill()
            server.start()

    yield Mortal(opened, restart)
    await opened.aclose()
