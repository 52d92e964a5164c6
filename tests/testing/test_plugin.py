"""The plugin of pytest, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.patience import patient

pytest_plugins = ["pytester"]

ROOM = """
    from utd_stream.media import Silence
    from utd_stream.testing import Simulation

    def enter(sim, who="ana"):
        client = sim.world.client(microphone=Silence())
        return sim.run(client.join_audio_room(who, "lounge"))

    def order(sim):
        first = []
        for number in range(20):
            sim.act(sim.loop.call_at, 1.0, first.append, number)
        sim.advance(2)
        return first
"""


def run(pytester: pytest.Pytester, text: str, *arguments: str) -> pytest.RunResult:
    """Run tests of somebody who has no pytest-asyncio, warnings as errors."""
    pytester.makepyfile(room=ROOM, test_room=text)
    return pytester.runpytest_subprocess(
        *("-W", "error", "-p", "no:cacheprovider", "-p", "no:asyncio"),
        *arguments,
        timeout=patient(100),
    )


def test_a_test_gets_a_world_by_name(pytester: pytest.Pytester) -> None:
    """An hour passes, nobody is async, and the world is closed at the end."""
    told = run(
        pytester,
        """
        from room import enter

        worlds = []

        def test_an_hour(simulation):
            worlds.append(simulation)
            session = enter(simulation)
            simulation.run(session.take_seat(0))
            simulation.advance(3_600)
            assert session.connected.value

        def test_the_next(simulation):
            assert worlds[0].loop.is_closed()
            assert simulation is not worlds[0]
        """,
    )

    told.assert_outcomes(passed=2)


@pytest.mark.parametrize("seed", ["", "5"])
def test_the_seed_is_chosen_from_outside(pytester: pytest.Pytester, seed: str) -> None:
    """The world is that of its seed, and 0 is the seed of nobody's choice."""
    text = f"""
        from room import Simulation, order

        def test_seed(simulation):
            with Simulation({seed or 0}) as same, Simulation(77) as other:
                assert order(simulation) == order(same) != order(other)
        """

    told = run(pytester, text, *[f"--utd-seed={seed}"] * bool(seed))

    told.assert_outcomes(passed=1)


def test_a_failure_shows_the_end_of_the_log(pytester: pytest.Pytester) -> None:
    """With its seed, and how much there is; a task left over is not told."""
    told = run(
        pytester,
        """
        import asyncio
        from room import enter

        def test_wrong(simulation):
            for who in ("ana", "ben", "eva", "dan"):
                enter(simulation, who)
            task = simulation.begin(asyncio.sleep(10))
            assert False, "what is wrong"
        """,
        "--utd-seed=3",
    )

    told.assert_outcomes(failed=1)
    told.stdout.fnmatch_lines(
        [
            *("*what is wrong*", "*utd_stream, seed 3*"),
            "fact log, newest 40 of * lines, shortened:",
        ]
    )
    shown = [line for line in told.stdout.lines if line.startswith("00:00:")]
    assert len(shown) == 40
    assert "outlived" not in told.stdout.str()


def test_a_success_shows_nothing(pytester: pytest.Pytester) -> None:
    """Nor does a failure that had no world."""
    told = run(
        pytester,
        """
        from room import enter

        def test_right(simulation):
            enter(simulation)

        def test_wrong():
            assert False
        """,
    )

    told.assert_outcomes(passed=1, failed=1)
    assert "fact log" not in told.stdout.str()


def test_a_task_left_over_is_an_error(pytester: pytest.Pytester) -> None:
    """Where all else is well it is the finding, and the log is shown."""
    told = run(
        pytester,
        """
        import asyncio
        from room import enter

        def test_forgets(simulation):
            enter(simulation)
            simulation.begin(asyncio.sleep(10)).set_name("nobody's")
        """,
    )

    told.assert_outcomes(passed=1, errors=1)
    told.stdout.fnmatch_lines(["*outlived their world: nobody's*", "*fact log*"])


ASYNC = """
    import pytest
    from hypothesis import given, strategies as st

    async def test_await(simulation):
        await simulation.world.client().join_audio_room("ana", "lounge")

    async def test_run(simulation):
        simulation.run(simulation.world.client().join_audio_room("ana", "lounge"))

    class TestRoom:
        @pytest.mark.parametrize("n", [1, 2])
        async def test_advance(self, simulation, n):
            simulation.advance(n)

    @given(st.booleans())
    async def test_drawn(simulation, drawn):
        simulation.settle()
    """


AUTO = "asyncio_mode=auto", "asyncio_default_fixture_loop_scope=function"


@pytest.mark.parametrize(
    "plugin",
    [("-p", "no:asyncio"), ("-o", AUTO[0], "-o", AUTO[1])],
    ids=["no plugin", "pytest-asyncio"],
)
def test_an_async_test_is_refused_in_one_line(
    pytester: pytest.Pytester, plugin: tuple[str, ...]
) -> None:
    """The line names the remedy, and nothing else is said."""
    pytester.makepyfile(test_room=ASYNC)

    told = pytester.runpytest_subprocess(
        *("-W", "error", "-p", "no:cacheprovider", *plugin),
        timeout=100,
    )

    told.assert_outcomes(errors=5)
    text = told.stdout.str() + told.stderr.str()
    # Once in each report; under CI the summary repeats it.
    reports, _, _ = text.partition("short test summary info")
    assert reports.count("write a plain `def` test") == 5
    assert "use simulation.run(...)" in text
    for noise in ("Traceback", "never retrieved", "never awaited", "RuntimeError"):
        assert noise not in text


def test_pytest_starts_without_the_rest() -> None:
    """The plugin is loaded wherever the package is installed, and costs nothing."""
    program = "import sys, utd_stream.testing.plugin; print(*sys.modules)"
    told = subprocess.run(  # noqa: S603 -- this interpreter, a program from above
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    loaded = {name.partition(".")[0] for name in told.stdout.split()}
    heavy = {"aiohttp", "cattrs", "hypothesis", "livekit", "reactivex", "sqlalchemy"}
    assert "pytest" in loaded
    assert not heavy & loaded
