"""Closing is one habit: `aclose`, or ``async with``, for everything that closes."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from importlib import import_module

import pytest

from tests.test_exports import MODULES
from utd_stream import UTDAudioRoomSession, UTDStreamClient
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.engine import Store
from utd_stream.errors import ClosedError
from utd_stream.reactive import EventsReader
from utd_stream.testing import Simulation, VirtualLoop, Webhooks

ENDS = {"aclose", "close", "disconnect", "dispose", "stop", "__aexit__", "__exit__"}
# Programs that are not async step a simulation, asyncio says how a loop ends, the
# engine closes its store, and a world its webhooks.
NOT_ASYNC = {Simulation, VirtualLoop, Store, Webhooks}


def closable() -> list[type]:
    """Return every class that users import or are given, and that ends somehow."""
    kinds: set[type] = {EventsReader, LiveKitProcess}
    for module in MODULES:
        home = import_module(module)
        public = [getattr(home, name) for name in home.__all__]
        kinds |= {each for each in public if inspect.isclass(each)}
    found = [kind for kind in kinds - NOT_ASYNC if ENDS & {*dir(kind)}]
    return sorted(found, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", closable(), ids=lambda kind: kind.__name__)
def test_whatever_closes_does_so_by_aclose_and_async_with(kind: type) -> None:
    """Nobody has to look up which word it is here."""
    assert inspect.iscoroutinefunction(getattr(kind, "aclose", None))
    assert inspect.iscoroutinefunction(getattr(kind, "__aenter__", None))
    assert inspect.iscoroutinefunction(getattr(kind, "__aexit__", None))


Closed = UTDAudioRoomSession | UTDStreamClient


async def by_aclose(closed: Closed) -> None:
    """Close by the name of this package."""
    await closed.aclose()


async def by_dispose(closed: Closed) -> None:
    """Close by the name of the other SDKs."""
    await closed.dispose()


async def by_with(closed: Closed) -> None:
    """Close at the end of a block."""
    async with closed as same:
        assert same is closed


every_way = pytest.mark.parametrize("close", [by_aclose, by_dispose, by_with])


@every_way
def test_a_session_closes_in_any_way_once(
    close: Callable[[Closed], Awaitable[None]],
) -> None:
    """The room is left when it returns; another time changes nothing."""

    async def work() -> None:
        session = await sim.world.client().join_audio_room("ana", "lounge")
        for _ in range(2):
            await close(session)
            assert repr(session).endswith(": disconnected, listening, disposed>")
        with pytest.raises(ClosedError):
            await session.rejoin()

    with Simulation() as sim:
        sim.run(work())


@every_way
def test_a_client_closes_in_any_way_once(
    close: Callable[[Closed], Awaitable[None]],
) -> None:
    """Nobody joins with it any more; another time changes nothing."""

    async def work() -> None:
        client = sim.world.client()
        for _ in range(2):
            await close(client)
            with pytest.raises(ClosedError):
                await client.authenticate("ana")
            assert repr(sim.world).endswith("clients: 0>")

    with Simulation() as sim:
        sim.run(work())


def test_a_client_that_is_disposed_of_needs_no_await() -> None:
    """As in an observer, which cannot await."""
    with Simulation() as sim:
        client = sim.world.client()

        _ = sim.act(client.dispose)

        assert repr(client) == "<UTDStreamClient nobody of app 'embedded', closed>"
        assert repr(sim.world).endswith("clients: 0>")
