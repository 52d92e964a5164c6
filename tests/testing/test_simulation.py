"""A world stepped from outside: what it promises whoever steps it."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import cache
from typing import Any

import pytest

from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.errors import ClosedError, InvalidArgumentError, UsageError
from utd_stream.media import Silence
from utd_stream.models.media import AudioFrame
from utd_stream.models.names import sfu_room_name
from utd_stream.models.rooms import SeatOccupancy, UTDConnectionState
from utd_stream.ports import AudioSource, FactKind
from utd_stream.testing import HorizonError, Simulation, StalledError


def joined(sim: Simulation, who: str = "ana") -> UTDAudioRoomSession:
    """Return the session of somebody who has entered."""
    client = sim.world.client(microphone=Silence())
    return sim.run(client.join_audio_room(who, "lounge"))


@cache
def printed(*arguments: str, hash_seed: int) -> bytes:
    """Return what another process prints of the rich run."""
    return subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, "-m", "tests.testing.rich_run", *arguments],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        check=True,
    ).stdout


def test_the_same_seed_is_the_same_run_in_every_process() -> None:
    """Byte for byte, whatever the hash seed, with clients, commands and faults."""
    first, second = (printed("11", hash_seed=seed) for seed in (1, 2))

    assert first == second
    assert first.count(b"\n") > 1_000


def test_another_seed_is_another_run() -> None:
    """The seed decides the order of what happens at one instant, and all chance."""
    assert printed("11", hash_seed=1) != printed("12", hash_seed=1)


def test_time_stands_until_it_is_told_to_pass() -> None:
    """What needs no time happens at once, and the rest waits."""
    with Simulation() as sim:
        session = joined(sim)
        began = sim.clock.monotonic()
        taking = sim.begin(session.take_seat(0))
        sim.settle()
        assert session.seat.value == 0
        assert not taking.done()
        assert sim.clock.monotonic() == began

        sim.advance(1)

        assert taking.done()
        assert sim.clock.monotonic() == began + 1
        sim.run(session.dispose())


class _Hangs:
    """A microphone that, asked to close, waits for ever."""

    def open(self) -> _Hangs:
        return self

    def __aiter__(self) -> _Hangs:
        return self

    async def __anext__(self) -> AudioFrame:
        return AudioFrame(samples=bytes(960))

    async def aclose(self) -> None:
        await asyncio.Event().wait()


class _HangsLater:
    """A microphone that waits for ever once it is cancelled."""

    async def open(self) -> AsyncIterator[AudioFrame]:
        try:
            while True:
                yield AudioFrame(samples=bytes(960))
                await asyncio.sleep(0.01)
        finally:
            await asyncio.Event().wait()


@pytest.mark.parametrize("microphone", [_Hangs(), _HangsLater()])
def test_a_microphone_that_does_not_close_ends_with_its_world(
    microphone: AudioSource, caplog: pytest.LogCaptureFixture
) -> None:
    """It is cancelled after a second, by its name in the log, and none is left."""
    with Simulation() as sim:
        client = sim.world.client(microphone=microphone)
        session = sim.run(client.join_audio_room("ana", "lounge"))
        sim.run(session.take_seat(0))
        sim.run(session.dispose())

    assert f"{type(microphone).__name__} did not close within 1 s" in caplog.text
    assert "left behind" not in caplog.text


class _Resists(_Hangs):
    """A microphone that does not close, and keeps two cancellings to itself."""

    async def aclose(self) -> None:
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()


def test_a_microphone_that_resists_its_end_is_named() -> None:
    """Whoever leaves has left; the world ends, and says whose task it was."""
    sim = Simulation()
    client = sim.world.client(microphone=_Resists())
    session = sim.run(client.join_audio_room("ana", "lounge"))
    sim.run(session.take_seat(0))
    sim.run(session.dispose())

    with pytest.raises(AssertionError, match=r"outlived .*_Resists"):
        sim.close()


def test_hours_pass_as_they_are_told_to() -> None:
    """A room that is empty ends in its time, not in ours."""
    with Simulation(room_empty=3_600) as sim:
        session = joined(sim)
        sim.run(session.dispose())
        room = sfu_room_name(sim.world.app.id, "lounge")
        sim.advance(3_500)
        assert sim.world.sfu.metadata(room) is not None

        sim.advance(200)

        assert sim.world.sfu.metadata(room) is None


def test_faults_are_acted_inside_the_world() -> None:
    """What begins something without being awaited needs the world's loop."""
    with Simulation() as sim:
        session = joined(sim)
        room = sfu_room_name(sim.world.app.id, "lounge")

        sim.act(sim.world.sfu.lines.cut, room, "ana")
        assert session.connection_state.value is UTDConnectionState.RECONNECTING
        sim.act(sim.world.sfu.lines.mend, room, identity="ana")
        sim.advance(5)

        assert session.connected.value
        sim.run(session.dispose())


def test_what_work_and_acts_return_and_raise_comes_through() -> None:
    """`run`, `begin` and `act` add nothing and hide nothing."""

    async def answer() -> int:
        return 42

    async def fail() -> None:
        raise LookupError

    with Simulation() as sim:
        assert (sim.run(answer()), sim.begin(answer()).result()) == (42, 42)
        assert sim.act(int, "7") == 7
        with pytest.raises(LookupError):
            sim.run(fail())
        with pytest.raises(ValueError, match="literal"):
            sim.act(int, "seven")


def test_an_observer_is_told_what_the_log_is_told() -> None:
    """Each thing as it is, in the same order."""

    class Names:
        def __init__(self) -> None:
            self.heard: list[tuple[str, str, str]] = []

        def note(self, who: str, kind: FactKind, what: object) -> None:
            self.heard.append((who, kind, type(what).__name__))

    observer = Names()
    with Simulation(observer=observer) as sim:
        sim.run(joined(sim).dispose())

        assert len(observer.heard) == len(sim.log.lines) > 0
    assert ("ana in lounge", "command", "Connect") in observer.heard


# The end.


STEPS: dict[str, Callable[[Simulation], object]] = {
    "run": lambda sim: sim.run(asyncio.sleep(0)),
    "begin": lambda sim: sim.begin(asyncio.sleep(0)),
    "act": lambda sim: sim.act(int),
    "settle": lambda sim: sim.settle(),
    "advance": lambda sim: sim.advance(1),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_closed_world_says_so(step: str) -> None:
    """Every step names the remedy, and leaves no coroutine behind."""
    sim = Simulation()
    sim.close()

    with pytest.raises(ClosedError, match="make a new one"):
        STEPS[step](sim)
    gc.collect()  # what was never awaited would warn here


def test_closing_twice_is_quiet() -> None:
    """`close` may be said in a block that closes too; the log stays."""
    with Simulation() as sim:
        sim.run(joined(sim).dispose())
        sim.close()
        count = len(sim.log.lines)
        sim.close()

    assert len(sim.log.lines) == count > 0
    assert sim.loop.is_closed()


def test_closing_ends_clients_and_sounds() -> None:
    """Whoever forgets to leave leaves no task, no iterator and no loop."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Simulation() as sim:
            ana, ben = joined(sim), joined(sim, "ben")
            sim.run(ana.take_seat(0))
            heard = ben.audio("ana")
            _ = sim.begin(anext_of(heard))
            sim.advance(1)
        gc.collect()


async def anext_of(frames: Any) -> object:
    """Return the next one."""
    return await anext(frames)


def test_a_task_that_outlives_the_world_is_told_by_name() -> None:
    """Who was never ended is a finding, once."""
    sim = Simulation()

    async def forever() -> None:
        await asyncio.get_running_loop().create_future()

    sim.begin(forever()).set_name("the one nobody ended")
    gc.collect()  # nobody but the simulation holds it
    with pytest.raises(AssertionError, match="the one nobody ended"):
        sim.close()
    sim.close()

    assert sim.loop.is_closed()


def test_a_failing_block_is_told_by_its_own_error() -> None:
    """What is left over then says nothing that matters."""

    async def forever() -> None:
        await asyncio.get_running_loop().create_future()

    def block(sim: Simulation) -> None:
        with sim:
            _ = sim.begin(forever())
            raise LookupError

    sim = Simulation()
    with pytest.raises(LookupError):
        block(sim)

    assert sim.loop.is_closed()


def test_a_run_that_cannot_go_on_can_still_be_closed() -> None:
    """A stall and a horizon end the step, not the way out."""
    with Simulation(horizon=100) as sim:
        session = joined(sim)
        with pytest.raises(HorizonError, match="100"):
            sim.advance(101)
        sim.run(session.dispose())

    async def forever() -> None:
        await asyncio.get_running_loop().create_future()

    with Simulation() as sim:
        sim.run(sim.world.aclose())  # no timer is left
        with pytest.raises(StalledError):
            sim.run(forever())
        for task in asyncio.all_tasks(sim.loop):
            task.cancel()


def test_a_setting_out_of_range_leaves_no_loop() -> None:
    """The error is that of `embedded`, and nothing is left open."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InvalidArgumentError):
            Simulation(seat_grace=-1.0)
        gc.collect()


async def test_inside_a_running_loop_the_remedy_is_named() -> None:
    """As in a notebook: it wants a thread of its own, and works there."""
    with pytest.raises(UsageError, match="to_thread"):
        Simulation()

    def program() -> SeatOccupancy:
        with Simulation() as sim:
            session = joined(sim)
            sim.run(session.take_seat(0))
            try:
                return session.occupancy.value
            finally:
                sim.run(session.dispose())

    assert await asyncio.to_thread(program) is SeatOccupancy.SPEAKING


def test_stepping_from_inside_is_refused() -> None:
    """The world cannot be stepped by what it runs."""
    with Simulation() as sim:

        async def inside() -> None:
            for step in STEPS.values():
                with pytest.raises(UsageError, match="a loop of its own"):
                    step(sim)
            with pytest.raises(UsageError):
                sim.close()

        sim.run(inside())
        sim.advance(1)


def test_a_coroutine_function_is_subscribed_as_the_error_says() -> None:
    """Outside the loop it is refused, and the remedy in the refusal works."""
    seen: list[SeatOccupancy] = []

    async def look(value: SeatOccupancy) -> None:
        seen.append(value)

    with Simulation() as sim:
        session = joined(sim)
        with pytest.raises(UsageError, match=r"simulation\.act\(values\.subscribe"):
            session.occupancy.subscribe(look)

        sim.act(session.occupancy.subscribe, look)
        sim.run(session.take_seat(0))
        sim.settle()

        assert seen[0] is SeatOccupancy.LISTENING
        assert seen[-1] is SeatOccupancy.SPEAKING
        sim.run(session.dispose())
