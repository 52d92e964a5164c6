"""Scripts of faults are readable, repeatable, and end well."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import attrs
import orjson
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.testing.guests import ROOM, answer, enter
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.errors import InvalidArgumentError, UTDStreamException
from utd_stream.testing import Fault, FaultScript, Simulation, play
from utd_stream.testing import faults as f
from utd_stream.testing.rooms import Crowd
from utd_stream.testing.scripts import fault_scripts


def test_a_script_reads_like_a_list() -> None:
    """In the order of time, with its units."""
    script = FaultScript([(30, f.KillEngine(), 2.5), (1, f.CutLine(ROOM, "ana"), 5)])

    assert str(script).splitlines() == [
        "fault script:",
        "       1 s  CutLine(room='lounge', identity='ana') for 5 s",
        "      30 s  KillEngine() for 2.5 s",
    ]
    assert script.ends_at == 32.5


@pytest.mark.parametrize(
    ("acts", "told"),
    [
        ([(-1, f.KillEngine(), 1)], "times are seconds from 0"),
        ([(1, f.KillEngine(), -1)], "times are seconds from 0"),
        (
            [(1, f.DropGrants(), 5), (3, f.DelayGrants(1), 5)],
            "grants is broken until 6 s",
        ),
        ([(1, f.KillSfu(), 5), (3, f.RefuseRequests(), 5)], "begin it later"),
    ],
)
def test_what_is_no_script_is_refused(acts: Any, told: str) -> None:
    """Before anything breaks, with the remedy."""
    with pytest.raises(InvalidArgumentError, match=told):
        FaultScript(acts)


def test_a_failure_names_the_script(sim: Simulation) -> None:
    """And what is broken then is mended."""
    script = FaultScript([(1, f.SlowRequests(9), 50), (5, f.SkewEngine(7), 50)])

    with pytest.raises(LookupError) as failed:
        fail_under(sim, script)

    (told,) = failed.value.__notes__
    assert "1 s  SlowRequests(seconds=9) for 50 s" in told
    assert "5 s  SkewEngine(seconds=7) for 50 s" in told
    assert sim.world.sfu.delay == 0


def fail_under(sim: Simulation, script: FaultScript) -> None:
    """Fail, after a while."""
    with play(sim, script):
        sim.advance(2)
        raise LookupError


def test_what_a_block_leaves_broken_is_mended(sim: Simulation) -> None:
    """Whoever leaves early has a whole world again."""
    ana = enter(sim, "ana")

    with play(sim, [(0, f.KillEngine(), 99), (0, f.CutLine(ROOM, "ana"), 99)]):
        sim.advance(5)
        assert not ana.connected.value
    sim.advance(5)

    assert ana.connected.value
    assert answer(sim, ana.get_seats()) == ""


@attrs.frozen
class Broken:
    """A fault that cannot be done."""

    touches = "nothing"

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Fail."""
        await sim.clock.sleep(0)
        if sim.clock.monotonic() >= 0:
            raise LookupError
        yield


def test_a_fault_that_fails_is_told(sim: Simulation) -> None:
    """At the end of the block: the script is not what was played."""
    with pytest.raises(LookupError), play(sim, [(1, Broken(), 1)]):
        sim.advance(5)


def logged(seed: int, script: FaultScript) -> list[str]:
    """What happens in a room under a script."""
    with Simulation(seed) as sim, play(sim, script):
        ana, ben = enter(sim, "ana"), enter(sim, "ben")
        for session in (ana, ben):
            _ = sim.begin(quiet(session))
        sim.advance(script.ends_at + 60)
        return sim.log.lines


async def quiet(session: UTDAudioRoomSession) -> None:
    """Sit down, or be refused."""
    with suppress(UTDStreamException):
        await session.take_seat(0)


RICH = FaultScript(
    [
        (1.0, f.DelayGrants(0.5), 9),
        (2.0, f.CutLine(ROOM, "ana"), 5),
        (2.0, f.KillEngine(), 1),
        (4.0, f.HoldWebhooks(newest_first=True), 20),
        (12.0, f.RestartSfu(), 0),
    ]
)


def test_a_script_is_repeatable() -> None:
    """Line for line, with the same seed; each beginning and end is among them."""
    first = logged(5, RICH)

    assert first == logged(5, RICH) != logged(6, RICH)
    told = [orjson.loads(line) for line in first]
    names = [line["name"] for line in told if line["who"] == "faults"]
    assert sorted(names) == sorted(
        [*(type(act.fault).__name__ for act in RICH.acts), *["Mended"] * 5]
    )


def test_every_fault_is_drawn_that_ends() -> None:
    """Whatever a room notices, but the death of a client."""
    drawn: set[str] = set()

    @settings(max_examples=300, derandomize=True, database=None)
    @given(script=fault_scripts(ROOM, "ana"))
    def draw(script: FaultScript) -> None:
        drawn.update(type(act.fault).__name__ for act in script.acts)

    draw()

    of_calls = {name for name in f.__all__ if name.endswith("Signaling")}
    assert drawn == set(f.__all__) - of_calls - {"KillClient"}


@attrs.frozen
class Known:
    """A fault, of which whoever judges the crowd is told what the SFU forgot."""

    fault: Fault
    crowd: Crowd = attrs.field(repr=False, eq=False)

    @property
    def touches(self) -> str:
        """What the fault does."""
        return self.fault.touches

    @asynccontextmanager
    async def happening(self, sim: Simulation) -> AsyncGenerator[None]:
        """Tell the crowd, and let it happen."""
        if self.touches == "the SFU":
            self.crowd.truth.forget()
        async with self.fault.happening(sim):
            yield


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(script=fault_scripts(ROOM, "ana", "ben"), seed=st.integers(0, 99))
def test_a_room_agrees_after_any_script(script: FaultScript, seed: int) -> None:
    """Engine, SFU and clients know the same once all is over."""
    crowd = Crowd(seed, ROOM)
    try:
        crowd.join("ana", as_host=True)
        crowd.join("ben")
        crowd.sim.advance(1)
        acts = [(at, Known(fault, crowd), lasts) for at, fault, lasts in script.acts]
        with play(crowd.sim, acts):
            crowd.ask("ana", "sits", lambda session: session.take_seat(0))
            crowd.sim.advance(script.ends_at / 2)
            crowd.ask("ben", "sits", lambda session: session.take_seat(0))
            crowd.ask("ana", "moves", lambda session: session.move_seat(1))
            crowd.sim.advance(script.ends_at / 2)
        crowd.sim.advance(90)

        found = list(crowd.quiet())
        note(str(script))
        assert found == []
    finally:
        crowd.leave_all()
        crowd.close()
