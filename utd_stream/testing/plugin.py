"""A plugin of pytest: a world on virtual time for each test that asks for one.

::

    from utd_stream import Silence
    from utd_stream.testing import Simulation

    def test_a_seat(simulation: Simulation) -> None:
        ana = simulation.world.client(microphone=Silence())
        room = simulation.run(ana.join_audio_room("ana", "lounge"))
        simulation.run(room.take_seat(0))

It is there wherever the package is installed, and loads nothing until a test
asks for it.  The test is a plain function: an async one runs in a loop of real
time, and is refused by a line that says so.
"""

from __future__ import annotations

import inspect
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from utd_stream.testing import Simulation

__all__ = ["pytest_addoption", "pytest_runtest_makereport", "simulation"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--utd-seed``."""
    parser.getgroup("utd_stream").addoption(
        "--utd-seed",
        type=int,
        default=0,
        metavar="N",
        help="seed of the fixture `simulation`: what comes first, and all chance",
    )


@pytest.fixture
def simulation(request: pytest.FixtureRequest) -> Iterator[Simulation]:
    """A world that moves only when it is told to; closed at the end.

    Its seed is that of ``--utd-seed``.  A test that passed, and left a task that
    nobody ended, fails; one that failed shows the newest lines of the log.
    """
    if _is_async(request.function):
        pytest.fail(_ASYNC, pytrace=False)
    from utd_stream.testing import Simulation  # noqa: PLC0415 -- heavy, for those who ask

    sim = Simulation(request.config.getoption("--utd-seed"))
    stash = request.node.stash
    stash[_SIMULATION] = sim
    yield sim
    # What is left over after a failure says less than the failure.
    with suppress(*[AssertionError] * stash.get(_HAS_FAILED, False)):
        sim.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what happened in the world of a test that failed."""
    report = yield
    sim = item.stash.get(_SIMULATION, None)
    if report.failed and sim is not None:
        item.stash[_HAS_FAILED] = True
        from utd_stream.testing._telling import told  # noqa: PLC0415 -- likewise

        title = f"utd_stream, seed {item.config.getoption('--utd-seed')}"
        report.sections.append((title, told(sim.log.lines)))
    return report


def _is_async(function: Any) -> bool:
    # Hypothesis wraps a test in a function that is never async.
    inner = getattr(getattr(function, "hypothesis", None), "inner_test", function)
    return inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner)


_ASYNC = (
    "the fixture `simulation` has a loop of its own: write a plain `def` test "
    "and await nothing in it, use simulation.run(...)"
)
_SIMULATION: pytest.StashKey[Simulation] = pytest.StashKey()
_HAS_FAILED = pytest.StashKey[bool]()
