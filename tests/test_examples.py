"""Each example does what it says, in a world on virtual time."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from tests.planes import heard_hz
from utd_stream.media import Tone
from utd_stream.models import CallEndReason, UTDStreamType
from utd_stream.testing import Simulation

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


def example(name: str) -> Any:
    """Return an example as a module."""
    (path,) = (path for path in EXAMPLES if path.stem == name)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short(path: Path) -> None:
    """Under 60 lines: it is read at once."""
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60


def test_the_answering_machine_plays_a_tune(capsys: pytest.CaptureFixture[str]) -> None:
    """It answers one caller after the other, and hangs up when they have listened."""
    answering_machine = example("answering_machine")
    with Simulation(seed=3) as sim:
        client = sim.world.client(microphone=answering_machine.Tune())
        machine = sim.begin(answering_machine.machine(client))
        sim.settle()
        caller = sim.world.client(microphone=Tone(330))
        sim.run(caller.authenticate("ana"))
        session = caller.call_session(UTDStreamType.AUDIO_CALL)
        for _ in range(2):
            sim.run(session.start("answering-machine"))
            heard = sim.run(heard_hz(session.audio("answering-machine"), seconds=0.2))
            end = sim.run(session.end_info.until(lambda end: end is not None, 30))

            assert min(abs(heard - hz) for hz in answering_machine.NOTES_HZ) < 8
            assert end is not None
            assert end.reason is CallEndReason.CALLEE_HANGUP
        sim.run(session.dispose())
        machine.cancel()
        sim.settle()

    assert capsys.readouterr().out.splitlines() == ["ana hears the tune"] * 2
