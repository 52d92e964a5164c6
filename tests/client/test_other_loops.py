"""What lives in one event loop says so in another loop, thread or process, at once."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from utd_stream import (
    EmbeddedWorld,
    SeatOccupancy,
    Silence,
    UTDSeatGrid,
    UTDStreamClient,
    embedded,
)
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.errors import UsageError
from utd_stream.reactive import EventsSource, LatestSource
from utd_stream.testing import Simulation

REMEDY = "asyncio.run_coroutine_threadsafe"
MadeBy = Callable[[UTDAudioRoomSession, UTDStreamClient, EmbeddedWorld], object]
OWNERS: dict[str, MadeBy] = {
    "session": lambda session, _, __: session,
    "client": lambda _, client, __: client,
    "api": lambda _, client, __: client.api,
    "room": lambda session, _, __: session.room,
    "world": lambda _, __, world: world,
    "latest": lambda session, _, __: session.snapshot,
    "derived": lambda session, _, __: session.occupancy,
    "events": lambda session, _, __: session.events,
}


@pytest_asyncio.fixture
async def world() -> AsyncIterator[EmbeddedWorld]:
    """A world in the loop of the test."""
    async with embedded() as made:
        yield made


@pytest_asyncio.fixture
async def client(world: EmbeddedWorld) -> UTDStreamClient:
    """A client with a microphone."""
    return world.client(microphone=Silence())


@pytest_asyncio.fixture
async def session(client: UTDStreamClient) -> AsyncIterator[UTDAudioRoomSession]:
    """Its session in a room, as host."""
    async with await client.join_audio_room("ana", "r", as_host=True) as made:
        yield made


def elsewhere(call: Callable[[], object]) -> Coroutine[Any, Any, object]:
    """What *call* returns in another thread, awaited in a loop of that thread."""

    async def work() -> object:
        result = call()
        return await result if inspect.isawaitable(result) else result

    return asyncio.to_thread(lambda: asyncio.run(work()))


def commands(owner: object) -> dict[str, Callable[..., object]]:
    """The public coroutine functions of an object."""
    return {
        name: getattr(owner, name)
        for name, member in inspect.getmembers(type(owner))
        if inspect.iscoroutinefunction(member) and not name.startswith("_")
    }


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("name", OWNERS)
async def test_what_lives_in_a_loop_cannot_be_copied(
    name: str,
    copied: Callable[[object], object],
    session: UTDAudioRoomSession,
    client: UTDStreamClient,
    world: EmbeddedWorld,
) -> None:
    """The error says what it is and what to take instead; nothing is half copied."""
    owner = OWNERS[name](session, client, world)

    with pytest.raises(TypeError, match=r"lives in its event loop .* its values hold"):
        copied(owner)


@pytest.mark.parametrize("name", OWNERS)
async def test_every_command_is_refused_in_another_loop(
    name: str,
    session: UTDAudioRoomSession,
    client: UTDStreamClient,
    world: EmbeddedWorld,
) -> None:
    """Whatever can be awaited names the way to the loop; nothing is begun."""
    found = commands(OWNERS[name](session, client, world))

    assert found
    for command in found.values():
        with pytest.raises(UsageError, match=REMEDY):
            await elsewhere(command)
    assert session.connected.value


async def test_who_waits_in_another_loop_is_told_at_once(
    session: UTDAudioRoomSession,
) -> None:
    """Of values and of events, by any way of reading them."""
    reader = session.events.iterate()

    async def observe(_: object) -> None: ...

    waits: list[Callable[[], object]] = [
        lambda: session.occupancy.until(SeatOccupancy.SPEAKING),
        lambda: anext(aiter(session.occupancy)),
        lambda: session.occupancy.subscribe(print),
        lambda: session.occupancy.subscribe(observe),
        lambda: session.occupancy.map(str).subscribe(print),
        lambda: session.events.until(bool),
        lambda: anext(aiter(session.events)),
        lambda: anext(reader),
        lambda: session.events.subscribe(print),
        lambda: session.audio("ben"),
        session.__aenter__,
    ]
    for wait in waits:
        with pytest.raises(UsageError, match=REMEDY):
            await elsewhere(wait)


async def test_a_thread_without_a_loop_may_read_and_not_subscribe(
    session: UTDAudioRoomSession,
) -> None:
    """A value can be read from anywhere; observers belong to the loop."""
    read = await asyncio.to_thread(lambda: (session.seat.value, repr(session)))

    assert read == (None, repr(session))
    with pytest.raises(UsageError, match=REMEDY):
        await asyncio.to_thread(session.occupancy.subscribe, print)


async def test_the_named_way_works(session: UTDAudioRoomSession) -> None:
    """A thread that hands its coroutine to the loop gets the answer."""
    loop = asyncio.get_running_loop()

    def in_a_thread() -> UTDSeatGrid:
        return asyncio.run_coroutine_threadsafe(session.lock_seat(1), loop).result()

    assert (await asyncio.to_thread(in_a_thread)).seats[1].locked


def test_a_client_serves_one_run() -> None:
    """In the next `asyncio.run` it says to which loop it belonged."""
    client = UTDStreamClient("app", "key", base_url="http://127.0.0.1:1")
    asyncio.run(client.aclose())

    for again in (client.aclose, lambda: client.authenticate("ana")):
        with pytest.raises(UsageError, match=r"UTDStreamClient.*first used in.*ended"):
            asyncio.run(again())


def test_a_client_is_not_disposed_outside_a_loop() -> None:
    """Nobody would run what closes it."""
    client = UTDStreamClient("app", "key", base_url="http://127.0.0.1:1")

    with pytest.raises(UsageError, match="running loop"):
        _ = client.dispose()


async def test_a_client_of_a_world_lives_where_the_world_does(
    world: EmbeddedWorld,
) -> None:
    """Also one that was not used before."""
    client = world.client()

    with pytest.raises(UsageError, match=f"UTDStreamClient.*{REMEDY}"):
        await elsewhere(lambda: client.authenticate("ana"))


async def test_a_simulation_that_stands_still_names_its_own_way() -> None:
    """Its loop runs within a step only; nobody is sent to wait for it."""

    def made() -> tuple[Simulation, UTDAudioRoomSession]:
        sim = Simulation(seed=1)
        return sim, sim.run(sim.world.client().join_audio_room("ana", "r"))

    sim, ana = await asyncio.to_thread(made)
    with pytest.raises(UsageError, match=r"Simulation\.run"):
        await ana.leave()
    await asyncio.to_thread(sim.close)


async def test_a_pool_of_another_loop_is_named() -> None:
    """A session of aiohttp belongs to a loop, too; it is no bug of ours."""

    async def pool() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    async def join(given: aiohttp.ClientSession) -> None:
        async with UTDStreamClient(
            "app", "key", base_url="http://127.0.0.1:1", session=given
        ) as client:
            await client.join_audio_room("ana", "r")

    async with aiohttp.ClientSession() as mine:
        with pytest.raises(UsageError, match="aiohttp session"):
            await elsewhere(lambda: join(mine))


def test_a_value_outlives_its_loop() -> None:
    """What has ended can be read and subscribed to outside; it has no loop to meet."""

    async def made() -> LatestSource[int]:
        source = LatestSource(1, AsyncioClock())
        assert await source.latest.until(1) == 1
        source.close()
        return source

    source = asyncio.run(made())
    seen: list[int] = []
    source.latest.subscribe(seen.append)

    assert seen == [source.latest.value] == [1]
    with pytest.raises(UsageError, match="ended"):
        asyncio.run(source.latest.until(1))


async def test_events_of_nobody_belong_to_whoever_comes_first() -> None:
    """An object is bound by its first use, not by its making."""
    source = await asyncio.to_thread(lambda: EventsSource[int](AsyncioClock()))
    seen: list[int] = []
    source.events.subscribe(seen.append)
    source.emit(1)

    assert seen == [1]
    with pytest.raises(UsageError, match=REMEDY):
        await elsewhere(lambda: source.events.until(bool))


def test_a_simulation_that_runs_is_refused_in_another_thread() -> None:
    """Between two steps any thread may take the next; never two at once."""
    inside, done = threading.Event(), threading.Event()
    raised: list[BaseException] = []

    async def stay() -> None:
        inside.set()
        await asyncio.to_thread(done.wait)

    def meddle(sim: Simulation) -> None:
        inside.wait()
        try:
            sim.advance(1)
        except UsageError as error:
            raised.append(error)
        finally:
            done.set()

    with Simulation(seed=1) as sim:
        thread = threading.Thread(target=meddle, args=(sim,))
        thread.start()
        sim.run(stay())
        thread.join()

    assert REMEDY in str(raised[0])


FORKED = """
import asyncio, os, sys
from utd_stream import UTDStreamClient
from utd_stream.adapters.livekit_rtc import LiveKitMedia

async def opened():
    LiveKitMedia().open(adaptive_stream=True, dynacast=True)

asyncio.run(opened())
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
try:
    asyncio.run(opened())
except Exception as error:
    print(type(error).__name__, error, flush=True)
os._exit(0)
"""

FORKED_INSIDE = """
import asyncio, os, sys
from utd_stream import embedded

async def main():
    async with embedded() as world:
        client = world.client()
        ana = await client.join_audio_room("ana", "r")
        if os.fork():
            sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
        for use in (lambda: asyncio.run(ana.take_seat(1)),
                    lambda: ana.seats.subscribe(print)):
            try:
                use()
            except Exception as error:
                print(type(error).__name__, error, flush=True)
        os._exit(0)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("program", "times"), [(FORKED, 1), (FORKED_INSIDE, 2)], ids=["LiveKit", "objects"]
)
def test_a_forked_process_is_told_to_spawn(program: str, times: int) -> None:
    """LiveKit's threads and every loop stay behind; waiting would never end."""
    run = subprocess.run(  # noqa: S603 -- this interpreter, a program from above
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert run.stdout.count("UsageError") == times, run.stderr
    assert run.stdout.count("spawn") == times
