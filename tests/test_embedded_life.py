"""How embedded worlds begin and end, and what they keep meanwhile."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any
from weakref import ReferenceType, ref

import pytest

from utd_stream import EmbeddedWorld, SeatOccupancy, Silence, embedded
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.errors import (
    ClosedError,
    InvalidArgumentError,
    UsageError,
    UTDStreamException,
)
from utd_stream.ports import HttpAnswer
from utd_stream.testing import Simulation, VirtualLoop, Webhooks, run


async def joined(world: EmbeddedWorld, identity: str) -> Any:
    """Return the session of a host who sits on seat 0."""
    client = world.client(microphone=Silence())
    session = await client.join_audio_room(identity, "lounge", as_host=True)
    await session.take_seat(0)
    return session


def test_two_worlds_do_not_meet() -> None:
    """Rooms of one name are two rooms, and the end of one world is its own."""
    with Simulation(seed=1) as here, Simulation(seed=1) as there:
        ana = here.run(joined(here.world, "ana"))
        ben = there.run(joined(there.world, "ben"))
        here.run(ana.dispose())
        here.close()
        there.advance(60)

        assert ben.occupancy.value is SeatOccupancy.SPEAKING
        assert ben.seats.value.seats[0].occupant_identity == "ben"
        there.run(ben.dispose())


def test_two_worlds_share_a_loop() -> None:
    """Neither the engine nor the SFU of the one hears of the other's people."""

    async def program() -> tuple[list[str], list[str]]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        clock = loop.clock
        async with embedded(clock=clock) as here, embedded(clock=clock) as there:
            sessions = [await joined(here, "ana"), await joined(there, "ben")]
            await clock.sleep(20)
            found = [
                [
                    each.identity
                    for each in world.sfu.participants(world.sfu_room("lounge"))
                ]
                for world in (here, there)
            ]
            for session in sessions:
                await session.dispose()
            return found[0], found[1]

    assert run(program()) == (["ana"], ["ben"])


def test_a_world_on_a_file_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    """What was committed is there for the next world; who stays away loses the seat."""
    database = f"sqlite:///{tmp_path / 'rooms.db'}"
    with Simulation(seed=1, database=database) as sim:
        ana = sim.run(joined(sim.world, "ana"))
        sim.run(sim.world.kill_engine())
        sim.run(ana.dispose())
    with Simulation(seed=2, database=database) as sim:
        found = sim.run(sim.world.room("lounge"))
        assert found is not None
        assert found.grid.seats[0].occupant_identity == "ana"
        sim.advance(400)  # nobody comes back: the room ends
        found = sim.run(sim.world.room("lounge"))
        assert found is not None
        assert found.grid.seats[0].occupant_identity is None
        ben = sim.run(joined(sim.world, "ben"))
        assert ben.occupancy.value is SeatOccupancy.SPEAKING
        sim.run(ben.dispose())


def test_one_file_is_for_one_world(tmp_path: Path) -> None:
    """The second is told so, and leaves nothing behind: not even a file held."""
    database = f"sqlite:///{tmp_path / 'rooms.db'}"

    async def program() -> None:
        async with embedded(database=database):
            second = embedded(database=database)
            with pytest.raises(InvalidArgumentError, match="another engine"):
                await second.start()
            with pytest.raises(UsageError, match="make another one"):
                await second.start()
            with pytest.raises(ClosedError):
                second.client()
            assert repr(second) == "<EmbeddedWorld: closed>"
        async with embedded(database=database):
            pass

    asyncio.run(program())


def test_a_world_is_started_once() -> None:
    """Of two who start it at once, one is told so, and it runs."""

    async def program() -> list[BaseException | EmbeddedWorld]:
        world = embedded()
        told = await asyncio.gather(
            world.start(), world.start(), return_exceptions=True
        )
        world.client()
        await world.aclose()
        return list(told)

    first, second = asyncio.run(program())
    assert isinstance(first, EmbeddedWorld)
    assert isinstance(second, UsageError)


def test_a_cancelled_start_leaves_nothing_behind() -> None:
    """At whichever turn it is cancelled; and it may be started after all."""

    async def program(turns: int) -> bool:
        world = embedded()
        starting = asyncio.create_task(world.start())
        for _ in range(turns):
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait((starting,))
        if starting.cancelled() and repr(world) == "<EmbeddedWorld: not started>":
            await world.start()
        await world.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return starting.cancelled()

    told = [asyncio.run(program(turns)) for turns in range(4)]
    assert told[0]
    assert not told[-1]


def test_a_closed_client_is_forgotten() -> None:
    """A world that runs for months keeps nothing of those who have gone."""
    with Simulation(seed=1) as sim:

        async def visit() -> ReferenceType[object]:
            async with sim.world.client(microphone=Silence()) as client:
                session = await client.join_audio_room("ana", "lounge")
                await session.dispose()
            return ref(client)

        visitor = sim.run(visit())
        assert repr(sim.world).endswith("clients: 0>")
        sim.advance(600)
        gc.collect()
        assert visitor() is None


def test_a_cancelled_release_loses_nothing() -> None:
    """What was not delivered stays held; the order is that of the release."""

    class Door:
        """An engine that lets one webhook in at a time."""

        def __init__(self) -> None:
            self.heard: list[bytes | None] = []
            self.turn = asyncio.Semaphore(0)

        async def request(
            self,
            method: str,
            url: str,
            *,
            headers: Mapping[str, str],
            body: bytes | None = None,
        ) -> HttpAnswer:
            """Take it when it may."""
            assert (method, url) == ("POST", "http://engine")
            await self.turn.acquire()
            self.heard.append(body)
            return HttpAnswer(status=200, headers=headers, body=b"")

        async def aclose(self) -> None:
            """Do nothing."""

    async def program() -> list[bytes | None]:
        door = Door()
        webhooks = Webhooks(door, "http://engine", AsyncioClock())
        webhooks.hold()
        for body in (b"1", b"2", b"3"):
            webhooks.take(body, "")
        releasing = asyncio.create_task(webhooks.release(reversed))
        door.turn.release()
        while not door.heard:  # noqa: ASYNC110 -- of turns, not of time
            await asyncio.sleep(0)
        releasing.cancel()
        await asyncio.wait((releasing,))
        for _ in range(2):
            door.turn.release()
        await webhooks.release()
        return door.heard

    assert asyncio.run(program()) == [b"3", b"2", b"1"]


async def start_engine(world: EmbeddedWorld) -> None:
    """Start the engine."""
    await world.start_engine()


async def make_client(world: EmbeddedWorld) -> None:
    """Make a client."""
    world.client()


async def drop_webhooks(world: EmbeddedWorld) -> None:
    """Lose webhooks."""
    world.webhooks.drop()


async def look(world: EmbeddedWorld) -> None:
    """Look at a room."""
    await world.room("lounge")


@pytest.mark.parametrize("use", [start_engine, make_client, drop_webhooks, look])
def test_a_world_that_was_not_started_says_so(
    use: Callable[[EmbeddedWorld], Coroutine[Any, Any, None]],
) -> None:
    """Whatever is asked of it; closing it is no error, and no end."""

    async def program() -> None:
        world = embedded()
        with pytest.raises(ClosedError):
            await use(world)
        await world.aclose()
        async with world:
            world.client()

    asyncio.run(program())


def test_no_engine_starts_in_a_closed_world() -> None:
    """Nobody would stop it."""
    with Simulation(seed=1) as sim:
        sim.run(sim.world.aclose())
        with pytest.raises(ClosedError):
            sim.run(sim.world.start_engine())


def test_engines_start_and_end_one_at_a_time() -> None:
    """Whoever starts one while another ends waits; of two starts one is enough."""
    with Simulation(seed=1) as sim:
        world = sim.world
        ana = sim.run(joined(world, "ana"))

        async def program() -> None:
            for end in (world.stop_engine, world.kill_engine, world.stop_engine):
                await asyncio.gather(end(), world.start_engine(), world.start_engine())

        sim.run(program())
        ben = sim.run(world.client().join_audio_room("ben", "hall"))
        sim.run(ben.dispose())
        assert repr(world).startswith("<EmbeddedWorld: engine running")
        sim.run(ana.dispose())


@pytest.mark.parametrize("turns", range(0, 60, 3))
def test_a_cancelled_close_goes_on(turns: int) -> None:
    """Whoever closes it next, or nobody at all, finds all of it ended."""
    with Simulation(seed=1) as sim:
        ana = sim.run(joined(sim.world, "ana"))

        async def program() -> None:
            closing = asyncio.create_task(sim.world.aclose())
            for _ in range(turns):
                await asyncio.sleep(0)
            closing.cancel()
            await asyncio.wait((closing,))
            await sim.world.aclose()

        sim.run(program())
        assert not sim.world._engine.is_running
        assert sim.world._pool is not None
        assert sim.world._pool.closed
        sim.run(ana.dispose())


@pytest.mark.parametrize("after", [n / 100 for n in range(0, 16, 2)])
def test_closing_in_the_midst_of_a_join_ends_it(after: float) -> None:
    """Whenever it comes, whoever is on the way in is told, and waits for nothing."""
    with Simulation(seed=1) as sim:
        joining = sim.begin(joined(sim.world, "ana"))
        sim.advance(after)
        sim.run(sim.world.aclose())
        sim.advance(200)

        assert joining.done()
        if isinstance(error := joining.exception(), BaseException):
            assert isinstance(error, UTDStreamException)
        else:
            sim.run(joining.result().dispose())


def test_a_program_that_closes_nothing_blames_no_source(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The end of the loop is no failure of a microphone."""

    async def program() -> None:
        await joined(await embedded().start(), "ana")

    asyncio.run(program())

    assert "audio source" not in caplog.text
